"""Limits what a client of the public port can hold: connections, time, and bytes before the body.

uvicorn has no such limits. Its errors are plain text; here they are problem documents. A connection
is in one of these states, and each has its deadline:

    idle ─► headers ─► body ─► (the application works: no deadline) ─► idle
    408     408        408      a client that does not read its answer: `body_timeout_s`

The deadlines are numbers, and `server.py` looks at all of them once a second. A timer for each
request would cost more than the rest of this module.

Not responsible for the size of bodies (`body.py`), nor for what is answered (`application.py`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final

import httptools  # type: ignore[import-untyped]  # it has no types
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from consumer.http.answer import PROBLEM, Problem

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from consumer.http.client_address import ClientAddress
    from consumer.http.settings import HttpSettings
    from consumer.operations.metrics import Metrics

HEAD_MAX_BYTES: Final = 32 * 1024
"""The largest size of a request's first line and headers."""
PIPELINED_MAX_COUNT: Final = 8
"""So many requests may wait behind the request that is being answered."""
NEVER_S: Final = float("inf")


class CutOff(StrEnum):
    """Why a connection was ended: a value of the label `reason` of `http_shed`."""

    CONNECTIONS = "connections"
    ADDRESS_CONNECTIONS = "address_connections"
    SLOW = "slow"
    NOT_READING = "not_reading"
    HEADERS = "headers"
    PIPELINED = "pipelined"
    MALFORMED = "malformed"


class Connections:
    """All connections of a port, and their limits.

    Args:
        settings: The limits.
        client_address: Knows the trusted proxies, for which the limit of an address does not hold.
        metrics: Counts connections, and what is cut off.
    """

    def __init__(
        self, settings: HttpSettings, client_address: ClientAddress, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.open: dict[PublicConnection, None] = {}
        self.idle: dict[PublicConnection, None] = {}
        """The connections without a request. The first has been idle for the longest time."""
        self.left = asyncio.Event()
        """The event that is set when a connection is gone."""
        self._by_address: Counter[str] = Counter()
        self._client_address = client_address
        self._metrics = metrics

    def admit(self, connection: PublicConnection, address: str) -> bool:
        """Take a new connection, or refuse it.

        With one connection too many, the connection that has been idle for the longest time is
        closed. If none is idle, the new connection is refused.
        """
        if not self._client_address.is_trusted(address):
            limit_count = self.settings.max_connections_per_address_count
            if self._by_address[address] >= limit_count:
                self.shed(CutOff.ADDRESS_CONNECTIONS)
                return False
        if len(self.open) >= self.settings.max_connections_count:
            self.shed(CutOff.CONNECTIONS)
            longest = next(iter(self.idle), None)
            if longest is None:
                return False
            longest.end()
        self._by_address[address] += 1
        self.open[connection] = None
        self._metrics.http_connections.set(len(self.open))
        return True

    def forget(self, connection: PublicConnection, address: str) -> None:
        """Forget a connection that is gone."""
        self.idle.pop(connection, None)
        if connection not in self.open:
            return
        del self.open[connection]
        self.left.set()
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._metrics.http_connections.set(len(self.open))

    def shed(self, reason: CutOff) -> None:
        """Count what is cut off."""
        self._metrics.http_shed.labels(reason.value).inc()

    def sweep(self, now_s: float) -> None:
        """End every connection whose deadline is over."""
        for connection in [one for one in self.open if one.until_s <= now_s]:
            connection.expire()


class PublicConnection(HttpToolsProtocol):
    """One connection that ends when it exceeds a limit.

    tests/unit/test_uvicorn_internals.py fails when uvicorn does not call these methods any more, or
    lacks what they use.

    Attributes:
        limits: All connections of the port, and their limits.
        until_s: The deadline, on the loop's clock.
    """

    limits: ClassVar[Connections]
    until_s = NEVER_S
    _admitted = False
    _address = ""
    _in_headers = False
    _receiving = False
    _head_bytes = 0
    _refusal: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._admitted = self.limits.admit(self, self._address)
        if self._admitted:
            self._wait()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._admitted:
            self.limits.forget(self, self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        if self.transport.is_closing() or not self._admitted:
            return
        was_in_headers = self._in_headers
        if self in self.limits.idle:
            del self.limits.idle[self]
            self.until_s = self.loop.time() + self.limits.settings.header_timeout_s
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade_refused()
        except httptools.HttpParserError:
            self._refuse()
        else:
            if was_in_headers and self._in_headers:
                # A header that never ends is not handed to us before its end.
                self._count_head(len(data))
                if self._refusal is not None:
                    self._refuse()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_headers = self._receiving = True
        self._head_bytes = 0
        if not self._is_answering():
            self.until_s = self.loop.time() + self.limits.settings.header_timeout_s

    def on_url(self, url: bytes) -> None:
        """Take a part of the first line."""
        self._count_head(len(url))
        super().on_url(url)
        self._stop_if_refused()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count_head(len(name) + len(value))
        self._stop_if_refused()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer, or let the request wait behind the request before it."""
        if len(self.pipeline) >= PIPELINED_MAX_COUNT:
            self.limits.shed(CutOff.PIPELINED)
            self._refusal = Problem(429, "pipelined", "too many requests wait on this connection")
            self._stop_if_refused()
        self._in_headers = False
        self.until_s = self.loop.time() + self.limits.settings.body_timeout_s
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the whole request is here. The application has as long as it likes."""
        self._receiving = False
        self.until_s = NEVER_S
        super().on_message_complete()
        if not self._is_answering():
            self._wait()  # it was answered before its end

    def on_response_complete(self) -> None:
        """Go on with the next request, if it is here already, or wait for it.

        uvicorn's method starts a timer as well, which the deadline replaces.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif not self._receiving:
            self._wait()

    def pause_writing(self) -> None:
        """Give a client that does not read its answer some time."""
        super().pause_writing()
        self.until_s = self.loop.time() + self.limits.settings.body_timeout_s

    def resume_writing(self) -> None:
        """The client reads its answer."""
        super().resume_writing()
        self.until_s = NEVER_S

    def expire(self) -> None:
        """End the connection, because its deadline is over."""
        self.until_s = NEVER_S
        if self in self.limits.idle:
            self.end()
        elif self.flow.write_paused:
            self.limits.shed(CutOff.NOT_READING)
            self.transport.abort()
        else:
            self.limits.shed(CutOff.SLOW)
            self._refusal = Problem(408, "timeout", "the request came too slowly")
            self._refuse()

    def end(self) -> None:
        """End the connection at once. Not `close`: a client that takes nothing would hold it."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be read, with a problem document."""
        del msg
        self._refuse()

    def _upgrade_refused(self) -> None:
        """Answer a request for another protocol as if it had not asked, and close behind it."""
        self.cycle.keep_alive = False
        self.flow.pause_reading()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self.until_s = self.loop.time() + self.limits.settings.idle_timeout_s
        self.limits.idle.pop(self, None)
        self.limits.idle[self] = None

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > HEAD_MAX_BYTES and self._refusal is None:
            self.limits.shed(CutOff.HEADERS)
            text = f"the headers are too large, expected at most {HEAD_MAX_BYTES} bytes"
            self._refusal = Problem(431, "headers_too_large", text)

    def _stop_if_refused(self) -> None:
        if self._refusal is not None:
            raise self._refusal  # the parser ends, and `data_received` refuses

    def _refuse(self) -> None:
        """Send a problem document, unless an answer has begun, and close the connection."""
        problem = self._refusal
        if problem is None:
            self.limits.shed(CutOff.MALFORMED)
            problem = Problem(400, "bad_request", "the request cannot be read: it is no valid HTTP")
        if self.pipeline or (self._is_answering() and self.cycle.response_started):
            self.transport.abort()  # an answer here would be taken for another request's
            return
        answer = problem.answer("")
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: {PROBLEM}\r\n"
            f"content-length: {len(answer.body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + answer.body)
        self.transport.close()


def limited_to(connections: Connections) -> type[PublicConnection]:
    """Return the class of the connections of one port."""

    class OneServersConnection(PublicConnection):
        limits = connections

    return OneServersConnection
