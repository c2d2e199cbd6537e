"""Sends a stream over a WebSocket, and reads the messages of its client.

See https://www.rfc-editor.org/rfc/rfc6455. The library `websockets` reads frames, and writes all
frames but those of our messages: these are sent to many clients, so each of them has to be cheap.
There are no extensions, so nothing is compressed.

A client that says nothing for half of `idle_timeout_s` gets a ping, and is cut off if it does not
answer in the other half.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, State

from consumer.http.connections import CutOff
from consumer.http.stream import StreamConnection

if TYPE_CHECKING:
    from websockets.protocol import Protocol

    from consumer.http.outlet import StreamSession

MESSAGE_MAX_BYTES: Final = 64 * 1024
"""The largest size of a message of a client, in one frame or in many."""
REASON_MAX_BYTES: Final = 123
FRAMES_MAX_COUNT: Final = 1000
FRAMES_WINDOW_S: Final = 10.0
"""A client may send so many frames in so many seconds. A frame may be empty, so a limit of bytes
would allow many more."""
PARSED_MAX_BYTES: Final = 4 * 1024
"""Frames are counted after each piece of so many bytes. A piece may hold some hundred frames."""

_TEXT_CODE: Final = 0x81
"""The first byte of a whole message of text."""
_SHORT_MAX_BYTES: Final = 125
_MIDDLE_MAX_BYTES: Final = 0xFFFF
_SHORT: Final = tuple(bytes((_TEXT_CODE, size)) for size in range(_SHORT_MAX_BYTES + 1))
_middle: Final = struct.Struct("!BBH").pack
_long: Final = struct.Struct("!BBQ").pack


class WebSocket(StreamConnection):
    """A stream over a WebSocket.

    Args:
        session, head, request_id: See `StreamConnection`.
        protocol: Reads frames. It has accepted the handshake, and knows `MESSAGE_MAX_BYTES`.
    """

    _pinged_at_bytes: int | None = None
    """What was sent up to the end of the last ping. None if the client has said something since."""
    _pong = b""
    """The answer to the newest ping of a client that does not read."""
    _frames_count = 0
    _frames_until_s = 0.0

    def __init__(
        self, session: StreamSession, head: bytes, request_id: str, protocol: Protocol
    ) -> None:
        super().__init__(session, head, request_id)
        self._protocol = protocol
        self._text = bytearray()

    def send(self, *parts: bytes) -> None:
        """Send one message, with one write."""
        if not self.is_open:
            return
        size_bytes = sum(map(len, parts))
        if size_bytes <= _SHORT_MAX_BYTES:
            frame = _SHORT[size_bytes]
        elif size_bytes <= _MIDDLE_MAX_BYTES:
            frame = _middle(_TEXT_CODE, 126, size_bytes)
        else:
            frame = _long(_TEXT_CODE, 127, size_bytes)
        self._sent_bytes += size_bytes + len(frame)
        self._transport.write(b"".join((frame, *parts)))
        if self._is_full:
            self._check_held()

    def data_received(self, data: bytes) -> None:
        """Take what the client says."""
        if self.is_open:
            self._wait(self._loop.time())
        else:
            self._ignore(data)
        for at in range(0, len(data), PARSED_MAX_BYTES):
            self._parse(data[at : at + PARSED_MAX_BYTES])

    def resume_writing(self) -> None:
        """Let the session go on, and answer the newest ping."""
        super().resume_writing()
        pong, self._pong = self._pong, b""
        if pong and self.is_open:
            self._write(pong)

    def begun(self) -> None:
        """Begin to wait for the client, after the first step of the session."""
        if self.is_open:
            self._wait(self._loop.time())
        super().begun()

    def _wait(self, now_s: float) -> None:
        """Wait for the client to say something."""
        self._pinged_at_bytes = None
        self.until_s = now_s + self._limits.settings.idle_timeout_s / 2

    def _late(self, now_s: float) -> None:
        """Send a ping, or cut the client off if it got a ping and said nothing.

        A ping that waits behind other bytes has not reached the client yet: it gets more time.
        """
        if not self.is_open:
            self.abort()
            return
        if self._pinged_at_bytes is None:
            self._protocol.send_ping(b"")
            self._write_all()
            self._pinged_at_bytes = self._sent_bytes
        elif self._sent_bytes - self.buffered_bytes >= self._pinged_at_bytes:
            self._cut_off(CutOff.SILENT)
            return
        self.until_s = now_s + self._limits.settings.idle_timeout_s / 2

    def _parse(self, data: bytes) -> None:
        """Take some frames."""
        protocol = self._protocol
        protocol.receive_data(data)
        frames = protocol.events_received()
        self._count(len(frames))
        for frame in frames:
            if self.is_open and isinstance(frame, Frame):
                self._take(frame)
        if self.is_open and protocol.state is not State.OPEN:
            self._let_go(is_refused=protocol.parser_exc is not None)
        self._write_answers()

    def _count(self, count: int) -> None:
        """Count frames, and refuse a client that sends too many."""
        now_s = self._loop.time()
        if now_s >= self._frames_until_s:
            self._frames_until_s = now_s + FRAMES_WINDOW_S
            self._frames_count = 0
        self._frames_count += count
        if self._frames_count > FRAMES_MAX_COUNT:
            self._refuse(CloseCode.POLICY_VIOLATION, "too many frames")

    def _take(self, frame: Frame) -> None:
        """Take a frame, and hand a message to the session when it is whole."""
        if frame.opcode is Opcode.BINARY:
            self._refuse(CloseCode.UNSUPPORTED_DATA, "expected text, not binary data")
        elif frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._text += frame.data
            if not frame.fin:
                return
            text = bytes(self._text)
            self._text.clear()
            try:
                text.decode()
            except UnicodeDecodeError:
                self._refuse(CloseCode.INVALID_DATA, "a message is not UTF-8")
            else:
                self._session.received(text)

    def _refuse(self, code: CloseCode, reason: str) -> None:
        """Close the WebSocket of a client that broke a rule. What it said after that is lost."""
        self._protocol.fail(code, reason)
        if self.is_open:
            self._let_go(is_refused=True)

    def _let_go(self, *, is_refused: bool) -> None:
        """Send no more messages to a client that wants to go, or has to."""
        if is_refused:
            self._limits.shed(CutOff.FRAMES)
        self._end()
        self._cancel_session()

    def _write_answers(self) -> None:
        """Send what the library wants to send: answers to pings, and the end."""
        if self._is_full and self.is_open:
            # Only pings are answered before the end. The newest answer is enough:
            # https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            self._pong = (self._protocol.data_to_send() or [self._pong])[-1]
        else:
            self._write_all()

    def _write_all(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport.is_closing():
                return
            if data != SEND_EOF:
                self._write(data)
            elif self._protocol.parser_exc is None and self._protocol.close_rcvd is not None:
                self._transport.close()  # both ends have said that they close
            else:
                self._write_eof()

    def _write_end(self, code: int, reason: str) -> None:
        """Send a close frame. The client answers with another, and goes."""
        if self._protocol.state is State.OPEN:
            text = reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore")
            self._protocol.send_close(code, text)
            self._write_all()
