"""Checks the transactions of one account, one after the other. It asks no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OWN: Final = ("REAL", "BONUS", "HELD")
"""The balances of a player."""
HOUSE: Final = ("HOUSE", "SYSTEM", "PROMO_POOL", "WRITE_OFF")
"""The accounts of the house."""


class SeenEntry(msgspec.Struct, frozen=True):
    """An entry, as `MOVES` returns it."""

    account_id: int | None
    name: str
    units: int
    balance_after_units: int | None


class SeenMove(msgspec.Struct):
    """A booked transaction, as `MOVES` returns it, and its entries."""

    id: int
    sequence: int
    at_us: int
    real_units: int
    bonus_units: int
    real_after_units: int
    bonus_after_units: int
    held_after_units: int
    entries: list[SeenEntry] = []

    @property
    def after(self) -> dict[str, int]:
        """The balances that it says the player had after it."""
        units = (self.real_after_units, self.bonus_after_units, self.held_after_units)
        return dict(zip(OWN, units, strict=True))


class SeenAccount:
    """An account, as far as its transactions were looked at.

    Args:
        row: A row of `CHANGED`.
    """

    def __init__(self, row: Sequence[int]) -> None:
        self.id = row[0]
        self.balances = dict(zip(OWN, row[1:4], strict=True))
        self.last = row[4]
        self.running = dict(zip(OWN, row[5:8], strict=True))
        self.sequence, self.at_us = row[8], row[9]
        self.is_right = True

    @property
    def checkpoint(self) -> tuple[int, ...]:
        """The row of `verified`."""
        return (self.id, *self.running.values(), self.sequence, self.at_us)

    def look(self, move: SeenMove) -> Iterator[str]:
        """Yield what is wrong with the account's next transaction."""
        if move.sequence != self.sequence + 1:
            yield f"expected sequence {self.sequence + 1}, found {move.sequence}"
        for what in (*self._wrong_time(move), *self._wrong_entries(move), *self._wrong_sums(move)):
            yield f"sequence {move.sequence}: {what}"
        # So that a fault is told only once, what follows is compared with what this one says.
        self.sequence, self.at_us, self.running = move.sequence, move.at_us, move.after

    def _wrong_time(self, move: SeenMove) -> Iterator[str]:
        if move.at_us <= self.at_us:
            yield "it is not younger than the one before"

    def _wrong_entries(self, move: SeenMove) -> Iterator[str]:
        for entry in move.entries:
            owner = self.id if entry.name in OWN else None
            if entry.account_id != owner or entry.name not in (*OWN, *HOUSE):
                yield f"it has an entry of {entry.name} of account {entry.account_id}"
            expected = move.after[entry.name] if entry.name in OWN else None
            if entry.balance_after_units != expected:
                yield f"the balance of its entry of {entry.name} does not fit"

    def _wrong_sums(self, move: SeenMove) -> Iterator[str]:
        sums = dict.fromkeys(OWN, 0)
        for entry in move.entries:
            if entry.name in OWN:
                sums[entry.name] += entry.units
        total = sum(entry.units for entry in move.entries)
        if total:
            yield f"its entries have the sum {total}, expected 0"
        says = (move.real_units, move.bonus_units)
        if (sums["REAL"], sums["BONUS"]) != says:
            yield f"its entries move {sums}, and it says {says}"
        expected = {name: self.running[name] + sums[name] for name in OWN}
        if move.after != expected:
            yield f"expected {expected} after it, found {move.after}"

    def end(self) -> Iterator[str]:
        """Yield what is wrong with the account itself."""
        if (self.running, self.sequence) != (self.balances, self.last):
            yield (
                f"expected {self.running} and sequence {self.sequence}, "
                f"found {self.balances} and sequence {self.last}"
            )
