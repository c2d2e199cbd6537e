"""Acknowledges deliveries with as few `basic.ack` frames as is correct.

Responsible for what the broker still waits for on the consuming channel. Not for sending.

RabbitMQ closes the channel for an ack of a tag that is settled already, even a `multiple` one, and
then delivers everything again. So each tag is named at most once, and `multiple` only ever names
the last tag of a prefix in which nothing is open.
https://www.rabbitmq.com/docs/confirms#consumer-acks-multiple-parameter
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from consumer.listeners.rabbitmq.frames import CONSUMING_CHANNEL, token_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.deliveries.delivery import Delivery

_METHOD_FRAME, _FRAME_END, _BASIC, _ACK = 1, 0xCE, 60, 80
_PAYLOAD_BYTES = 13  # class, method, tag, bits
_ONE, _MULTIPLE = 0, 1
_pack = Struct(">BHIHHQBB").pack


def _ack(tag: int, bits: int) -> bytes:
    return _pack(
        _METHOD_FRAME, CONSUMING_CHANNEL, _PAYLOAD_BYTES, _BASIC, _ACK, tag, bits, _FRAME_END
    )


class Settlement:
    """Which tags of one channel the broker has been told about.

    Tags count from 1 without gaps, so "all up to `floor`" is most of what has to be remembered.
    """

    def __init__(self) -> None:
        self._floor = 0  # told: every tag up to this one
        self._told: set[int] = set()  # and these above it

    def frames(self, deliveries: Sequence[Delivery]) -> bytes:
        """Return what has to be written, in one piece, to settle these."""
        written: list[bytes] = []
        acked = {token_of(delivery).tag for delivery in deliveries}
        last = self._advance(acked)
        if last:
            written.append(_ack(last, _MULTIPLE))
        # Above a gap, one by one: the gap may stay as long as the sink is away, and what is
        # stored shall neither fill the prefetch meanwhile nor come again.
        singles = sorted(tag for tag in acked if tag > self._floor)
        written.extend(_ack(tag, _ONE) for tag in singles)
        self._told.update(singles)
        return b"".join(written)

    def _advance(self, acked: set[int]) -> int:
        """Raise the floor over everything settled; return the last tag to acknowledge, or 0."""
        last = 0
        floor, told = self._floor, self._told
        while True:
            if floor + 1 in acked:
                floor += 1
                last = floor
            elif floor + 1 in told:
                floor += 1
                told.remove(floor)
            else:
                self._floor = floor
                return last
