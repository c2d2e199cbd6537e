"""Serves one stream: the part that a WebSocket and Server-Sent Events have in common.

A stream takes the place of the connection that read its request (`connection.py`), and is counted
in its place. It is the outlet through which its session sends.

Each stream has two deadlines, at which `server.py` looks once a second. One is for the client to
read something of what waits for it. The other is for the client to go after the end of the stream,
or, over a WebSocket, to say something. The session decides how much may wait for a client.
`HELD_MAX_BYTES` is for a session that has a bug.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import structlog

from consumer.http.connections import NEVER_S, CutOff

if TYPE_CHECKING:
    from consumer.http.connections import Connections
    from consumer.http.outlet import StreamSession

HELD_MAX_BYTES: Final = 16 * 1024 * 1024
"""A client for which more bytes wait is cut off."""
SYSTEM_HOLDS_BYTES: Final = 256 * 1024
"""What the system may hold for a client. Linux allows twice as much. Without this limit it holds
some megabytes, and a session cannot see that its client is slow."""
FULL_BYTES: Final = 64 * 1024
"""A session waits in `drained` when more bytes are buffered. Over TLS, asyncio allows up
to 512 KiB."""
CLOSE_S: Final = 5.0
"""The time that a client has after the end of its stream, to take what was sent and to go."""
IGNORED_MAX_BYTES: Final = 4 * 1024 * 1024
"""The largest number of bytes of a client that are thrown away. If it sends more, it is cut off."""
BUG_CODE: Final = 1011
END_CODE: Final = 1000

log = structlog.get_logger()


class StreamConnection(asyncio.Protocol, ABC):
    """The connection of one stream, and its outlet. For the methods of an outlet, see `Outlet`.

    Args:
        session: Our end of the stream.
        head: The text that is sent first: the status line and the headers of the answer.
        request_id: The id of the request, for the log.

    Attributes:
        is_open: False before the stream begins, and once it has ended or the client has gone.
        until_s: The deadline for the client to say something, or to go, on the loop's clock.
        until_read_s: The time of the next look at whether the client reads.
    """

    until_s = NEVER_S
    until_read_s = NEVER_S
    is_open = False
    _transport: asyncio.Transport
    _limits: Connections
    _loop: asyncio.AbstractEventLoop
    _task: asyncio.Task[None]
    _has_begun = False
    """True once the session runs."""
    _is_told = False
    """True once the session knows that the process ends."""
    _is_gone = False
    """True once the client has gone, or wants to go."""
    _is_full = False
    """True while more waits for the client than the transport wants to hold."""
    _sent_bytes = 0
    _ignored_bytes = 0
    _taken_bytes = 0
    """What the system had taken of what was sent, at the last look at the client."""
    _did_wait = False
    """True if something waited for the client then."""

    def __init__(self, session: StreamSession, head: bytes, request_id: str) -> None:
        self._session = session
        self._head = head
        self._request_id = request_id
        self._behind = b""
        self._has_room = asyncio.Event()
        self._has_room.set()

    def begin(
        self,
        transport: asyncio.Transport,
        limits: Connections,
        tasks: set[asyncio.Task[None]],
        behind: bytes,
        *,
        is_full: bool,
    ) -> None:
        """Answer the request, and run the session.

        Args:
            transport: The connection. This object takes it over.
            limits: All connections of the port, and their limits.
            tasks: The tasks that are cancelled when the port ends.
            behind: What the client sent behind its request.
            is_full: True if the transport has too much to send already.
        """
        self._loop = asyncio.get_running_loop()
        self._transport, self._limits, self._behind = transport, limits, behind
        transport.set_protocol(self)
        if is_full:
            self.pause_writing()
        transport.set_write_buffer_limits(high=FULL_BYTES)
        _limit_what_the_system_holds(transport)
        self.is_open = True
        self._write(self._head)
        self._look(self._loop.time())
        self._task = self._loop.create_task(self._run(), name="stream")
        tasks.add(self._task)
        self._task.add_done_callback(tasks.discard)
        self._task.add_done_callback(self._session_ended)

    @property
    def buffered_bytes(self) -> int:
        """The size of what the system has not taken yet."""
        return self._transport.get_write_buffer_size()

    @abstractmethod
    def send(self, *parts: bytes) -> None:
        """Send one message."""

    def close(self, code: int, reason: str) -> None:
        """End the stream."""
        if self.is_open:
            self._end()
            self._write_end(code, reason)

    async def drained(self) -> None:
        """Wait until little is buffered, or the client has gone."""
        await self._has_room.wait()
        if not self.is_open:
            await asyncio.sleep(0)  # a session that does not look at `is_open` must not spin

    def pause_writing(self) -> None:
        """Let the session wait, because the client reads slowly."""
        self._is_full = True
        if self.is_open or not self._has_begun:
            self._has_room.clear()

    def resume_writing(self) -> None:
        """Let the session go on."""
        self._is_full = False
        self._has_room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and cancel its session."""
        del exc
        self._limits.forget(self)
        self._end()
        self.until_s = self.until_read_s = NEVER_S
        self._cancel_session()

    def expire(self, now_s: float) -> None:
        """End the connection if its client does not read, is silent, or does not go."""
        if self.until_s <= now_s:
            self._late(now_s)
        if self.until_read_s <= now_s:
            self._look(now_s)

    def shutdown(self) -> None:
        """Tell the session that the process ends."""
        if self._has_begun and not self._is_told:
            self._is_told = True
            self._loop.call_soon(self._session.shut_down)  # a bug of it must not end the drain

    def abort(self) -> None:
        """End the connection at once."""
        self._end()
        self._transport.abort()

    @abstractmethod
    def _write_end(self, code: int, reason: str) -> None:
        """Send the end of the stream."""

    def _late(self, _: float) -> None:
        """End the connection, because the deadline is over."""
        self.abort()

    def _write_eof(self) -> None:
        """Say that nothing more comes. The client closes the connection.

        If we closed it, and the client has sent something that was not read yet, the client's
        system could lose what was sent: https://www.rfc-editor.org/rfc/rfc9112#section-9.6.
        """
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:  # it is TLS
            self._transport.close()

    def _write(self, data: bytes) -> None:
        """Send anything but a message."""
        self._sent_bytes += len(data)
        self._transport.write(data)

    def _end(self) -> None:
        """Send no more messages, and wait for the client to go."""
        self.is_open = False
        self._has_room.set()
        self.until_s = self._loop.time() + CLOSE_S

    def _cancel_session(self) -> None:
        """Cancel the session, but not before it has begun.

        A session that never began could not undo what was done to make it.
        """
        self._is_gone = True
        if self._has_begun:
            self._task.cancel()

    def _cut_off(self, reason: CutOff) -> None:
        self._limits.shed(reason)
        self.abort()

    def _check_held(self) -> None:
        """Cut the client off if too much waits for it."""
        if self.buffered_bytes > HELD_MAX_BYTES:
            self._cut_off(CutOff.NOT_READING)

    def _ignore(self, data: bytes) -> None:
        """Throw away what the client sent. It may send only so much of it."""
        self._ignored_bytes += len(data)
        if self._ignored_bytes > IGNORED_MAX_BYTES:
            self._cut_off(CutOff.PIPELINED)

    def _look(self, now_s: float) -> None:
        """Cut the client off if it has read nothing since the last look, although bytes waited.

        Over TLS, what waits has more bytes than what was sent. So `taken_bytes` may also shrink.
        """
        taken_bytes = self._sent_bytes - self.buffered_bytes
        if self._did_wait and taken_bytes <= self._taken_bytes:
            self._cut_off(CutOff.NOT_READING)
            return
        self._taken_bytes = taken_bytes
        self._did_wait = self.buffered_bytes > 0
        self.until_read_s = now_s + self._limits.settings.body_timeout_s

    async def _run(self) -> None:
        """Run the session. Nothing of the client is read before its first step."""
        self._loop.call_soon(self.begun)
        await self._session.run(self)

    def begun(self) -> None:
        """Go on after the first step of the session."""
        self._has_begun = True
        if self._is_gone:
            self._task.cancel()
            return
        if self._limits.draining:
            self.shutdown()
        if not self._transport.is_closing():
            self._transport.resume_reading()
        behind, self._behind = self._behind, b""
        if behind:
            self.data_received(behind)

    def _session_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            if self.is_open:  # the process ends
                self.abort()
        elif (error := task.exception()) is not None:
            log.error("stream failed", request=self._request_id, exc_info=error)
            self.close(BUG_CODE, "this is a bug of the server")
        else:
            self.close(END_CODE, "")


def _limit_what_the_system_holds(transport: asyncio.Transport) -> None:
    found = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_HOLDS_BYTES)
