"""Writes the error of a conflict: an identity that was sent before with other deciding values.

Responsible for naming the fields that differ, as far as they can be known. The store keeps a hash
of the deciding fields and not their values. If the earlier event is in the same batch, the error
has both values of each field that differs. If only the store knows the earlier event, the error
lists all deciding fields, and says how long ago that event came, if the store could tell. Not
responsible for finding a conflict: the pipeline does that by comparing fingerprints.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events import canonical, envelope
from consumer.events.hints import UNREADABLE
from consumer.events.refuse import shown
from consumer.events.registry import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.events.base import EventType
    from consumer.events.normalise import Event

NOTHING: Final = "nothing"
"""Stands in the error for a field that is absent."""

_decode_data: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text: Final = msgspec.json.Decoder(str).decode


READ_MAX_BYTES: Final = 4 * 1024
"""The error of a conflict does not name the values of a larger event, because the event would have
to be decoded again. A batch may hold hundreds of conflicts."""


def conflict_text(event: Event, earlier: Event | None = None, age_s: float | None = None) -> str:
    """Write the error of a conflict. Conflicts are rare, so the events may be decoded again here.

    Nothing that a sender writes makes this function raise. The body of an event is nested one level
    deeper than the body that was sent, so it may be too deep to be decoded again.

    Args:
        event: The event that becomes a dead letter.
        earlier: The earlier event with the same identity. None if only the store knows it.
        age_s: How long ago that event came, in seconds. None if that is not known.

    Returns:
        One line, with at most 60 characters of each value.
    """
    ago = "" if age_s is None else f", {_ago(age_s)},"
    before = f"id {_quoted(event.id)} was sent before{ago} with"
    if len(event.body) <= READ_MAX_BYTES:
        is_small = earlier is not None and len(earlier.body) <= READ_MAX_BYTES
        with contextlib.suppress(*UNREADABLE):
            return f"{before} {_text(event, earlier if is_small else None)}"
    return f"{before} other values in its deciding fields"


def _ago(age_s: float) -> str:
    """Write an age in the largest unit of which there are at least two."""
    for unit_s, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if age_s >= 2 * unit_s:
            return f"about {age_s // unit_s:.0f} {unit} ago"
    return "less than 2 min ago"


def _text(event: Event, earlier: Event | None) -> str:
    event_type = find(envelope.read(event.body).message_type)
    deciding = event_type.deciding if event_type else ()
    if event_type is not None and earlier is not None:
        differing = list(_differing(event_type, _data(earlier), _data(event)))
        if differing:
            return f"other values: {'; '.join(differing)}"
    return f"another value in at least one of {', '.join(deciding)}"


def _differing(
    event_type: EventType,
    earlier: Mapping[str, msgspec.Raw],
    later: Mapping[str, msgspec.Raw],
) -> Iterator[str]:
    """Give a text for each deciding field whose values differ, as their fingerprints do."""
    numbers = canonical.numbers_of(event_type.fields)
    for name in event_type.deciding:
        values = (earlier.get(name), later.get(name))
        was, is_now = (_comparable(value, is_number=name in numbers) for value in values)
        if None in values and name in event_type.implied:
            continue  # absent, which may mean the same
        if was != is_now:
            expected, got = map(_shown, values)
            yield f"{name}: expected {expected}, got {got}"


def _data(event: Event) -> dict[str, msgspec.Raw]:
    return _decode_data(envelope.read(event.body).data)


def _comparable(value: msgspec.Raw | None, *, is_number: bool) -> bytes:
    """Return bytes that are equal for equal values: for null and absent, for `12.3` and `12.30`."""
    sent = b"" if value is None else bytes(value)
    if sent in (b"", b"null"):
        return b""
    return canonical.number(_decode_text(sent)).encode() if is_number else sent


def _shown(value: msgspec.Raw | None) -> str:
    return NOTHING if value is None else shown(bytes(value))


def _quoted(text: str) -> str:
    return shown(msgspec.json.encode(text))
