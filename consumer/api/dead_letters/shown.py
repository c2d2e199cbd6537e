"""Writes dead letters, and what became of them, as answers show them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from consumer.deliveries.delivery import Dead, Duplicate, Forwarded
from consumer.events.timestamp import from_epoch_s
from consumer.tools.replay.replay import DEAD_AGAIN, DUPLICATE, FORWARDED, GONE, WITHOUT_BODY

if TYPE_CHECKING:
    from consumer.tools.replay.query import StoredLetter
    from consumer.tools.replay.replay import Ended

STATUSES = {
    FORWARDED: "stored",
    DUPLICATE: "duplicate",
    DEAD_AGAIN: "rejected",
    GONE: "not_found",
    WITHOUT_BODY: "without_body",
}
"""What answers call the ends of a replay."""


class LetterResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one letter.

    Attributes:
        number: The number of the letter.
        status: `stored`, `duplicate`, `rejected`, `dropped`, `not_found`, `without_body`, or `left`
            if the time of the request was over before.
        id, type: The CloudEvents id and the subject of its event. Empty if there is no event.
        reason, error: Why it was rejected again. Empty if it was not.
        new_number: The number of the letter that it has become. 0 if there is none.
    """

    number: int
    status: str
    id: str = ""
    type: str = ""
    reason: str = ""
    error: str = ""
    new_number: int = 0


def result_of(ended: Ended) -> LetterResult:
    """Return what became of a letter that was replayed."""
    end, status = ended.end, STATUSES[ended.way]
    if isinstance(end, Forwarded | Duplicate):
        return LetterResult(ended.number, status, end.event.id, end.event.subject)
    if isinstance(end, Dead):
        rejected = end.rejected
        return LetterResult(
            ended.number,
            status,
            reason=rejected.reason.value,
            error=rejected.detail,
            new_number=ended.next_number,
        )
    return LetterResult(ended.number, status)


def in_list(stored: StoredLetter) -> dict[str, object]:
    """Return a letter as lists show it: without body and headers."""
    letter = stored.letter
    size_is_known = not letter.body_object or letter.body_bytes
    return {
        "number": stored.number,
        "stored": from_epoch_s(stored.stored_s),
        "arrived": letter.arrived or None,
        "listener": letter.listener,
        "message_type": letter.message_type or None,
        "reason": letter.reason.value,
        "error": letter.error,
        "attempt": letter.attempt,
        # Older versions did not note the size of a large body.
        "size_bytes": stored.size_bytes if size_is_known else None,
    }


def whole_letter(stored: StoredLetter, body: bytes | None, left_out: str) -> bytes:
    """Write everything that is known of a letter.

    Args:
        stored: The letter.
        body: Its body. None if it is left out.
        left_out: Why the body is left out: `too_large` or `gone`. Empty if it is not left out.
    """
    letter = stored.letter
    encoding, text = (None, None) if body is None else _as_text(body)
    known = in_list(stored)
    if body is not None:
        known["size_bytes"] = len(body)
    elif letter.body_bytes:
        known["size_bytes"] = letter.body_bytes
    return msgspec.json.encode(
        {
            **known,
            "content_encoding": letter.content_encoding or None,
            "source": letter.coordinates,
            "headers": letter.headers,
            "history": [
                {
                    "attempt": past.number,
                    "reason": past.reason,
                    "error": past.error,
                    "until": past.until,
                }
                for past in letter.history
            ],
            "body": text,
            "body_encoding": encoding,
            "body_left_out": left_out or None,
        }
    )


def _as_text(body: bytes) -> tuple[str, str]:
    """Return how a body is written in JSON, and the text. No byte of it is lost."""
    try:
        return "utf-8", body.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(body).decode()
