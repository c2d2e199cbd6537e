"""The words of a refusal: field, expected, found. What a brand's engineer mends an event by."""

from __future__ import annotations

from typing import Final

import msgspec

from consumer.errors import Reason, Rejected

SHOWN_CHARACTERS: Final = 60
"""So much of a wrong value is repeated in the error."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError)
"""Everything that msgspec raises for bytes; measured with the corpus in tests/support/samples.py.
`UnicodeDecodeError` is no `DecodeError`."""

_WORDS: Final = (
    ("Expected", "expected"),
    ("Invalid decimal string", "expected number"),
    ("`int | str`", "text or whole number"),
    ("decimal", "number"),
    ("bool", "true or false"),
    ("str", "text"),
    ("int", "whole number"),
    (" | null", ""),
    ("`", ""),
)
"""msgspec's words for types, and those of the documentation."""

_decode_raw: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def invalid(name: str, expected: str, found: object) -> Rejected:
    """Return the refusal of one field's value."""
    shown = found if isinstance(found, str) else str(found)
    if len(shown) > SHOWN_CHARACTERS:
        shown = f"{shown[:SHOWN_CHARACTERS]}…"
    quoted = msgspec.json.encode(shown).decode() if isinstance(found, str) else shown
    return Rejected(Reason.INVALID, f"{name}: expected {expected}, got {quoted}")


def malformed(error: Exception) -> Rejected:
    """Return the refusal of bytes that are no JSON, for one of `UNREADABLE`."""
    if isinstance(error, UnicodeDecodeError):
        return Rejected(Reason.MALFORMED, f"not UTF-8 at byte {error.start}")
    if isinstance(error, msgspec.DecodeError):
        return Rejected(Reason.MALFORMED, str(error))
    return Rejected(Reason.MALFORMED, "nested too deeply, or too large to read")


def refuse_broken_json(body: bytes) -> None:
    """Read to the end.

    Raises:
        Rejected: it is no JSON.
    """
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except UNREADABLE as error:
        raise malformed(error) from error


def explain(message: str, body: bytes) -> str:
    """Turn msgspec's message into ours: field, expected, found."""
    expected, _, path = message.partition(" - at `$.")
    field = path.rstrip("`")
    if not field:
        missing = message.removeprefix("Object missing required field ")
        return message if missing == message else f"{missing.strip('`')}: required, but missing"
    found = b""
    if field.isidentifier():
        found = bytes(_decode_raw(body).get(field, msgspec.Raw(b"")))[:SHOWN_CHARACTERS]
    for theirs, ours in _WORDS:
        expected = expected.replace(theirs, ours)
    wanted, _, got = expected.partition(", got ")
    return f"{field}: {wanted}, got {found.decode(errors='replace').strip() or got}"
