"""The answer of `seen`, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.cli.terminal import printable
from consumer.cli.top.table import duration
from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from consumer.cli.seen.find import Answer, Known


def as_text(answer: Answer) -> str:
    """Lay out for a person."""
    store = [_known(one) for one in answer.known]
    if not store:
        nothing = f"nothing is remembered of it, brand {', '.join(answer.brands)}"
        store = ["not asked" if answer.store_why else nothing]
    sink = [
        f"{printable(one.subject)}, sequence {one.sequence}, stored {from_epoch_s(one.stored_s)}"
        for one in answer.stored
    ]
    if answer.sink_why:
        sink.append("not looked at")
    else:
        between = f"{_seconds(answer.from_s)} to {_seconds(answer.to_s)}"
        found = "among" if answer.stored else "not found among"
        sink.append(f"{found} {answer.scanned_count:,} messages, {between}")
    return "\n".join((*_block("store", store), *_block("sink", sink)))


def _block(name: str, lines: list[str]) -> list[str]:
    return [f"{name if not index else '':<7}{line}" for index, line in enumerate(lines)]


def _known(one: Known) -> str:
    done = f"done, marked {_seconds(one.since_s)}"
    pending = f"pending, claimed {_seconds(one.since_s)}: perhaps stored, not confirmed"
    who = f"brand {one.candidate.brand}"
    return f"{done if one.done else pending}; remembered for {duration(one.remaining_s)}; {who}"


def _seconds(epoch_s: float) -> str:
    return f"{from_epoch_s(epoch_s)[:19]}Z"


def as_json(answer: Answer) -> bytes:
    """Write the same as one line of JSON."""
    known = [
        {
            "state": "done" if one.done else "pending",
            "brand": one.candidate.brand,
            "identity": one.candidate.parts,
            "key": one.candidate.key,
            "since": from_epoch_s(one.since_s),
            "remaining_s": round(one.remaining_s, 3),
        }
        for one in answer.known
    ]
    stored = [
        {
            "subject": one.subject,
            "sequence": one.sequence,
            "stored": from_epoch_s(one.stored_s),
            "brand": one.candidate.brand,
            "key": one.candidate.key,
        }
        for one in answer.stored
    ]
    return msgspec.json.encode(
        {
            "store": None if answer.store_why else known,
            "sink": None if answer.sink_why else stored,
            "scanned_count": answer.scanned_count,
            "scanned_from": from_epoch_s(answer.from_s),
            "scanned_to": from_epoch_s(answer.to_s),
        }
    )
