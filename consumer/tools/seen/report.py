"""Writes what was found of an event as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from consumer.tools.seen.find import RememberedIdentity, SeenAnswer, StoredEvent


def as_json(answer: SeenAnswer) -> bytes:
    """Write the answer as one line of JSON."""
    return msgspec.json.encode(
        {
            "store": None if answer.store_why else list(map(_remembered_json, answer.remembered)),
            # What was found before the search broke off is told all the same.
            "sink": list(map(_stored_json, answer.stored))
            if answer.stored or not answer.sink_why
            else None,
            "scanned_count": answer.scanned_count,
            "scanned_from": from_epoch_s(answer.from_s),
            "scanned_to": from_epoch_s(answer.to_s),
        }
    )


def _remembered_json(mark: RememberedIdentity) -> dict[str, object]:
    return {
        "state": "done" if mark.done else "pending",
        "brand": mark.candidate.brand,
        "identity": mark.candidate.parts,
        "key": mark.candidate.key,
        "since": from_epoch_s(mark.since_s),
        "remaining_s": round(mark.remaining_s, 3),
    }


def _stored_json(event: StoredEvent) -> dict[str, object]:
    return {
        "subject": event.subject,
        "sequence": event.sequence,
        "stored": from_epoch_s(event.stored_s),
        "brand": event.candidate.brand,
        "key": event.candidate.key,
    }
