"""Writes the answer of `consumer seen` as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.cli.terminal.numbers import short_duration
from consumer.cli.terminal.safe_text import printable
from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.tools.seen.find import RememberedIdentity, SeenAnswer


def as_text(answer: SeenAnswer) -> str:
    """Lay out the answer for a person: a block for the store, a block for the sink."""
    return "\n".join((*_block("store", _store_lines(answer)), *_block("sink", _sink_lines(answer))))


def _block(name: str, lines: Sequence[str]) -> list[str]:
    return [f"{name if not index else '':<7}{line}" for index, line in enumerate(lines)]


def _store_lines(answer: SeenAnswer) -> list[str]:
    if answer.store_why:
        return ["not asked"]
    if not answer.remembered:
        return [f"nothing is remembered of it, brand {', '.join(answer.brands)}"]
    return [_remembered(mark) for mark in answer.remembered]


def _remembered(mark: RememberedIdentity) -> str:
    since = _to_the_second(mark.since_s)
    state = (
        f"done, marked {since}"
        if mark.done
        else f"pending, claimed {since}: perhaps stored, not confirmed"
    )
    left = short_duration(mark.remaining_s)
    return f"{state}; remembered for {left}; brand {mark.candidate.brand}"


def _sink_lines(answer: SeenAnswer) -> list[str]:
    lines = [
        f"{printable(event.subject)}, sequence {event.sequence}, "
        f"stored {from_epoch_s(event.stored_s)}"
        for event in answer.stored
    ]
    if answer.sink_why:
        return [*lines, "not looked at to the end" if lines else "not looked at"]
    found = "among" if answer.stored else "not found among"
    between = f"{_to_the_second(answer.from_s)} to {_to_the_second(answer.to_s)}"
    return [*lines, f"{found} {answer.scanned_count:,} messages, {between}"]


def _to_the_second(epoch_s: float) -> str:
    return f"{from_epoch_s(epoch_s)[:19]}Z"
