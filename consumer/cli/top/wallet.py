"""Compares two readings of a process: which callbacks of games it answered in between."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from consumer.cli.terminal.numbers import short_duration, short_number
from consumer.cli.terminal.safe_text import printable
from consumer.cli.top.growth import growth_per_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.cli.top.read import ProcessReading

SHARE_RATIO: Final = 0.99


class WalletRow(msgspec.Struct, frozen=True):
    """What happens at the wallet of a process.

    Attributes:
        process: The address of the process's operations port.
        wallet: Always true. It tells these rows from the others.
        outbox_age_s: The age of the oldest movement of money whose events wait, in seconds, by
            environment.
        faults_count: The number of places where the books do not fit.
        callbacks_per_s: The number of answered callbacks per second, by verb and code.
        p99_s: The time in which 99 % of them were answered, in seconds, as far as the metric tells:
            the upper bound of its bucket. None if none was answered.
    """

    head: ClassVar[str] = "wallet"

    process: str
    outbox_age_s: dict[str, float]
    faults_count: int
    callbacks_per_s: dict[str, float] | None = None
    p99_s: float | None = None
    wallet: bool = True

    def words(self) -> str:
        """Return the row as a line of text."""
        rates = self.callbacks_per_s or {}
        told = [f"{printable(key)} {short_number(rates[key])}" for key in sorted(rates)]
        parts = [f"callbacks/s: {', '.join(told)}"] if told else []
        if self.p99_s is not None:
            parts.append(f"99 % within {self.p99_s * 1000:g} ms")
        ages = [f"{name} {short_duration(age_s)}" for name, age_s in self.outbox_age_s.items()]
        parts.append(f"oldest in the outbox: {', '.join(ages)}")
        if self.faults_count:
            parts.append(f"the books do not fit in {self.faults_count} places")
        return "; ".join(parts)


def wallet_row(
    process: str, before: ProcessReading | None, now: ProcessReading
) -> WalletRow | None:
    """Return the row of a process; None if it has no wallet.

    Args:
        process: The address of the process.
        before: The reading that was taken before `now`. None means that `now` is the first one.
        now: The reading that the row describes.
    """
    wallet = now.wallet
    if not wallet.outbox_age_s:
        return None
    ages_s = {name: round(age_s, 3) for name, age_s in wallet.outbox_age_s.items()}
    if before is None or before.started_s != now.started_s or now.at_s <= before.at_s:
        return WalletRow(process, ages_s, wallet.faults_count)
    took_s = now.at_s - before.at_s
    return WalletRow(
        process,
        ages_s,
        wallet.faults_count,
        callbacks_per_s=growth_per_s(before.wallet.callbacks, wallet.callbacks, took_s),
        p99_s=_bound_s(before.wallet.within, wallet.within),
    )


def _bound_s(before: Mapping[float, float], now: Mapping[float, float]) -> float | None:
    """Return the bound of the bucket in which 99 % of the new callbacks are."""
    grown = {bound_s: count - before.get(bound_s, 0.0) for bound_s, count in now.items()}
    total = max(grown.values(), default=0.0)
    if not total:
        return None
    bounds_s = sorted(grown)
    for bound_s, following_s in pairwise(bounds_s):
        if grown[bound_s] >= SHARE_RATIO * total:
            return bound_s
        if following_s == float("inf"):
            return bound_s  # slower than the largest bound: at least that
    return bounds_s[-1]
