"""A public port with limits that a test chooses, an application of the tests, and raw clients."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.http import server as server_module
from consumer.http.answer import Answer
from consumer.http.application import HttpApplication
from consumer.http.server import NOTHING, Server
from consumer.http.settings import HttpSettings, HttpTlsSettings
from consumer.operations.metrics import Metrics
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import pytest

    from consumer.http.application import Receive, Send
    from consumer.http.connections import CutOff
    from consumer.http.cycle import AsgiEvent, SendNow
    from consumer.http.exchanges import WholeTable

NEVER_S: Final = 600.0
SHORT_S: Final = 0.1
DEADLINE_S: Final = 20.0
SWEEP_S: Final = 0.02
HEAD: Final = b"POST /a HTTP/1.1\r\nHost: x\r\n"
POST: Final = HEAD + b"Content-Length: 2\r\n\r\n{}"
TLS_FILES: Final = Path(__file__).parents[1] / "data" / "tls"
TLS: Final = HttpTlsSettings(
    cert_file=str(TLS_FILES / "cert.pem"), key_file=str(TLS_FILES / "key.pem")
)
PATIENT: Final = HttpSettings(
    bind="127.0.0.1:0",
    header_timeout_s=NEVER_S,
    body_timeout_s=NEVER_S,
    idle_timeout_s=NEVER_S,
    max_connections_count=50,
    max_connections_per_address_count=50,
)
"""Limits that no test reaches by accident."""

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def trusting(name: str = "cert.pem", *, own: str | None = None) -> ssl.SSLContext:
    """Return the context of a client that trusts one certificate, and may have its own."""
    context = ssl.create_default_context(cafile=str(TLS_FILES / name))
    context.check_hostname = False
    if own is not None:
        context.load_cert_chain(TLS_FILES / own, TLS_FILES / own.replace("cert", "key"))
    return context


async def whole_body(receive: Receive) -> bytes:
    """Read a body. What is there of it when the client has gone is enough."""
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    return body


async def answer(send: Send, body: bytes) -> None:
    """Answer with a body."""
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Gate(asyncio.Event):
    """An event for which functions can wait as well."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Callable[[], None]] = []

    def then(self, call: Callable[[], None]) -> None:
        """Call a function once the event is set."""
        if self.is_set():
            call()
        else:
            self._waiting.append(call)

    def set(self) -> None:
        """Set the event."""
        super().set()
        calls, self._waiting = self._waiting, []
        for call in calls:
            call()


class EchoApplication:
    """Answers with the verb, the path and the body.

    Args:
        at_once: If true, requests like `POST` need no task if they arrive in one piece.
        answers_count: The number of times that such a request is answered.

    Attributes:
        whole: What answers these requests.
        stream_paths: The paths that have streams: none.
        seen: The scope of each request, in the order in which they began.
        may_answer: The event for which each answer waits.
        at_once_count: The number of requests that came without a task.
    """

    def __init__(self, *, at_once: bool = True, answers_count: int = 1) -> None:
        self._answers_count = answers_count
        self.whole: WholeTable = {(b"POST", b"/a"): self._take} if at_once else NOTHING
        self.stream_paths: frozenset[bytes] = frozenset()
        self.seen: list[AsgiEvent] = []
        self.may_answer = Gate()
        self.may_answer.set()
        self.at_once_count = 0

    def _take(self, scope: AsgiEvent, body: bytes, send: SendNow) -> None:
        self.seen.append(scope)
        self.at_once_count += 1
        echo = Answer(200, scope["method"].encode() + b" " + scope["raw_path"] + b" " + body)
        for _ in range(self._answers_count):
            self.may_answer.then(lambda: send(echo, ""))

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.seen.append(scope)
        body = await whole_body(receive)
        await self.may_answer.wait()
        await answer(send, scope["method"].encode() + b" " + scope["raw_path"] + b" " + body)


class RunningPort:
    """A port that serves.

    Attributes:
        server: The server.
        number: The number of the port.
    """

    def __init__(self, server: Server, metrics: Metrics) -> None:
        self.server = server
        self.number = server.port
        self._metrics = metrics

    @contextlib.asynccontextmanager
    async def connected(
        self,
        sent: bytes = b"",
        context: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ) -> AsyncIterator[Client]:
        """Connect from an address, over TLS with a context, and send these bytes."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.number, ssl=context, local_addr=(address, 0)
        )
        writer.write(sent)
        try:
            yield reader, writer
        finally:
            # In Python 3.11, asyncio's TLS transport raises this if the connection has ended.
            with contextlib.suppress(AttributeError):
                writer.transport.abort()

    async def ask(self, sent: bytes) -> bytes:
        """Send these bytes, and return what comes until the server closes the connection."""
        async with self.connected(sent) as client:
            return await rest(client)

    def shed_count(self, reason: CutOff) -> int:
        """Return how often something was cut off for this reason."""
        found = self._metrics.registry.get_sample_value(
            "consumer_http_shed_total", {"reason": reason}
        )
        return int(found or 0)

    @property
    def open_count(self) -> int:
        """How many connections the metric shows."""
        return int(self._metrics.registry.get_sample_value("consumer_http_connections") or 0)

    async def all_left(self) -> None:
        """Return once no connection is open any more."""
        await eventually(lambda: self.open_count == 0, what="the end of all connections")


@contextlib.asynccontextmanager
async def port(
    monkeypatch: pytest.MonkeyPatch,
    application: Callable[..., Awaitable[None]] | None = None,
    **limits: object,
) -> AsyncIterator[RunningPort]:
    """Serve for a test of limited length, and look at the deadlines often."""
    monkeypatch.setattr(server_module, "SWEEP_EVERY_S", SWEEP_S)
    metrics = Metrics()
    settings = msgspec.structs.replace(PATIENT, **limits)
    application = application or EchoApplication()
    whole, paths = NOTHING, frozenset[bytes]()
    if isinstance(application, (EchoApplication, HttpApplication)):
        whole, paths = application.whole, application.stream_paths
    server = Server(settings, application, metrics, whole, paths)
    server.take()
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        running = group.create_task(server.run(), name="server")
        found = RunningPort(server, metrics)
        try:
            yield found
        finally:
            running.cancel()
    assert found.open_count == 0


async def rest(client: Client) -> bytes:
    """Return what still comes until the server closes the connection."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while part := await client[0].read(65536):
            got += part
    return got


async def one_answer(client: Client) -> bytes:
    """Return the body of the next answer. It is not closed behind it."""
    head = await client[0].readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return await client[0].readexactly(int(length.partition(b": ")[2]))


def problem(text: bytes) -> tuple[int, str]:
    """Return the status and the reason of an answer behind which the connection is closed."""
    head, _, body = text.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head, text
    assert b"content-type: application/problem+json" in head
    assert b"content-length: %d" % len(body) in head
    document = msgspec.json.decode(body)
    assert document["request_id"]
    return int(head.split()[1]), document["reason"]
