"""Logs refusals of keys in sums: a client with a wrong key may try a thousand times a second.

The first refusal of a key for a reason is logged at once. Those that follow are counted, and a line
with their number is logged once a minute. No line has a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

if TYPE_CHECKING:
    from consumer.access.refusal import Refusal
    from consumer.clock import Clock

LOG_EVERY_S: Final = 60.0


class _Sum(msgspec.Struct):
    """The refusals of one key for one reason since the last line about them."""

    count: int
    address: str


class RefusalLog:
    """The log of refusals.

    Args:
        clock: The clock.

    Attributes:
        waits: True if there may be sums to log. Then `tell_sums` has to be called sometimes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sums: dict[tuple[Refusal, str], _Sum] = {}
        self._due_s = 0.0
        self._log = structlog.get_logger()
        self.waits = False

    def add(self, refusal: Refusal, key_id: str, address: str) -> None:
        """Count a refusal.

        Args:
            refusal: The reason.
            key_id: The id of a key that exists. Empty for all others: a client can make up any
                number of ids, and each id that is counted takes memory.
            address: The client's address.
        """
        self.tell_sums()
        found = self._sums.get((refusal, key_id))
        if found is not None:
            found.count += 1
            found.address = address
            return
        if not self.waits:
            self._due_s = self._clock.monotonic_s() + LOG_EVERY_S
            self.waits = True
        self._sums[refusal, key_id] = _Sum(0, address)
        self._tell(refusal, key_id, _Sum(1, address))

    def tell_sums(self) -> None:
        """Log the sums if it is time, and forget the keys that are refused no more."""
        if not self.waits or self._clock.monotonic_s() < self._due_s:
            return
        again = {pair: found for pair, found in self._sums.items() if found.count}
        for (refusal, key_id), found in again.items():
            self._tell(refusal, key_id, found)
        self._sums = {pair: _Sum(0, found.address) for pair, found in again.items()}
        self._due_s = self._clock.monotonic_s() + LOG_EVERY_S
        self.waits = bool(again)

    def _tell(self, refusal: Refusal, key_id: str, found: _Sum) -> None:
        self._log.info(
            "keys refused",
            reason=refusal.value,
            key=key_id,
            count=found.count,
            last_address=found.address,
        )
