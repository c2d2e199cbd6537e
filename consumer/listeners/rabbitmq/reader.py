"""Reads the socket before aiormq: keeps the deliveries, and hands on everything else.

Responsible for pausing the socket while too much is held, and for showing signs of life to aiormq's
heartbeat watch. The watch sees no delivery, so a connection with many deliveries looks silent to
it. Not responsible for frames (`frames.py`) or for settling (`settle.py`).

The socket must not stay unread during a pause. RabbitMQ 3.10 resets a connection to which it could
write nothing for 30 s (measured; heartbeats do not help), gives every delivery back to the queue,
and counts each of them as failed. On a quorum queue with a delivery limit, messages would then be
lost while a sink is down for ten minutes. So the reader sips during a pause: every few seconds it
reads one more delivery.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from consumer.listeners.rabbitmq.frames import FrameCutter, counted_bytes
from consumer.listeners.take import take

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Sender

HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"
LONGEST_SIP_PAUSE_S = 10.0
"""A third of the 30 s after which RabbitMQ resets the connection. A large body may need two sips
before RabbitMQ can write again."""
_PAYLOAD_AT = 7
_CONNECTION_CLOSE = b"\x00\x0a\x00\x32"  # class 10, connection; method 50, close
_REPLY_TEXT_AT = _PAYLOAD_AT + 6  # behind class, method and reply code


class DeliveryReader(asyncio.Protocol):
    """The protocol of the socket. It replaces the stream's protocol, and hands other frames to it.

    This class only uses features that asyncio documents for every event loop: protocols, and a
    transport whose protocol can be replaced. So it does not depend on the inside of asyncio's
    streams, which differs between versions of Python.

    Attributes:
        arrived: An event that is set while there is a delivery to take. It is also set after a
            failure, to wake the task that waits for a delivery.
        paused: True while reading is paused, because the held deliveries have too many bytes.
        pauses_count: The number of pauses that have begun.
        farewell: The broker's text when it closed the connection. Empty before that.
    """

    def __init__(
        self,
        socket: asyncio.Transport,
        sender: Sender,
        *,
        max_buffered_bytes: int,
        clock: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Start without deliveries. The present protocol of the socket will get all other frames.

        Args:
            socket: The socket. The caller makes this object its protocol.
            sender: The sender of everything that is delivered.
            max_buffered_bytes: The size of the held deliveries above which reading pauses, in
                bytes. A body that is still arriving does not count, because otherwise it could
                never become whole. During a pause, one delivery or one read of 256 KiB is added
                every 10 s, or at each heartbeat interval if that is shorter.
            clock: The event loop for the time and for delayed calls. None means the running loop.
        """
        self.arrived = asyncio.Event()
        self.paused = False
        self.pauses_count = 0
        self.farewell = ""
        self._socket = socket
        self._stream = cast("asyncio.Protocol", socket.get_protocol())
        self._cutter = FrameCutter(self._hand_on, sender)
        self._max_buffered_bytes = max_buffered_bytes
        self._clock = clock or asyncio.get_running_loop()
        self._ended = False
        self._discarding = False
        self._beat_every_s: float | None = None
        self._next_beat_s = 0.0
        self._sip_every_s = LONGEST_SIP_PAUSE_S
        self._next_sip: asyncio.TimerHandle | None = None

    def take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        """Remove and return the oldest deliveries. See `consumer.listeners.take`."""
        cutter = self._cutter
        held = cutter.deliveries
        if cutter.large_headers:
            taken = take(held, max_count, max_bytes, counted_bytes)
            cutter.held_bytes -= sum(map(counted_bytes, taken))
        else:
            taken = take(held, max_count, max_bytes)
            cutter.held_bytes -= sum(len(delivery.body) for delivery in taken)
        if not held:
            cutter.large_headers = False
            self.arrived.clear()
        # Reading goes on at half of the limit. At the limit itself, the socket would stop and start
        # again with every batch.
        if cutter.held_bytes <= self._max_buffered_bytes / 2:
            self._resume()
        return taken

    def watch(self, heartbeat_s: float) -> None:
        """Show signs of life to aiormq's heartbeat watch from now on.

        Call this method after the handshake, because a heartbeat during the handshake would break
        the handshake.

        Args:
            heartbeat_s: The heartbeat interval of the connection, in seconds.
        """
        self._beat_every_s = heartbeat_s / 2
        self._sip_every_s = min(heartbeat_s, LONGEST_SIP_PAUSE_S)

    def discard(self) -> None:
        """Read on, but keep no delivery.

        The broker's answer to our close arrives behind the deliveries that are on their way.
        """
        self._discarding = True
        self._forget()
        self._resume()

    def data_received(self, data: bytes) -> None:
        """Take what the socket has received."""
        cutter = self._cutter
        held_bytes = cutter.held_bytes
        cutter.feed(data)
        if self._discarding:
            self._forget()
        elif cutter.deliveries:
            self.arrived.set()
            if held_bytes < cutter.held_bytes > self._max_buffered_bytes:
                self._pause()
        if self._clock.time() >= self._next_beat_s:
            self._beat()

    def eof_received(self) -> bool | None:
        """Pass on that the broker sends no more."""
        self._end()
        return self._stream.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the socket is closed."""
        self._end()
        self._stream.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on that the socket's buffer is full, so that `drain` waits."""
        self._stream.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the socket's buffer has room again."""
        self._stream.resume_writing()

    def _hand_on(self, frame: bytes) -> None:
        if frame.startswith(_CONNECTION_CLOSE, _PAYLOAD_AT):
            said = frame[_REPLY_TEXT_AT : _REPLY_TEXT_AT + 1 + frame[_REPLY_TEXT_AT]]
            self.farewell = said[1:].decode("utf-8", "backslashreplace")
        self._stream.data_received(frame)

    def _beat(self) -> None:
        """Show aiormq a heartbeat. aiormq gives the connection up after three silent intervals."""
        if self._beat_every_s is None or self._ended or self._cutter.broken:
            return
        self._stream.data_received(HEARTBEAT_FRAME)
        self._next_beat_s = self._clock.time() + self._beat_every_s

    def _pause(self) -> None:
        """Stop reading until the next sip."""
        if self._socket.is_closing():
            return
        if not self.paused:
            self.paused = True
            self.pauses_count += 1
        self._socket.pause_reading()
        self._stop_sipping()
        self._next_sip = self._clock.call_later(self._sip_every_s, self._read)

    def _resume(self) -> None:
        if self.paused:
            self.paused = False
            self._stop_sipping()
            self._read()

    def _read(self) -> None:
        """Read on. During a pause, the next whole delivery stops the reading again."""
        if not self._socket.is_closing():
            self._socket.resume_reading()

    def _end(self) -> None:
        self._ended = True
        self._stop_sipping()

    def _stop_sipping(self) -> None:
        if self._next_sip is not None:
            self._next_sip.cancel()
            self._next_sip = None

    def _forget(self) -> None:
        self._cutter.deliveries.clear()
        self._cutter.held_bytes = 0
        self._cutter.large_headers = False
