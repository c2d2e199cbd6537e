"""The stream between the socket and aiormq: keeps the deliveries, hands on the rest.

Responsible for pausing the socket while too much is held, and for aiormq's heartbeat watch, which
must not take a flood of deliveries for a silent connection. Not for frames (`frames.py`),
not for settling.

A pause is not a full stop. RabbitMQ 3.10 resets a connection to which it could write nothing for
30 s (measured; heartbeats do not help), gives every delivery back, and counts each as failed: on a
quorum queue with a delivery limit, a sink that is down for ten minutes would lose messages. So
during a pause we sip: one more delivery now and then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consumer.listeners.rabbitmq.frames import FrameCutter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsIndex

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Sender

HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"
LONGEST_SIP_PAUSE_S = 10.0
"""A third of RabbitMQ's patience: a large body may need two sips before the next write succeeds."""
_PAYLOAD_AT = 7
_CONNECTION_CLOSE = b"\x00\x0a\x00\x32"  # class 10, connection; method 50, close
_REPLY_TEXT_AT = _PAYLOAD_AT + 6  # behind class, method and reply code


class DeliveryReader(asyncio.StreamReader):
    """A stream reader that aiormq reads from, without the deliveries.

    Attributes:
        arrived: set while there is something to take, and to wake whoever waits.
        paused: the socket is not read, because the bodies held here are too many bytes.
        pauses_count: how often that began.
        farewell: what the broker said when it closed the connection; empty before.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sender: Sender, *, max_buffered_bytes: int
    ) -> None:
        """Start empty.

        Args:
            loop: The running event loop.
            sender: Who sends what is delivered.
            max_buffered_bytes: pause while the bodies held here are more than this. A body that
                is still arriving does not count, or it could never become whole; and in a pause
                one delivery, or one read of 256 KiB, is added every 10 s.
        """
        super().__init__(loop=loop)
        self.arrived = asyncio.Event()
        self.paused = False
        self.pauses_count = 0
        self.farewell = ""
        self._cutter = FrameCutter(self._hand_on, sender)
        self._max_buffered_bytes = max_buffered_bytes
        self._clock = loop
        self._socket: asyncio.ReadTransport | None = None
        self._ended = False
        self._discarding = False
        self._beat_every_s: float | None = None
        self._next_beat_s = 0.0
        self._sip_every_s = LONGEST_SIP_PAUSE_S
        self._next_sip: asyncio.TimerHandle | None = None

    def take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        """Return the oldest deliveries; the first one passes whatever its size."""
        held = self._cutter.deliveries
        taken: list[Delivery] = []
        size_bytes = 0
        while held and len(taken) < max_count:
            more_bytes = size_bytes + len(held[0].body)
            if more_bytes > max_bytes and taken:
                break
            size_bytes = more_bytes
            taken.append(held.popleft())
        self._cutter.body_bytes -= size_bytes
        if not held:
            self.arrived.clear()
        # Half of it: not to stop and start with every batch.
        if self._cutter.body_bytes <= self._max_buffered_bytes / 2:
            self._resume()
        return taken

    def watch(self, heartbeat_s: float) -> None:
        """Tell aiormq's heartbeat watch of life from now on.

        Not before the handshake is over: a heartbeat in the middle would break it.
        """
        self._beat_every_s = heartbeat_s / 2
        self._sip_every_s = min(heartbeat_s, LONGEST_SIP_PAUSE_S)

    def discard(self) -> None:
        """Read on, but keep no delivery: the answer to a close stands behind them."""
        self._discarding = True
        self._forget()
        self._resume()

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Take what the socket had."""
        cutter = self._cutter
        held_bytes = cutter.body_bytes
        cutter.feed(bytes(data))
        if self._discarding:
            self._forget()
        elif cutter.deliveries:
            self.arrived.set()
            if held_bytes < cutter.body_bytes > self._max_buffered_bytes:
                self._pause()
        if self._clock.time() >= self._next_beat_s:
            self._beat()

    def feed_eof(self) -> None:
        """Take the end of the stream."""
        self._end()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """Take the failure of the socket."""
        self._end()
        super().set_exception(exc)

    def set_transport(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket for pausing. asyncio calls this when it is connected."""
        super().set_transport(transport)
        if isinstance(transport, asyncio.ReadTransport):
            self._socket = transport

    def _hand_on(self, frame: bytes) -> None:
        if frame.startswith(_CONNECTION_CLOSE, _PAYLOAD_AT):
            said = frame[_REPLY_TEXT_AT : _REPLY_TEXT_AT + 1 + frame[_REPLY_TEXT_AT]]
            self.farewell = said[1:].decode("utf-8", "backslashreplace")
        super().feed_data(frame)

    def _beat(self) -> None:
        """Show aiormq a heartbeat: it gives up after three silent ones, and sees no delivery."""
        if self._beat_every_s is None or self._ended or self._cutter.broken:
            return
        super().feed_data(HEARTBEAT_FRAME)
        self._next_beat_s = self._clock.time() + self._beat_every_s

    def _pause(self) -> None:
        """Stop reading until the next sip."""
        if self._socket is None or self._socket.is_closing():
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
        """Read on; in a pause the next delivery that is whole stops it again."""
        if self._socket is not None and not self._socket.is_closing():
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
        self._cutter.body_bytes = 0
