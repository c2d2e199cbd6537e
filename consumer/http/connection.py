"""Limits what one connection of the public port may do, and refuses what is no plain HTTP/1.1.

uvicorn parses requests and runs the application. It has no limits, and its errors are plain text. A
connection is in one of these phases. Each phase has a deadline, unless the client waits for us:

    IDLE ─► HEAD ─► BODY ─► WHOLE (the application works) ─► IDLE
            408     408

The deadlines are numbers, and `server.py` looks at all of them once a second: a timer for each
request would cost more than the rest of this module.

Not responsible for how many connections there are (`connections.py`), for what a head may say
(`head.py`), for the size of bodies (`body.py`), nor for what is answered (`application.py`).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import httptools  # type: ignore[import-untyped]  # it has no types

from consumer.http.answer import Problem, closing_answer
from consumer.http.connections import NEVER_S, CutOff
from consumer.http.exchanges import Exchanges, WholeTable, new_parser
from consumer.http.head import (
    HEAD_MAX_BYTES,
    Headers,
    check_headers,
    check_size,
    malformed,
    scope_of,
    split_target,
    too_large,
    without_upgrade,
)
from consumer.http.opening import IS_WEBSOCKET

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection

    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from consumer.http.connections import Connections, Held
    from consumer.http.stream import StreamConnection

PIPELINED_MAX_COUNT: Final = 8
"""So many requests may wait while the request before them is being answered."""
LINGER_S: Final = 2.0
LINGER_MAX_BYTES: Final = 4 * 1024 * 1024
"""A refused connection is read for so many seconds, up to so many bytes. If bytes stayed unread,
the client's system could lose the answer: https://www.rfc-editor.org/rfc/rfc9112#section-9.6."""
QUIET_MAX_BYTES: Final = 128 * 1024
"""So many bytes in a row may come during a body and bring no part of it: trailers, which the parser
keeps until their end, or the rest of a body whose request was answered before it was whole."""

SHED: Final = {400: CutOff.MALFORMED, 408: CutOff.SLOW, 431: CutOff.HEADERS}
"""How a refusal is counted, by its status."""


class Phase(Enum):
    """What the client has sent of its newest request: nothing, some of its head or body, or all."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    WHOLE = auto()


class PublicConnection(Exchanges):
    """One connection that ends when it exceeds a limit.

    asyncio, the parser and uvicorn call its methods. tests/unit/test_uvicorn_internals.py fails if
    uvicorn does not call them any more, or lacks what they use.

    Args:
        config, server_state: uvicorn's, the same for all connections of the port.
        limits: All connections of the port, and their limits.
        handshake: The TLS handshake that was counted in place of this connection. None without TLS.
        whole, stream_paths: See `Exchanges`.

    Attributes:
        until_s: The deadline of the phase, on the loop's clock.
        until_read_s: The deadline for the client to read its answer.
    """

    headers: Headers  # those of the request that the client is sending
    until_s = NEVER_S
    until_read_s = NEVER_S
    _phase = Phase.IDLE
    _timed: Phase | None = None
    """The phase to which the deadline belongs. None if another request has begun since."""
    _first_bytes = 0
    """The size of the slice of bytes in which the head began."""
    _quiet_bytes = 0
    """The size of later slices that brought neither the end of the head nor a part of a body."""
    _again = b""
    """The head of a request for another protocol without its Upgrade header, to be parsed again."""
    _behind = b""
    """What came behind a request for a WebSocket."""
    _deaf = False
    """True if all further bytes of the client are thrown away."""
    _thrown_away_bytes = 0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        limits: Connections,
        handshake: Held | None,
        whole: WholeTable,
        stream_paths: Collection[bytes],
    ) -> None:
        super().__init__(config, server_state, whole, stream_paths)
        self._limits = limits
        self._handshake = handshake

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection, or refuse it."""
        super().connection_made(transport)
        self._fixed = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": self.scheme,
            "root_path": "",
            "client": self.client,
            "server": self.server,
        }
        if self._handshake is not None:
            self._limits.forget(self._handshake)
        if self._limits.admit(self, self.client[0] if self.client else ""):
            self._wait()
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._limits.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes of requests in slices. The limits are checked after each slice."""
        if len(data) <= HEAD_MAX_BYTES:
            self._parse(data)
        else:
            for at in range(0, len(data), HEAD_MAX_BYTES):
                self._parse(data[at : at + HEAD_MAX_BYTES])
        if self._phase is not self._timed:
            self._set_deadline()

    def pause_writing(self) -> None:
        """Set a deadline, because the client does not read its answer."""
        super().pause_writing()
        self.until_read_s = self.loop.time() + self._limits.settings.body_timeout_s

    def resume_writing(self) -> None:
        """Note that the client has read."""
        super().resume_writing()
        self.until_read_s = NEVER_S

    def on_message_begin(self) -> None:
        """Begin a request. uvicorn's method also makes the scope, for which the head is needed."""
        self.hand_over()  # the next request is here before the answer to this request
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._phase = Phase.HEAD
        self._timed = None
        self._first_bytes = self._quiet_bytes = 0

    def on_headers_complete(self) -> None:
        """Start the request, or let it wait until the request before it is answered.

        uvicorn's method has no limits, and accepts requests that are refused here.
        """
        if self._quiet_bytes and self._first_bytes + self._quiet_bytes > HEAD_MAX_BYTES:
            check_size(self.url, self.headers)
        version = self.parser.get_http_version()
        path, query = split_target(self.url)
        check_headers(version, self.headers)
        method = self.parser.get_method()
        is_upgrade = self.parser.should_upgrade()
        if is_upgrade and not self.may_be_websocket(method, version, path):
            # The parser would take all that follows for the other protocol, also a body. So it gets
            # the head again, without the Upgrade header.
            self._again = without_upgrade(method, version, self.url, self.headers)
            return
        if len(self.pipeline) >= PIPELINED_MAX_COUNT:
            self._limits.shed(CutOff.PIPELINED)
            self.abort()
            raise Problem(429, "pipelined", "too many requests wait")  # it ends the parser
        self._phase = Phase.BODY
        scope = scope_of(self._fixed, method, version, path, query, self.headers)
        self.headers = []  # a trailer must not become a header of a request that has begun
        keep_alive = version != "1.0" and self.parser.should_keep_alive() and not is_upgrade
        if is_upgrade:
            scope[IS_WEBSOCKET] = True
        self.begin(method, scope, keep_alive=keep_alive and not self._limits.draining)

    def on_message_complete(self) -> None:
        """Note that the whole request is here. The application may take any time to answer it."""
        if self._again:
            pass  # the head is parsed again
        elif self.is_answering():
            self._phase = Phase.WHOLE
            super().on_message_complete()
        else:
            self._wait()  # the request was answered before its body was whole

    def at_work(self) -> None:
        """Note that the connection does not wait for a request any more."""
        self._limits.waiting.pop(self, None)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Run the application for a request."""
        self.at_work()
        task = self.loop.create_task(self._run(cycle, app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_response_complete(self) -> None:
        """Go on with the next request if it is here already, or wait for it.

        uvicorn's method also starts a timer. Here the deadline of the phase replaces the timer.
        """
        if self.transport.is_closing():  # the client still has to read the answer
            self.until_s = self.loop.time() + self._limits.settings.body_timeout_s
        elif self.pipeline:  # reading goes on with the last of these requests
            self._start_asgi_task(*self.pipeline.pop())
            self._set_deadline()
        else:
            self.flow.resume_reading()
            if self._phase is Phase.WHOLE:
                self._wait()
            elif self._phase is Phase.HEAD:
                self._limits.waiting[self] = None
                self._set_deadline()

    def expire(self, now_s: float) -> None:
        """End the connection, because a deadline is over."""
        if self.until_read_s <= now_s:
            self._limits.shed(CutOff.NOT_READING)
            self.abort()
        elif self._phase is Phase.IDLE or self._deaf or self.transport.is_closing():
            self.abort()
        else:
            self._refuse(Problem(408, "timeout", "the request came too slowly"))

    def shutdown(self) -> None:
        """End the connection as soon as the request that has begun, if any, is answered."""
        if self.is_answering():
            self.cycle.keep_alive = False
        elif self._phase is not Phase.HEAD:
            self.transport.close()

    def abort(self) -> None:
        """End the connection at once. `close` would wait for a client that does not read."""
        self._deaf = True
        self.transport.abort()

    async def _run(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Run the application. asyncio logs its exceptions, and the client gets a problem document.

        Cancelling: the application is cancelled, and the connection is closed.
        """
        try:
            await app(cycle.scope, cycle.receive, cycle.send)
        finally:
            self.unbind(cycle)
            if not (cycle.response_complete or cycle.disconnected):
                self._deaf = True
                if cycle.response_started:
                    self.transport.close()
                else:
                    self._end_with(Problem(500, "internal", "this is a bug of the server"))

    def _parse(self, data: bytes) -> None:
        """Parse a slice of bytes."""
        before = self._phase
        if self._deaf:
            if self.flow.read_paused:  # a request for a WebSocket waits
                self._behind += data
            self._thrown_away_bytes += len(data)
            if self._thrown_away_bytes > LINGER_MAX_BYTES:
                self.abort()
        elif before is Phase.IDLE or before is Phase.WHOLE:
            self._feed(data)
            self._first_bytes = len(data)
        else:
            self._parse_on(data)

    def _parse_on(self, data: bytes) -> None:
        """Parse the next slice of a request. The parser keeps a header or trailer until its end."""
        body_bytes = len(self.cycle.body) if self._phase is Phase.BODY else 0
        self._quiet_bytes += len(data)
        self._feed(data)
        if self._phase is Phase.HEAD:
            if not self._quiet_bytes:  # another request has begun in this slice
                self._first_bytes = len(data)
            elif self._quiet_bytes > HEAD_MAX_BYTES:
                self._refuse(too_large())
        elif self._phase is Phase.BODY:
            if len(self.cycle.body) != body_bytes:
                self._quiet_bytes = 0
            elif self._quiet_bytes > QUIET_MAX_BYTES:
                self._refuse(too_large())

    def _feed(self, data: bytes) -> None:
        """Let the parser call the methods above."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            head, self._again = self._again, b""
            if head:
                self.parser = new_parser(self)  # this one is at its end if the request says `close`
                self._feed(head + data[upgrade.args[0] :])
            else:
                self._wait_for_websocket(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, Problem):
                raise  # a bug of ours
            self._refuse(error.__context__)
        except httptools.HttpParserError:
            self._refuse(malformed())
        self.end_of_slice()

    def _wait_for_websocket(self, behind: bytes) -> None:
        """Keep what came behind the request. If that is refused, the connection is closed."""
        self._behind = behind
        self._deaf = True
        self.until_s = NEVER_S
        self.flow.pause_reading()

    def hand_on(self, stream: StreamConnection) -> None:
        """Let a stream take the place of this connection."""
        self._limits.replace(self, stream)
        is_full = self.flow.write_paused
        stream.begin(self.transport, self._limits, self.tasks, self._behind, is_full=is_full)

    def _wait(self) -> None:
        """Wait for a request."""
        self._phase = self._timed = Phase.IDLE
        self.until_s = self.loop.time() + self._limits.settings.idle_timeout_s
        self._limits.waiting[self] = None

    def _set_deadline(self) -> None:
        """Set the deadline of the phase."""
        phase = self._timed = self._phase
        if self._deaf:
            return
        if phase is Phase.WHOLE or self.pipeline or (phase is Phase.HEAD and self.is_answering()):
            self.until_s = NEVER_S  # the client waits for an answer, not we for the client
        else:
            limits = self._limits.settings
            in_head = phase is Phase.HEAD
            allowed_s = limits.header_timeout_s if in_head else limits.body_timeout_s
            self.until_s = self.loop.time() + allowed_s

    def _refuse(self, problem: Problem) -> None:
        """Refuse the request that the client is sending, and end the connection.

        If requests before it wait for answers, they get them, and the refused request gets none. If
        its body has begun, they get none either, because the connection is cut off.
        """
        if self._deaf:
            return
        self.hand_over()
        self._limits.shed(SHED[problem.status])
        self._deaf = True
        if self.is_answering():
            if self._phase is not Phase.BODY and not self.transport.is_closing():
                self.cycle.keep_alive = False
                self.until_s = NEVER_S
                self.flow.resume_reading()
                return
            if self.pipeline or self.cycle.response_started:
                self.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self._phase is Phase.BODY and self.cycle.response_complete:
            self.transport.close()
        else:
            self._end_with(problem)

    def _end_with(self, problem: Problem) -> None:
        """Send a problem, and throw away what the client still sends for a while."""
        if self.transport.is_closing():
            return
        self.transport.write(closing_answer(problem))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.until_s = self.loop.time() + LINGER_S
        self._limits.waiting[self] = None
