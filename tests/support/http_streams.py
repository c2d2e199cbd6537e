"""A public port with one endpoint that has streams, the sessions behind it, and raw clients."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING, Any, Final

import pytest

from consumer.http.answer import Answer
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.connections import Connections
from consumer.http.cors import Cors
from consumer.http.endpoint import Endpoint
from consumer.http.outlet import Outlet, StreamSession
from consumer.http.sent_events import SentEvents
from consumer.operations.metrics import Metrics
from tests.support.eventually import eventually
from tests.support.http_application import OpenGate
from tests.support.http_port import DEADLINE_S, PATIENT, port

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from consumer.access.key import Scope
    from consumer.http.request import Request
    from tests.support.http_port import Client, RunningPort

ORIGIN: Final = "https://console.example.com"
GET: Final = b"GET /stream HTTP/1.1\r\nHost: x\r\nX-Api-Key: good\r\n"
WISH: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
KEY: Final = b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
VERSION: Final = b"Sec-WebSocket-Version: 13\r\n"
UPGRADE: Final = GET + WISH + KEY + VERSION + b"\r\n"
EVENTS: Final = GET + b"Accept: text/event-stream\r\n\r\n"
each_form = pytest.mark.parametrize("asked", [UPGRADE, EVENTS], ids=["websocket", "events"])
"""Runs a test once for each form of a stream."""
MASK: Final = b"\1\2\3\4"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Session(StreamSession):
    """Sends back what it receives.

    Attributes:
        outlet: Where it sends.
        received_texts: What the client sent.
        shut_down_count: How often it was told that the process ends.
        ended: The event that is set at its end.
        was_cancelled: True if it was cancelled.
    """

    outlet: Outlet

    def __init__(self) -> None:
        self.received_texts: list[bytes] = []
        self.shut_down_count = 0
        self.ended = asyncio.Event()
        self.was_cancelled = False

    async def run(self, outlet: Outlet) -> None:
        """Be there until cancelled."""
        self.outlet = outlet
        try:
            await self.work()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        finally:
            self.ended.set()

    async def work(self) -> None:
        """Do what the session is for."""
        await asyncio.Event().wait()

    def received(self, text: bytes) -> None:
        """Send it back."""
        self.received_texts.append(text)
        self.outlet.send(b"<", text, b">")

    def shut_down(self) -> None:
        """Say it, and end."""
        self.shut_down_count += 1
        self.outlet.send(b"shutdown\n\n")
        self.outlet.close(1012, "come back")


class StreamPort:
    """A port that serves streams at `/stream`.

    Attributes:
        here: The port.
        sessions: All sessions that were made.
        may_answer: The event for which each answer to a plain request waits.
        may_begin: The event for which each stream of Server-Sent Events waits.
        checked_count: The number of such streams that wait, or have waited.
    """

    def __init__(self, sessions: list[Session], metrics: Metrics) -> None:
        self.here: RunningPort
        self.sessions = sessions
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.may_begin = asyncio.Event()
        self.may_begin.set()
        self.checked_count = 0
        self._metrics = metrics

    def answered_count(self, status: int) -> float | None:
        """Return how many requests were answered with this status; None if there was none."""
        return self._metrics.registry.get_sample_value(
            "consumer_http_requests_total", {"endpoint": "stream", "status": str(status)}
        )

    @contextlib.asynccontextmanager
    async def streaming(
        self, asked: bytes, context: ssl.SSLContext | None = None, address: str = "127.0.0.1"
    ) -> AsyncIterator[tuple[Client, Session]]:
        """Open a stream, and read the head of its answer."""
        count = len(self.sessions)
        async with self.here.connected(asked, context, address) as client:
            head = await client[0].readuntil(b"\r\n\r\n")
            assert head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), head
            session = self.sessions[count]
            await eventually(lambda: hasattr(session, "outlet"))
            yield client, session


@contextlib.asynccontextmanager
async def stream_port(
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Request], Session] = lambda _: Session(),
    *,
    scope: Scope | None = None,
    origins: tuple[str, ...] = (ORIGIN,),
    **limits: object,
) -> AsyncIterator[StreamPort]:
    """Serve streams for a test of limited length."""
    sessions: list[Session] = []
    metrics = Metrics()
    there = StreamPort(sessions, metrics)

    def open_stream(request: Request) -> Session:
        sessions.append(make(request))
        return sessions[-1]

    async def check(_: Request) -> None:
        there.checked_count += 1
        await there.may_begin.wait()

    async def handle(request: Request) -> Answer:
        await there.may_answer.wait()
        return Answer(200, b"%b, no stream" % request.method.encode(), "text/plain")

    endpoint = Endpoint(
        name="stream",
        method="GET",
        path="/stream",
        summary="streams",
        handle=handle,
        scope=scope,
        open_stream=open_stream,
        check_stream=check,
    )
    gate: Any = OpenGate()
    application = HttpApplication([endpoint], gate, ClientAddress(()), Cors(origins), metrics)
    async with port(monkeypatch, application, **limits) as there.here:
        yield there


class Nowhere(asyncio.Transport):
    """A connection to nobody."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell nobody anything."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Have no buffer."""

    def get_write_buffer_size(self) -> int:
        """Return that nothing waits."""
        return 0

    def write(self, data: object) -> None:
        """Send nothing."""


def begun(
    session: Session, *, transport: Nowhere | None = None, is_full: bool = False
) -> SentEvents:
    """Return a stream to nowhere, before the first step of its session."""
    stream = SentEvents(session, b"", "id", is_chunked=True)
    connections = Connections(PATIENT, ClientAddress(()), Metrics())
    stream.begin(transport or Nowhere(), connections, set(), b"", is_full=is_full)
    return stream


def frame(code: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """Return a frame of a client."""
    first, size_bytes = code | (0x80 if is_last else 0), len(payload)
    if size_bytes < 126:
        head = bytes((first, 0x80 | size_bytes))
    elif size_bytes < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size_bytes)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size_bytes)
    masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
    return head + MASK + masked


async def next_frame(client: Client) -> tuple[int, bytes]:
    """Read one frame of the server, and return its code and payload."""
    async with asyncio.timeout(DEADLINE_S):
        first, size_bytes = await client[0].readexactly(2)
        assert first & 0xF0 == 0x80, "expected a whole message without extensions"
        if size_bytes == 126:
            (size_bytes,) = struct.unpack("!H", await client[0].readexactly(2))
            assert size_bytes > 125, "expected the shortest form of a length"
        elif size_bytes == 127:
            (size_bytes,) = struct.unpack("!Q", await client[0].readexactly(8))
            assert size_bytes > 65_535, "expected the shortest form of a length"
        return first & 0x0F, await client[0].readexactly(size_bytes)


async def close_code(client: Client) -> tuple[int, str]:
    """Read up to the end of the stream, and return the code and the reason of its close frame."""
    while True:
        code, payload = await next_frame(client)
        if code == CLOSE:
            return int.from_bytes(payload[:2], "big"), payload[2:].decode()


async def pause(session: Session, length_s: float) -> None:
    """Let time go by, or the session end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(length_s):
            await session.ended.wait()


async def send_for_ever(client: Client, sent: bytes) -> None:
    """Send these bytes again and again, until the connection ends."""
    while True:
        client[1].write(sent)
        await client[1].drain()
        await asyncio.sleep(0)


async def next_chunk(client: Client) -> bytes:
    """Read one chunk of an answer."""
    size_bytes = int(await client[0].readline(), 16)
    chunk = await client[0].readexactly(size_bytes)
    assert await client[0].readexactly(2) == b"\r\n"
    return chunk
