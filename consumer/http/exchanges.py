"""Hands the requests of a connection to the application, and keeps their order.

If a request arrives in one piece, and the application needs no task for it, it is answered without
a task. That saves a quarter of the time of a small request. The request must be alone: no request
before it waits for an answer, and no part of the next request is in the same slice of bytes. A task
answers all other requests.

Not responsible for limits (`connection.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import httptools  # type: ignore[import-untyped]  # it has no types
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from consumer.http.answer import Problem
from consumer.http.cycle import SEND_WHOLE, AnsweringCycle, AsgiEvent, TakeWhole, WholeCycle
from consumer.http.opening import TAKE_OVER, wants_websocket

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from uvicorn._types import HTTPScope
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from consumer.http.stream import StreamConnection

WholeTable = Mapping[tuple[bytes, bytes], TakeWhole]
"""Answers requests that arrive in one piece, by their verb and path."""


def new_parser(connection: Exchanges) -> httptools.HttpRequestParser:
    """Return a parser that calls the methods of a connection, as uvicorn makes it."""
    parser = httptools.HttpRequestParser(connection)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


class _Arriving(msgspec.Struct, eq=False):
    """A request that began in the slice of bytes that is being parsed.

    Attributes:
        take: Answers the request if all of it is in this slice.
        scope: Its scope.
        keep_alive: If false, the connection is closed behind the answer.
        body: The part of the body that is here.
        is_whole: True once the whole request is here.
    """

    take: TakeWhole
    scope: AsgiEvent
    keep_alive: bool
    body: bytes = b""
    is_whole: bool = False


class Exchanges(HttpToolsProtocol):
    """The requests of one connection, and their answers.

    Args:
        config, server_state: uvicorn's, the same for all connections of the port.
        whole: Answers requests that arrive in one piece, by their verb and path. A task answers all
            other requests.
        stream_paths: The paths of endpoints that have streams.
    """

    cycle: Any  # an AnsweringCycle, a WholeCycle, or None before the first request
    _arriving: _Arriving | None = None
    """The newest request, if it may still be answered without a task."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        whole: WholeTable,
        stream_paths: Collection[bytes],
    ) -> None:
        super().__init__(config, server_state, {})
        self._whole = whole
        self._stream_paths = stream_paths

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        if self._arriving is None:
            super().on_body(body)
        else:
            self._arriving.body += body

    def on_message_complete(self) -> None:
        """Note that the whole request is here."""
        if self._arriving is not None:
            self._arriving.is_whole = True
        else:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def begin(self, method: bytes, scope: AsgiEvent, *, keep_alive: bool) -> None:
        """Begin a request whose head is here."""
        take = self._whole.get((method, scope["raw_path"]))
        if take is None or self.expect_100_continue or self.is_answering():
            self._begin_task(scope, keep_alive=keep_alive)
        else:
            self._arriving = _Arriving(take, scope, keep_alive)

    def end_of_slice(self) -> None:
        """Answer the newest request without a task, if that is possible."""
        arriving = self._arriving
        if arriving is None:
            return
        if not arriving.is_whole or self.flow.write_paused:
            self.hand_over()
            return
        self._arriving = None
        self.at_work()
        cycle = self.cycle = WholeCycle(
            self.transport,
            tuple(self.server_state.default_headers),
            self.on_response_complete,
            keep_alive=arriving.keep_alive,
        )
        arriving.take(arriving.scope, arriving.body, cycle.send)

    def hand_over(self) -> None:
        """Let a task answer the newest request. It gets what is here, and waits for the rest."""
        arriving, self._arriving = self._arriving, None
        if arriving is None:
            return
        cycle = self._begin_task(arriving.scope, keep_alive=arriving.keep_alive)
        cycle.body = bytearray(arriving.body)
        cycle.more_body = not arriving.is_whole
        cycle.message_event.set()

    def _begin_task(self, scope: AsgiEvent, *, keep_alive: bool) -> AnsweringCycle:
        """Let a task answer a request, as soon as the request before it is answered."""
        answering = self.is_answering()
        cycle = self.cycle = AnsweringCycle(
            scope=cast("HTTPScope", scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        scope[SEND_WHOLE] = cycle.send_whole
        if scope["raw_path"] in self._stream_paths:
            scope[TAKE_OVER] = partial(self._take_over, cycle)
        if answering:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))
        else:
            self._start_asgi_task(cycle, self.app)
        return cycle

    @staticmethod
    def unbind(cycle: RequestResponseCycle) -> None:
        """Cut the circles of references of a request that is over, so no collector has to."""
        cycle.on_response = lambda: None
        scope = cast("AsgiEvent", cycle.scope)
        del scope[SEND_WHOLE]
        scope.pop(TAKE_OVER, None)

    def may_be_websocket(self, method: bytes, version: str, path: bytes) -> bool:
        """Tell whether a request becomes a WebSocket, unless the application refuses it."""
        return path in self._stream_paths and wants_websocket(version, method, self.headers)

    def _take_over(self, cycle: AnsweringCycle, make: Callable[[], StreamConnection]) -> None:
        """Let a stream take the place of this connection. For the arguments, see `TakeOver`."""
        if self.transport.is_closing():
            raise Problem(400, "cut_off", "the client went away before its stream began")
        stream = make()
        cycle.response_started = cycle.response_complete = True
        self.cycle = cycle
        for waiting, _ in self.pipeline:  # there is no answer behind a stream
            self.unbind(waiting)
        self.pipeline.clear()
        self.connections.discard(self)
        self.hand_on(stream)
        self.parser = None  # the two would keep each other in memory

    def hand_on(self, stream: StreamConnection) -> None:
        """Is called when a stream takes the place of this connection."""

    def is_answering(self) -> bool:
        """Tell whether the newest request has no whole answer yet."""
        cycle = self.cycle
        is_open = cycle is not None and not cycle.response_complete
        return is_open or self._arriving is not None

    def at_work(self) -> None:
        """Is called when the application begins to work on a request."""
