"""Remembers the events of a file, to find repetitions, conflicts, and what a repetition would lose.

A file may have millions of events. So nothing of an event is kept but hashes, as one whole number:
of its deciding fields, and of each other field, whose change would be lost when the event is sent.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events import canonical, envelope
from consumer.events.facts import facts_of
from consumer.events.hints import UNREADABLE

if TYPE_CHECKING:
    from consumer.events.base import EventType
    from consumer.events.normalise import Event

FINGERPRINT_BITS: Final = 64
FIELD_BITS: Final = 16
"""The size of a field's hash. One change in 65,536 is not noticed."""
UNKNOWN: Final = ""
"""Stands for all fields together that the catalogue does not know."""

_decode_data: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Earlier(msgspec.Struct, frozen=True):
    """The earlier event of a file that has the same identity.

    Attributes:
        number: The number of its line, or its own number.
        is_conflict: If true, the deciding fields differ.
        changed: The names of the fields that decide nothing and differ. It may have `UNKNOWN`.
    """

    number: int
    is_conflict: bool
    changed: tuple[str, ...]


class Repeats:
    """Remembers the events of one file.

    Args:
        event_type: The type of all events.
    """

    def __init__(self, event_type: EventType) -> None:
        self._struct = event_type.fields
        # What the identity holds as it is or as a hash cannot differ in what is compared.
        words = [words.split() for words in event_type.identified_by]
        held = {name for said in words if len(said) == 1 or said[0] == "hash" for name in said}
        settled = {*event_type.deciding, *held}
        known = [fact.name for fact in facts_of(event_type.fields)]
        self._known = frozenset(known)
        self._names = (*(name for name in known if name not in settled), UNKNOWN)
        self._packed = struct.Struct(f">{len(self._names)}H")
        self._numbers = canonical.numbers_of(event_type.fields)
        self._implied = frozenset(event_type.implied)
        # Keys and values are whole numbers, which take much less memory than text and tuples. A key
        # is the identity's key. A value has the fingerprint in its lowest bits, then the hashes of
        # the fields, and the event's number above them.
        self._seen: dict[int, int] = {}

    def earlier(self, event: Event, number: int) -> Earlier | None:
        """Return the first event with the same identity. If there is none, remember this event.

        Args:
            event: The event.
            number: The number by which people find the event. No other event of the file has it.
        """
        key, fingerprint = int(event.identity.key, 16), int(event.identity.fingerprint, 16)
        hashes = [0] * len(self._names)
        # The body of an event is nested one level deeper than what was sent. It may be too deep.
        with contextlib.suppress(*UNREADABLE):
            hashes = self._hashes(event)
        packed = number << 8 * self._packed.size | int.from_bytes(self._packed.pack(*hashes))
        before = self._seen.setdefault(key, packed << FINGERPRINT_BITS | fingerprint)
        rest, known_fingerprint = divmod(before, 1 << FINGERPRINT_BITS)
        known_number, known_hashes = divmod(rest, 1 << 8 * self._packed.size)
        if known_number == number:
            return None
        then = self._packed.unpack(known_hashes.to_bytes(self._packed.size))
        changed = [
            name
            for name, now, was in zip(self._names, hashes, then, strict=True)
            # An absent field means a value: the identity would differ if it meant another value.
            if now != was and not (name in self._implied and 0 in (now, was))
        ]
        return Earlier(known_number, known_fingerprint != fingerprint, tuple(changed))

    def unknown(self, names: list[str]) -> list[str]:
        """Return those of the names that the catalogue does not know."""
        return [name for name in names if name not in self._known]

    def _hashes(self, event: Event) -> list[int]:
        data = _decode_data(envelope.read(event.body).data)
        hashes = [self._hash(name, data.get(name)) for name in self._names[:-1]]
        unknown: dict[str, object] = {
            name: sent for name, sent in data.items() if name not in self._known
        }
        return [*hashes, _short(canonical.digest_whole(self._struct, unknown)) if unknown else 0]

    def _hash(self, name: str, sent: msgspec.Raw | None) -> int:
        """Return the same number for values that mean the same. Absent means the same as null."""
        text = b"" if sent is None else bytes(sent)
        if text in (b"", b"null"):
            return 0
        if text.startswith((b"{", b"[")):
            return _short(canonical.digest_field(self._struct, name, msgspec.Raw(text)))
        return hash(_plain(text[1:-1]) if name in self._numbers else text) % (1 << FIELD_BITS)


def _plain(number: bytes) -> bytes:
    """Write a number in its normal form without zeros at its end: `12.30` as `12.3`."""
    return number.rstrip(b"0").rstrip(b".") if b"." in number else number


def _short(digest: str) -> int:
    return int(digest[: FIELD_BITS // 4], 16)
