"""Writes the error of a refusal, which tells a brand's engineer what to mend."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from consumer.errors import Misfit, Reason, Rejected
from consumer.events import hints
from consumer.events.base import NUMBER_MAX_DIGITS
from consumer.events.hints import SEARCHED_MAX_BYTES, UNREADABLE

SHOWN_CHARACTERS: Final = 60
"""An error shows at most this many characters of a wrong value."""

_WORDS: Final = (
    ("Expected", "expected"),
    ("Integer value out of range", "expected number of at most 4300 digits"),
    ("Number out of range", f"expected number of at most {NUMBER_MAX_DIGITS} digits"),
    ("int | str", "text or whole number"),
    ("array", "list"),
    ("bool", "true or false"),
    ("str", "text"),
    ("int", "whole number"),
    (" | null", ""),
    ("`", ""),
)
"""msgspec's words for types, and our own words that replace them, in this order."""

_WHOLE: Final = re.compile(
    rb"(?>[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
"""All bytes up to the first half of a surrogate pair: anything but escapes, other escapes, and
whole pairs. It never goes back, so it takes time in proportion to the body."""
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_STEP: Final = re.compile(r"([A-Za-z_]\w*)|\[(\d+)\]")

_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def invalid(name: str, expected: str, found: object) -> Rejected:
    """Return the refusal of one field's value."""
    shown = _cut(found if isinstance(found, str) else str(found))
    quoted = msgspec.json.encode(shown).decode() if isinstance(found, str) else shown
    return Rejected(Reason.INVALID, Misfit(name, expected, quoted))


def missing(name: str) -> Rejected:
    """Return the refusal of an event without a field that it needs."""
    return Rejected(Reason.INVALID, Misfit(name, "required", None))


def misspelt(name: str, found: str) -> Rejected:
    """Return the refusal of an event with a deciding field under another spelling of its name."""
    note = "this field decides what the event is"
    return Rejected(Reason.INVALID, Misfit(name, f"the name {name}", found, note))


def contradicted(name: str, value: str, found: str, sent: bytes) -> Rejected:
    """Return the refusal of an event with a deciding field in two spellings, with two values."""
    both = f'"{value}" as {name} and {shown(sent)} as {found}'
    return Rejected(Reason.INVALID, Misfit(name, "one value", both))


def null(name: str, expected: str) -> Rejected:
    """Return the refusal of a null in a field that may be absent, but not null."""
    return Rejected(Reason.INVALID, Misfit(name, expected, "null"))


def as_sent(rejected: Rejected, body: bytes) -> Rejected:
    """Return a refusal that shows an object or a list as it was sent.

    Numbers inside it were decoded as text, so the refusal shows them with quotes.
    """
    misfit = rejected.misfit
    if misfit is None or not misfit.found or misfit.found[0] not in "{[":
        return rejected
    found = shown(_at(misfit.field, body)) or misfit.found
    return Rejected(rejected.reason, msgspec.structs.replace(misfit, found=found))


def unreadable(error: Exception, body: bytes) -> Rejected:
    """Return the refusal of a body that msgspec could not decode.

    Args:
        error: One of `UNREADABLE`.
        body: The body.
    """
    if isinstance(error, msgspec.ValidationError):
        # msgspec stops at the first misfit, and what follows it may not be JSON at all.
        return _broken_json(body) or Rejected(Reason.INVALID, explain(str(error), body))
    return _malformed(error, body)


def _malformed(error: Exception, body: bytes) -> Rejected:
    if isinstance(error, UnicodeDecodeError):
        seems = hints.of_format(body)
        return Rejected(Reason.MALFORMED, f"not UTF-8 at byte {error.start}{seems}")
    if isinstance(error, msgspec.DecodeError):
        return Rejected(Reason.MALFORMED, _half_surrogate(body) or _broken_at(str(error), body))
    return Rejected(Reason.MALFORMED, "nested too deeply, or too large to read")


def _broken_json(body: bytes) -> Rejected | None:
    """Read a body to its end, without decoding it. Return its refusal if it is not JSON."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except UNREADABLE as error:
        return _malformed(error, body)
    return None


def _broken_at(error: str, body: bytes) -> str:
    """Return msgspec's error with what helps to find the mistake in a body."""
    if not body.strip():
        return "the body is empty"
    return f"{error}{hints.of_format(body) or hints.of_place(error, body)}"


def _half_surrogate(body: bytes) -> str:
    r"""Say where a body has half of a surrogate pair; empty if it has none.

    JSON writes an emoji as two escapes, `\ud83d\ude00`. A program that cuts text by the number
    of UTF-16 units leaves the first of them. msgspec's error does not say so.
    """
    if len(body) > SEARCHED_MAX_BYTES:
        return ""
    whole = _WHOLE.match(body)
    half = _HALF.match(body, whole.end() if whole else 0)
    return f"half a surrogate pair ({half[0].decode()}) at byte {half.start()}" if half else ""


def explain(message: str, body: bytes) -> Misfit:
    """Turn the text of msgspec's error into a `Misfit`."""
    expected, _, path = message.partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    name = expected.removeprefix("Object missing required field ")
    if name != expected:
        name = name.strip("`")
        note = "" if path else hints.of_missing(name, body)
        return Misfit(f"{path}.{name}".lstrip("."), "required", None, note)
    found = shown(_at(path, body))
    for theirs, ours in _WORDS:
        expected = expected.replace(theirs, ours)
    wanted, _, got = expected.partition(", got ")
    note = "" if path else hints.of_format(body).removeprefix("; ")
    return Misfit(path, wanted.removeprefix("expected "), found or got, note)


def shown(sent: bytes) -> str:
    """Return a part of a body as an error shows it: as it was sent, but cut."""
    return _cut(sent[: 4 * SHOWN_CHARACTERS].decode(errors="replace").strip())


def _at(path: str, body: bytes) -> bytes:
    """Return the value at a path such as `bets[1].odds`, as it was sent; empty if not found."""
    found = body
    try:
        for name, index in _STEP.findall(path):
            found = bytes(_decode_object(found)[name] if name else _decode_list(found)[int(index)])
    except (*UNREADABLE, LookupError):
        # If a key was sent twice, the search above follows the last value. The path may belong to
        # the first value.
        return b""
    return found


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
