"""What nats-py does not promise to keep and we rely on: if a new version changes it, this fails.

Each text says which of our methods relies on the part, and what goes wrong without it. The second
half shows that each fault which `HardenedClient` mends is still there.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import nats.errors
import pytest
from nats.aio.client import PING_PROTO, Client
from nats.aio.transport import TcpTransport
from nats.protocol.parser import Parser

from consumer.nats.hardened import HEADERS_READ_COUNT, SHORT_HEADERS_BYTES, HardenedClient

if TYPE_CHECKING:
    from collections.abc import Callable


ClientT = TypeVar("ClientT", bound=Client)


class Override(NamedTuple):
    """A method of nats-py that we override.

    Attributes:
        callers: The functions of nats-py that call it, so that ours is used at all.
        breaks: What goes wrong when ours is not used.
    """

    callers: tuple[Callable[..., object], ...]
    breaks: str


OVERRIDES: Final = {
    "_process_connect_init": Override(
        (Client.connect,), "a server that is full is told as a broken pipe"
    ),
    "_connect_command": Override(
        (Client._process_connect_init,), "a login may be sent without the TLS that was asked for"
    ),
    "_process_headers": Override(
        (Client._process_msg,), "broken headers end all reading, and many hold the event loop"
    ),
    "_build_message": Override((Client._process_msg,), "a subject of odd bytes ends all reading"),
    "_send_ping": Override(
        (Client.flush, Client._ping_interval), "a flush proves nothing about what was published"
    ),
    "_process_pong": Override((Parser.parse,), "the answer to a flush given up ends all reading"),
    "_process_op_err": Override(
        (Client._flusher, Client._ping_interval, Client._read_loop),
        "nobody is told of a connection that is lost while bytes wait",
    ),
}
CALLED: Final = {
    "_send_command": ("_send_ping", ["self", "cmd"]),
    "_flush_pending": ("_send_ping", ["self"]),
}
"""The methods of nats-py that ours call: from which one, and with which parameters."""
ATTRIBUTES: Final = {
    "_pongs": (list, "_send_ping and _process_pong: who waits for an answer to a PING"),
    "_pending": (list, "_process_op_err: what waits to be sent"),
    "_pending_data_size": (int, "_process_op_err: how much waits to be sent"),
    "_server_info": (dict, "_connect_command, is_clustered: what the server offers"),
    "_transport": (type(None), "abort: the way to the socket"),
    "options": (dict, "_connect_command: whether TLS comes before the server's first line"),
}
"""The attributes of a new client that ours use: their type, by which method, and for what."""


def parameters(function: Callable[..., object]) -> list[str]:
    """Return the names of a function's parameters."""
    return list(inspect.signature(function).parameters)


def test_every_override_is_listed() -> None:
    """An override that is not listed would be checked by nobody."""
    ours = {name for name, part in vars(HardenedClient).items() if inspect.isfunction(part)}
    assert ours - {"__init__", "abort"} == set(OVERRIDES)


@pytest.mark.parametrize("name", OVERRIDES)
def test_overridden_method_has_its_signature(name: str) -> None:
    """Else nats-py calls ours in a way that it does not understand."""
    told = f"HardenedClient.{name} has to follow nats-py, or {OVERRIDES[name].breaks}"
    theirs, ours = getattr(Client, name, None), getattr(HardenedClient, name)
    assert theirs is not None, told
    assert parameters(theirs) == parameters(ours), told
    assert inspect.iscoroutinefunction(theirs) == inspect.iscoroutinefunction(ours), told


@pytest.mark.parametrize("name", OVERRIDES)
def test_overridden_method_is_called(name: str) -> None:
    """An override that nothing calls any more mends nothing."""
    for caller in OVERRIDES[name].callers:
        assert name in caller.__code__.co_names, (
            f"{caller.__qualname__} does not call {name} any more: {OVERRIDES[name].breaks}"
        )


@pytest.mark.parametrize("name", CALLED)
def test_called_method_takes_what_ours_gives(name: str) -> None:
    """`HardenedClient._send_ping` writes through the same buffer as a publish."""
    caller, given = CALLED[name]
    theirs = getattr(Client, name, None)
    assert theirs is not None, f"HardenedClient.{caller} calls {name}, which is gone"
    assert inspect.iscoroutinefunction(theirs), f"HardenedClient.{caller} awaits {name}"
    assert parameters(theirs)[: len(given)] == given, f"HardenedClient.{caller} calls {name}"


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_is_what_ours_take_it_for(name: str) -> None:
    """An attribute that has another name or type is set and read in vain."""
    kind, why = ATTRIBUTES[name]
    assert type(vars(Client()).get(name, ...)) is kind, f"HardenedClient.{why}"


def test_socket_is_where_abort_looks_for_it() -> None:
    """Else `abort` does nothing, and a frozen server holds up every close."""
    assert TcpTransport.__name__ in Client._connect_to_server.__code__.co_names
    transport = TcpTransport()  # type: ignore[no-untyped-call]  # nats-py's
    assert vars(transport).get("_io_writer", ...) is None, "HardenedClient.abort: the socket"
    assert vars(transport).get("_io_reader", ...) is None, "HardenedClient: a full server's reason"


async def test_reason_of_a_full_server_is_in_the_buffer_of_the_stream() -> None:
    """Else it is told as a broken pipe."""
    assert vars(asyncio.StreamReader())["_buffer"] == b"", "HardenedClient: a full server's reason"


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.aborted = False
        self._io_writer = SimpleNamespace(transport=self)

    def abort(self) -> None:
        """Note that the socket was closed at once."""
        self.aborted = True

    def write(self, data: bytes) -> None:
        """Keep one piece."""
        self.written += data

    def writelines(self, pieces: list[bytes]) -> None:
        """Keep several pieces."""
        self.written += b"".join(pieces)

    async def drain(self) -> None:
        """Do nothing: all is written."""

    def close(self) -> None:
        """Do nothing: there is no socket."""

    async def wait_closed(self) -> None:
        """Return at once."""


def connected(kind: type[ClientT]) -> tuple[ClientT, Wire]:
    """Return a client that takes itself for connected, with bytes that wait to be sent."""
    client, wire = kind(), Wire()
    inside: Any = client  # what it takes ours for has other types
    inside.options = defaultdict(lambda: None, user="user", password="secret")
    inside._auth_configured = True
    inside._status = Client.CONNECTED
    inside._current_server = SimpleNamespace()
    inside._transport = wire
    inside._flush_queue = asyncio.Queue()
    inside._flusher_task = asyncio.get_running_loop().create_future()
    inside._pending, inside._pending_data_size = [b"PUB"], 3
    return client, wire


def gone(method: str) -> str:
    """Return what to do when a fault is not there any more."""
    return f"nats-py has mended this fault: HardenedClient.{method} can go"


async def outcome(call: Callable[[], object]) -> object:
    """Return what a call of nats-py returns, or the kind of the error that it raises."""
    try:
        returned = call()
        return await returned if inspect.isawaitable(returned) else returned
    except (ValueError, LookupError, asyncio.InvalidStateError) as error:
        return type(error)


@pytest.mark.parametrize("headers", [b"NATS/1.0", b"NATS/1.0 \xff\xff\xff\r\n\r\n"])
async def test_broken_headers_raise_in_natspy_only(headers: bytes) -> None:
    """The first line is cut off, or is not UTF-8."""
    theirs = await outcome(lambda: Client()._process_headers(headers))
    assert theirs in {IndexError, UnicodeDecodeError}, gone("_process_headers")
    assert await HardenedClient()._process_headers(headers) is None


async def test_many_headers_are_read_up_to_a_limit() -> None:
    """Headers of 4 bytes each: 250,000 of them fit into a message."""
    lines = [b"h%d:" % number for number in range(HEADERS_READ_COUNT + 1)]
    for count in (HEADERS_READ_COUNT, HEADERS_READ_COUNT + 1):
        headers = b"\r\n".join((b"NATS/1.0", *lines[:count], b"", b""))
        read = await HardenedClient()._process_headers(headers)
        assert read == {f"h{number}": "" for number in range(HEADERS_READ_COUNT)}


async def test_other_tasks_get_a_turn_between_messages_with_many_headers() -> None:
    """The reading task does not pause by itself while the socket has more."""
    client = HardenedClient()
    client._turn._began_s -= 1
    headers = b"NATS/1.0\r\n" + b"a:\r\n" * SHORT_HEADERS_BYTES + b"\r\n"
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(client._process_headers(headers))
        await asyncio.sleep(0)
        assert not reading.done()
    assert reading.result() == {"a": ""}


async def test_subject_of_odd_bytes_raises_in_natspy_only() -> None:
    """The server lets any sender publish to such a subject."""
    parts = (1, b"in.\xff", b"", b"{}", None)
    theirs = await outcome(lambda: Client()._build_message(*parts))
    assert theirs is UnicodeDecodeError, gone("_build_message")
    assert HardenedClient()._build_message(*parts).subject == "in.\\xff"


async def test_answer_that_nobody_waits_for_raises_in_natspy_only() -> None:
    """A `flush` that timed out has cancelled its future, and the PONG comes later."""
    for kind in (Client, HardenedClient):
        client, _ = connected(kind)
        client._pongs = [asyncio.get_running_loop().create_future()]
        client._pongs[0].cancel()
        raised = await outcome(client._process_pong)
        if kind is Client:
            assert raised is asyncio.InvalidStateError, gone("_process_pong")
        else:
            assert raised is None


async def test_ping_overtakes_what_was_published_in_natspy_only() -> None:
    """The socket gets the PING of nats-py before what waits in its buffer."""
    theirs, wire = connected(Client)
    await theirs._send_ping()
    assert wire.written == PING_PROTO, gone("_send_ping")
    ours, wire = connected(HardenedClient)
    await ours._send_ping()
    assert (wire.written, ours._pending) == (b"", [b"PUB", PING_PROTO])


async def test_lost_connection_is_written_to_in_natspy_only() -> None:
    """A peer that is frozen never takes it, so that the write waits for ever."""
    theirs, wire = connected(Client)
    await theirs._process_op_err(OSError())
    assert wire.written == b"PUB", gone("_process_op_err")
    ours, wire = connected(HardenedClient)
    await ours._process_op_err(OSError())
    assert (wire.written, wire.aborted) == (b"", True)


async def test_login_is_sent_without_tls_by_natspy_only() -> None:
    """The server's first line does not offer TLS, although our URL asks for it."""
    theirs, _ = connected(Client)
    assert b"secret" in theirs._connect_command(), gone("_connect_command")
    ours, _ = connected(HardenedClient)
    ours.requires_tls = True
    with pytest.raises(nats.errors.SecureConnWantedError):
        ours._connect_command()


async def test_reason_that_waits_in_the_socket_is_lost_by_natspy_only() -> None:
    """A full server hangs up behind its first line, just before we send our login."""
    said = [await refused_while_logging_in(kind) for kind in (Client, HardenedClient)]
    assert "maximum connections" not in said[0], gone("_process_connect_init")
    assert said[1] == "maximum connections exceeded"


async def refused_while_logging_in(kind: type[Client]) -> str:
    """Return the errors of a client whose server hangs up in the middle of the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as full, ThreadPoolExecutor(1) as thread:

        def greet() -> socket.socket:
            server, _ = full.accept()
            server.sendall(b'INFO {"max_payload": 1048576}\r\n')
            return server

        class RefusedLate(kind):  # type: ignore[valid-type, misc]  # a class from outside
            def _connect_command(self) -> bytes:
                with greeting.result() as server:
                    server.sendall(b"-ERR 'maximum connections exceeded'\r\n")
                command: bytes = super()._connect_command()
                return command

        client, greeting = RefusedLate(), thread.submit(greet)
        with pytest.raises((OSError, nats.errors.Error)) as why:
            await client.connect(
                f"nats://127.0.0.1:{full.getsockname()[1]}",
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
            )
        HardenedClient.abort(client)
        await asyncio.sleep(0)  # the socket is closed in the loop's next turn
        return str(client.last_error or why.value)
