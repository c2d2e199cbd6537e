"""Which connections the public port takes, and how it ends them. All clients use real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from consumer.errors import ConfigError
from consumer.http import connections as connections_module
from consumer.http.client_address import ClientAddress
from consumer.http.connections import NEVER_S, Connections, CutOff
from consumer.http.open_files import KEPT_COUNT
from consumer.http.server import Server
from consumer.operations.metrics import Metrics
from tests.support.eventually import eventually
from tests.support.http_port import (
    HEAD,
    PATIENT,
    POST,
    SHORT_S,
    TLS,
    EchoApplication,
    one_answer,
    port,
    problem,
    rest,
    trusting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.http.application import Receive, Send
    from consumer.http.cycle import AsgiEvent
    from consumer.http.settings import HttpTlsSettings

HELD: Final = (b"", HEAD + b"X-A: a", HEAD + b"Content-Length: 9\r\n\r\n{")


def server_at(bind: str) -> Server:
    """Return a server that has not begun."""
    return Server(msgspec.structs.replace(PATIENT, bind=bind), EchoApplication(), Metrics())


def test_taken_port_is_told_by_its_option() -> None:
    """Before anything else starts."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = server_at(f"127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(ConfigError, match=r"^http\.bind: cannot listen on"):
            server.take()


@pytest.mark.parametrize("bind", ["fd:12345", "fd:x", "fd:0"])
def test_inherited_socket_that_does_not_listen_is_told(bind: str) -> None:
    """Whoever starts the process has to open it."""
    with pytest.raises(ConfigError, match=r"^http\.bind: cannot use the inherited socket"):
        server_at(bind).take()


def test_proxies_are_checked() -> None:
    """The text names the option."""
    settings = msgspec.structs.replace(PATIENT, trusted_proxies=("proxy-1",))
    with pytest.raises(ConfigError, match=r"^http\.trusted_proxies: "):
        Server(settings, EchoApplication(), Metrics())


@pytest.fixture
def binds() -> Iterator[list[str]]:
    """Return one listening socket, under the numbers that two processes would inherit."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield [f"fd:{os.dup(listener.fileno())}" for _ in range(2)]


@pytest.mark.parametrize("tls", [None, TLS], ids=["plain", "tls"])
async def test_two_processes_share_an_inherited_socket(
    monkeypatch: pytest.MonkeyPatch, binds: list[str], tls: HttpTlsSettings | None
) -> None:
    """One of them may end, and the other goes on."""
    context = trusting() if tls else None
    async with port(monkeypatch, bind=binds[0], tls=tls) as here:
        async with port(monkeypatch, bind=binds[1], tls=tls) as other:
            async with here.connected(POST, context) as client:
                await one_answer(client)
            await other.server.drain(0)
        for _ in range(5):
            async with here.connected(POST, context) as client:
                assert await one_answer(client) == b"POST /a {}"
                assert here.open_count == 1


async def test_address_may_hold_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused, and the others are not touched."""
    async with port(monkeypatch, max_connections_per_address_count=2) as here:
        async with here.connected(POST) as first, here.connected(POST) as second:
            assert await one_answer(first) == await one_answer(second)
            assert await here.ask(b"") == b""
            async with here.connected(POST, address="127.0.0.2") as other:
                await one_answer(other)
            first[1].write(POST)
            await one_answer(first)
            assert here.shed_count(CutOff.ADDRESS_CONNECTIONS) == 1
        await here.all_left()
        async with here.connected(POST) as client:
            await one_answer(client)


async def test_proxy_may_hold_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands for many clients."""
    limits: dict[str, Any] = {
        "max_connections_per_address_count": 1,
        "trusted_proxies": ("127.0.0.0/8",),
    }
    async with port(monkeypatch, **limits) as here, contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await one_answer(await stack.enter_async_context(here.connected(POST)))
        assert here.open_count == 3


@pytest.mark.parametrize("held", HELD[:2])
async def test_held_connections_keep_nobody_out(
    monkeypatch: pytest.MonkeyPatch, held: bytes
) -> None:
    """The connection that has waited longest makes room, and no other connection."""
    async with (
        port(monkeypatch, max_connections_count=2) as here,
        here.connected(POST + held) as first,
    ):
        await one_answer(first)
        async with here.connected(POST + held) as second:
            await one_answer(second)
            async with here.connected(POST) as newcomer:
                await one_answer(newcomer)
            assert await rest(first) == b""
            assert here.shed_count(CutOff.CONNECTIONS) == 1
            second[1].write(b"\r\n\r\n" if held else POST)
            await one_answer(second)


async def test_connections_leave_open_files_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system allows fewer connections than the configuration, that number counts."""
    files = (KEPT_COUNT + 2, KEPT_COUNT + 2)
    monkeypatch.setattr(resource, "getrlimit", lambda _: files)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: wanted)
    async with port(monkeypatch) as here, here.connected(POST) as first:
        await one_answer(first)
        async with here.connected(POST) as second, here.connected(POST) as third:
            await one_answer(second)
            await one_answer(third)
            assert here.shed_count(CutOff.CONNECTIONS) == 1


class Silent:
    """A connection of a client that says nothing."""

    until_s = until_read_s = NEVER_S

    def __init__(self) -> None:
        self.aborted_count = 0

    def expire(self, _: float) -> None:
        """See `Held`."""

    def shutdown(self) -> None:
        """See `Held`."""

    def abort(self) -> None:
        """Note it. asyncio tells of the end later."""
        self.aborted_count += 1


async def test_newcomers_at_once_each_make_their_own_room() -> None:
    """Before asyncio has told of the end of any connection."""
    limits = msgspec.structs.replace(PATIENT, max_connections_count=2)
    connections = Connections(limits, ClientAddress(()), Metrics())
    held = [Silent() for _ in range(4)]
    for one in held:
        assert connections.admit(one, "203.0.113.9")
        connections.waiting[one] = None
    assert [one.aborted_count for one in held] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("addresses", "admitted"),
    [
        (("2a00:0:0:1::1", "2a00:0:0:1:ffff::2"), [True, False]),
        (("2a00:0:0:1::1", "2a00:0:0:2::1"), [True, True]),
        (("::ffff:203.0.113.9", "203.0.113.9"), [True, False]),
        (("::ffff:203.0.113.9", "::ffff:203.0.113.8"), [True, True]),
        (("fe80::1%eth0", "fe80::1%eth1"), [True, False]),
        (("", ""), [True, False]),
    ],
)
async def test_address_counts_without_the_part_that_its_owner_chooses(
    addresses: tuple[str, str], admitted: list[bool]
) -> None:
    """An owner of IPv6 addresses has more of them than there are sockets."""
    limits = msgspec.structs.replace(PATIENT, max_connections_per_address_count=1)
    connections = Connections(limits, ClientAddress(()), Metrics())
    assert [connections.admit(Silent(), address) for address in addresses] == admitted


async def test_working_connections_are_not_cut_off_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The newcomer is refused."""
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application, max_connections_count=1) as here:
        async with here.connected(POST) as client:
            await eventually(lambda: application.seen)
            assert await here.ask(POST) == b""
            application.may_answer.set()
            await one_answer(client)
        assert here.shed_count(CutOff.CONNECTIONS) == 1


async def test_drain_ends_idle_connections_and_lets_requests_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A request whose head or body is still on its way is one."""
    monkeypatch.setattr(connections_module, "LAST_REQUESTS_S", SHORT_S)
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application) as here, contextlib.AsyncExitStack() as stack:
        idle, head, body, whole = [
            await stack.enter_async_context(here.connected(sent)) for sent in (*HELD, POST)
        ]
        await eventually(lambda: len(application.seen) == 2)
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(here.server.drain(10), name="drain")
            assert await rest(idle) == b""
            head[1].write(b"\r\n\r\n")
            body[1].write(b"x" * 8)
            application.may_answer.set()
            for client in (head, body, whole):
                got = await rest(client)
                assert got.startswith(b"HTTP/1.1 200")
                assert b"connection: close" in got
            await drained
        with pytest.raises(ConnectionError):
            await here.ask(POST)


async def test_drain_answers_a_request_that_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client had no answer that says `close`, so it cannot know that the connection ends."""
    async with port(monkeypatch) as here, here.connected(POST) as client:
        await one_answer(client)
        async with asyncio.TaskGroup() as group:
            group.create_task(here.server.drain(10), name="drain")
            await asyncio.sleep(0)  # the drain has begun
            client[1].write(POST)
            got = await rest(client)
            assert got.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in got


async def test_drain_ends_with_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs by then is cut off, and the application is told."""
    application = EchoApplication()
    application.may_answer.clear()
    async with (
        port(monkeypatch, application) as here,
        here.connected(POST) as client,
        here.connected(HELD[1]) as half,
    ):
        await eventually(lambda: application.seen)
        await here.server.drain(SHORT_S)
        assert await rest(client) == await rest(half) == b""
        await here.all_left()


async def test_end_of_the_server_ends_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task is left behind, and no connection."""
    ended = asyncio.Event()

    async def hang(_scope: AsgiEvent, _receive: Receive, _send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with contextlib.AsyncExitStack() as stack:
        async with port(monkeypatch, hang) as here:
            client = await stack.enter_async_context(here.connected(POST))
            await eventually(lambda: here.open_count == 1)
            await asyncio.sleep(0)
        assert await rest(client) == b""
    assert ended.is_set()


async def test_forwarded_address_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, uvicorn believes every client of the same machine."""
    application = EchoApplication()
    sent = POST.replace(b"Host", b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nHost")
    async with port(monkeypatch, application) as here, here.connected(sent) as client:
        await one_answer(client)
    (scope,) = application.seen
    assert scope["client"][0] == "127.0.0.1"
    assert scope["scheme"] == "http"


async def test_answers_have_a_date_and_no_name_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name would help only those who look for known holes."""
    async with port(monkeypatch) as here:
        head = (await here.ask(POST.replace(b"Host", b"Connection: close\r\nHost"))).lower()
        assert b"\r\ndate: " in head
        assert b"\r\nserver: " not in head


@pytest.mark.parametrize(
    "sent",
    [b"secret\r\n\r\n", b"GET /%zz-secret HTTP/1.1\r\nHost: x\r\n\r\n", HEAD + b"secret\r\n\r\n"],
)
async def test_nothing_of_a_sender_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """Nor is there a traceback."""
    with caplog.at_level(logging.DEBUG):
        async with port(monkeypatch) as here:
            assert problem(await here.ask(sent))[0] == 400
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
