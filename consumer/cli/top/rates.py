"""Compares two readings of a process: what each of its listeners did in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from consumer.cli.top.read import ProcessReading

_COUNTERS: Final = ("received", "forwarded", "duplicates", "dead_letters")


class ListenerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One listener in one interval, as `top` shows it; in a pipe, a line of JSON.

    A rate is None if there are no two readings of the same process to compare.

    Attributes:
        process: The address of the operations port of the listener's process.
        listener: The name of the listener. None means that the process is away.
        state: `up`, `down`, `draining`, or `away`.
        received_per_s: The number of messages that the listener took in per second.
        forwarded_per_s: The number of events that the sink stored per second.
        duplicates_ratio: The share of duplicates among the received messages.
        dead_letters_per_s: The number of dead letters per second.
        dead_letters_count: The number of dead letters since the process started.
        lag_count: The number of messages that wait at the source. None means that the listener
            does not know it.
        in_flight_count: The number of messages that were taken in and are not concluded yet.
        oldest_s: The age of the oldest of these messages, in seconds.
        why: What is wrong, and what to do. Empty means that nothing is wrong.
    """

    process: str
    listener: str | None
    state: str
    received_per_s: float | None = None
    forwarded_per_s: float | None = None
    duplicates_ratio: float | None = None
    dead_letters_per_s: float | None = None
    dead_letters_count: int | None = None
    lag_count: int | None = msgspec.field(name="lag", default=None)
    in_flight_count: int | None = None
    oldest_s: float | None = None
    why: str = ""


def rows(process: str, before: ProcessReading | None, now: ProcessReading) -> list[ListenerRow]:
    """Return a row for each listener of a process.

    Args:
        process: The address of the process.
        before: The reading that was taken before `now`. None means that `now` is the first one.
        now: The reading that the rows describe.
    """
    if before is not None and before.started_s != now.started_s:
        before = None  # the process was restarted, and its counters began at 0 again
    return [_row(process, name, before, now) for name in sorted(now.values)]


def _row(
    process: str, name: str, before: ProcessReading | None, now: ProcessReading
) -> ListenerRow:
    values = now.values[name]
    rates = _rates(name, before, now)
    received, duplicates = rates.get("received"), rates.get("duplicates")
    lag = values.get("lag")
    whys = (now.whys.get(f"listener {name}"), now.whys.get(f"lane {name}"))
    state = "up" if values.get("listener_up") else "down"
    return ListenerRow(
        process=process,
        listener=name,
        state="draining" if now.draining else state,
        received_per_s=received,
        forwarded_per_s=rates.get("forwarded"),
        duplicates_ratio=min(1.0, duplicates / received)
        if received and duplicates is not None
        else None,
        dead_letters_per_s=rates.get("dead_letters"),
        dead_letters_count=int(values.get("dead_letters", 0)),
        lag_count=None if lag is None else int(lag),
        in_flight_count=int(values.get("in_flight", 0)),
        oldest_s=round(values.get("oldest_unsettled_seconds", 0.0), 3),
        why="; ".join(why for why in whys if why),
    )


def _rates(name: str, before: ProcessReading | None, now: ProcessReading) -> dict[str, float]:
    """Return how much each counter grew per second. Empty if this cannot be known.

    A counter that went down belongs to another process, for example after a restart. This is found
    even if the process did not say when it started.
    """
    if before is None or name not in before.values or now.at_s <= before.at_s:
        return {}
    took_s = now.at_s - before.at_s
    # A counter that has further labels does not exist before its first event, so it began at 0.
    grown = {
        counter: now.values[name].get(counter, 0.0) - before.values[name].get(counter, 0.0)
        for counter in _COUNTERS
    }
    if min(grown.values()) < 0:
        return {}
    return {counter: round(growth / took_s, 3) for counter, growth in grown.items()}
