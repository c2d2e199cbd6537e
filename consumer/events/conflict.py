"""The words of a conflict: an identity that was sent before, with other values that decide.

Responsible for naming the fields that differ, as far as that can be known. The store keeps a hash
of the deciding fields and not their values. Where the earlier event is at hand, as in one batch,
the text has both values of each field; where only the store knows it, the text lists the fields
among which the difference is. Not responsible for finding a conflict: the pipeline does that by
comparing fingerprints.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events import canonical, envelope
from consumer.events.refuse import UNREADABLE, shown
from consumer.events.registry import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.events.base import EventType
    from consumer.events.normalise import Event

NOTHING: Final = "nothing"
"""Stands in the text for a field that is absent."""

_decode_data: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text: Final = msgspec.json.Decoder(str).decode


READ_MAX_BYTES: Final = 64 * 1024
"""A larger event is not read again for the words of a conflict: a batch may hold hundreds of
conflicts with the same event, and they are all judged in one step."""


def conflict_text(event: Event, earlier: Event | None = None) -> str:
    """Say what a conflict is about. It decodes the events' bodies, because it is rare.

    Never raises for what a sender wrote: a body of ours is nested one level deeper than the
    sender's, so a body that could just be read once may be too deep to be read again.

    Args:
        event: The event that becomes a dead letter.
        earlier: The event that has the same identity, where it is at hand.

    Returns:
        A line that holds at most 60 characters of any value.
    """
    if len(event.body) <= READ_MAX_BYTES:
        is_small = earlier is not None and len(earlier.body) <= READ_MAX_BYTES
        with contextlib.suppress(*UNREADABLE):
            return _text(event, earlier if is_small else None)
    return f"id {_quoted(event.id)} was sent before with other values in its deciding fields"


def _text(event: Event, earlier: Event | None) -> str:
    sent = envelope.read(event.body)
    event_type = find(sent.message_type)
    deciding = event_type.deciding if event_type else ()
    before = f"id {_quoted(sent.id)} was sent before with"
    if event_type is not None and earlier is not None:
        differing = list(_differing(event_type, _data(earlier), _data(event)))
        if differing:
            return f"{before} other values: {'; '.join(differing)}"
    return f"{before} another value in at least one of {', '.join(deciding)}"


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
        if was != is_now:
            expected, got = map(_shown, values)
            yield f"{name}: expected {expected}, got {got}"


def _data(event: Event) -> dict[str, msgspec.Raw]:
    return _decode_data(envelope.read(event.body).data)


def _comparable(value: msgspec.Raw | None, *, is_number: bool) -> bytes:
    """Return what is equal for values that mean the same: null as absent, `12.3` as `12.30`."""
    sent = b"" if value is None else bytes(value)
    if sent in (b"", b"null"):
        return b""
    return canonical.number(_decode_text(sent)).encode() if is_number else sent


def _shown(value: msgspec.Raw | None) -> str:
    return NOTHING if value is None else shown(bytes(value))


def _quoted(text: str) -> str:
    return shown(msgspec.json.encode(text))
