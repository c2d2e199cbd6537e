"""Makes the `basic.ack` frames that acknowledge deliveries, as few frames as possible.

Responsible for knowing which deliveries of the consuming channel are not acknowledged yet. Not
responsible for sending.

If a tag is acknowledged twice, RabbitMQ closes the channel and delivers everything again. This also
holds for `multiple`, which acknowledges all tags up to the named tag. So each tag is named at most
once, and `multiple` only names the last tag of a prefix in which no delivery is open.
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
    """Remembers which tags of one channel were acknowledged.

    Tags count from 1 without gaps. So it is nearly enough to remember the tag up to which all tags
    were acknowledged.
    """

    def __init__(self) -> None:
        self._floor = 0  # every tag up to this tag was acknowledged
        self._told: set[int] = set()  # the tags above the floor that were acknowledged

    def frames(self, deliveries: Sequence[Delivery]) -> bytes:
        """Return the frames that settle these deliveries. The caller has to write all of them."""
        written: list[bytes] = []
        acked = {token_of(delivery).tag for delivery in deliveries}
        last = self._advance(acked)
        if last:
            written.append(_ack(last, _MULTIPLE))
        # Tags above a gap are acknowledged one by one. The gap may stay for as long as the sink is
        # away. If they waited for the gap, they would fill the prefetch, and would come again after
        # a loss of the connection.
        singles = sorted(tag for tag in acked if tag > self._floor)
        written.extend(_ack(tag, _ONE) for tag in singles)
        self._told.update(singles)
        return b"".join(written)

    def _advance(self, acked: set[int]) -> int:
        """Raise the floor to the end of the acknowledged prefix.

        Returns:
            The last tag of `acked` in the prefix, which has to be acknowledged with `multiple`. 0
            if no tag of `acked` is in the prefix.
        """
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
