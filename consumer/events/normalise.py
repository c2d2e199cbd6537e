"""Turns a body into one event in its normal form, or refuses it with the exact error.

Responsible for decoding a body of a known type. Not responsible for the envelope around the event
(`envelope.py`), for what the fields mean (`base.py` and the families), or for the normal form of a
single field (`fields.py`).

Limits: a body may be nested as deep as Python's stack allows. That is about 900 levels, or about
450 where the identity holds a hash of the body. `steps.py` and `repair.py` have the other
limits.
"""

from __future__ import annotations

from codecs import utf_8_decode
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from consumer.errors import Rejected
from consumer.events import canonical, envelope, identity, timestamp
from consumer.events.base import BODY, OCCURRENCE, EventType, Fields, Nested, decoder_of
from consumer.events.facts import facts_of
from consumer.events.fields import apply, plan_of
from consumer.events.hints import UNREADABLE
from consumer.events.identity import WINDOW_S, Identity
from consumer.events.misspelt import Spellings
from consumer.events.refuse import as_sent, unreadable
from consumer.events.repair import may_be_repaired, repaired
from consumer.events.shared_ids import are_set, has_exponent, ids_of, refuse_shared
from consumer.events.steps import Oddity, OwnTimeStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UTF8_PIECE_BYTES: Final = 64 * 1024
ODDITIES_MAX_COUNT: Final = 1000
"""An event keeps at most this many oddities: a body may hold 100,000 unknown fields."""
_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event in its normal form, made of a delivery that fits its message type.

    Attributes:
        id: The identity's text, which is the CloudEvents id.
        identity: What the store remembers. Its key is also the message id in the sink.
        subject: The subject in the catalogue: two tokens, without the operator's prefix.
        body: The CloudEvents object, as JSON.
        time_s: The event's own time, in seconds since 1970. None if it has no time of its own.
        oddities: What was accepted although it should not be sent like that.
    """

    id: str
    identity: Identity
    subject: str
    body: bytes
    time_s: float | None
    oddities: tuple[Oddity, ...]


def with_oddities(event: Event, oddities: list[Oddity]) -> Event:
    """Return an event with what was odd about its body, before the oddities of its fields."""
    return msgspec.structs.replace(event, oddities=(*oddities, *event.oddities))


def with_sequence(event: Event, sequence: str) -> Event:
    """Return an event with the attribute `sequence`."""
    wrapped = envelope.read(event.body)
    body = envelope.write(msgspec.structs.replace(wrapped, sequence=sequence))
    return msgspec.structs.replace(event, body=body)


@cache
def _decoders_of(
    struct: type[Fields],
) -> tuple[Callable[[bytes], Fields], Callable[[bytes], Fields]]:
    """Return the decoder of a type's fields, and the decoder that does not refuse unknown fields.

    The second decoder is for the second pass. All brands share the two, because to make them takes
    a millisecond.
    """
    lenient: type[Any] = msgspec.defstruct(
        f"Lenient{struct.__name__}", [], bases=(struct,), forbid_unknown_fields=False
    )
    return decoder_of(struct), decoder_of(lenient)


class Normaliser:
    """Reads the bodies of one brand and one message type. All steps are prepared once.

    Args:
        event_type: The type of all bodies.
        brand: The brand that sends them.
        namespace: The name under which identities are remembered. None means the brand.
        strict: If true, what the vendor's own schema refuses is refused.
        window_s: How long an event's identity is remembered, in seconds.

    Attributes:
        needs_occurrence: If true, `normalise` has to be told which message a body came in.
    """

    def __init__(
        self,
        event_type: EventType,
        brand: str,
        *,
        namespace: str | None = None,
        strict: bool = False,
        window_s: float = WINDOW_S,
    ) -> None:
        self.needs_occurrence = event_type.uses_occurrence
        self._type = event_type
        self._brand = brand
        self._namespace = namespace or brand
        self._window_s = window_s
        self._source = envelope.source_of(brand, event_type.name)
        self._decode, self._decode_lenient = _decoders_of(event_type.fields)
        self._strict = strict and event_type.has_schema
        self._plan = plan_of(
            event_type.fields,
            own_time=event_type.time,
            required=event_type.strict if self._strict else (),
            strict=self._strict,
        )
        time = event_type.time
        self._own_time = OwnTimeStep(time, strict=self._strict) if time else None
        self._spellings = Spellings(event_type)
        # The first value of an identity is an id, if it has any.
        self._has_further_ids = len(ids_of(event_type)) > 1
        self._has_nested = any(fact.nested is not None for fact in facts_of(event_type.fields))
        self._numbers = canonical.numbers_of(event_type.fields)

    def normalise(self, body: bytes, arrived_s: float, occurrence: str = "") -> Event:
        """Read one body.

        Args:
            body: The body as it arrived.
            arrived_s: When the body arrived, in seconds since 1970. An event that has no time of
                its own gets this time.
            occurrence: A name of the message that the body came in. It differs from the names of
                all other messages of the brand, and is the same whenever that message is delivered
                again. It is used only if `needs_occurrence` is true. Empty means that the message
                is not known: two messages with the same body are then the same event.

        Raises:
            Rejected: The body is `malformed` or `invalid`. The error says which field is wrong,
                what was expected, and what was found.
        """
        try:
            return self._read(body, arrived_s, occurrence)
        except UNREADABLE as error:
            raise unreadable(error, body) from error
        except Rejected as rejected:
            raise self._explained(as_sent(rejected, body)) from rejected

    def _explained(self, rejected: Rejected) -> Rejected:
        """Add which other field has the value that was refused, as `Rollback` is a status."""
        misfit = rejected.misfit
        if misfit is None or not misfit.found or misfit.note:
            return rejected
        value = misfit.found.strip('"')
        for fact in facts_of(self._type.fields):
            if value in fact.values and fact.name != misfit.field:
                note = f"{value} is a value of {fact.name}"
                return Rejected(rejected.reason, msgspec.structs.replace(misfit, note=note))
        return rejected

    def _read(self, body: bytes, arrived_s: float, occurrence: str) -> Event:
        fields, data, instant, oddities = self._normal_form(body)
        event_type = self._type
        values = event_type.identity(fields)
        if BODY in values:
            values = self._filled(values, data, occurrence)
        subject = event_type.subjects[event_type.subject_key(fields)]
        event_id = identity.write_id(values, event_type.id_suffixes)
        # Every event comes here, so this only asks whether an id may be shared.
        pointed = event_id if self._has_further_ids else values[0]
        has_point = "." in pointed and has_exponent(pointed)
        if has_point or "+" in event_id or not are_set(values):
            refuse_shared(event_type, fields, values)
        wrapped = envelope.Envelope(
            specversion="1.0",
            id=event_id,
            source=self._source,
            type=subject,
            subject=getattr(fields, event_type.user) if event_type.user else "",
            time=instant.text if instant else timestamp.from_epoch_s(arrived_s),
            datacontenttype="application/json",
            brand=self._brand,
            data=msgspec.Raw(_encode(data)),
        )
        decided = [self._decided(fields, name) for name in event_type.deciding]
        return Event(
            id=wrapped.id,
            identity=Identity(
                identity.key(self._namespace, event_type.name, values),
                identity.fingerprint(decided),
                self._window_s,
            ),
            subject=subject,
            body=envelope.write(wrapped),
            time_s=instant.epoch_s if instant else None,
            oddities=tuple(oddities[:ODDITIES_MAX_COUNT]),
        )

    def _normal_form(
        self, body: bytes
    ) -> tuple[Fields, Fields | dict[str, object], timestamp.Instant | None, list[Oddity]]:
        """Return the known fields, all fields, the event's own time, and what is odd."""
        if not body.isascii():
            # msgspec does not look into values that it only passes on, so it would not notice bytes
            # in them that are not UTF-8.
            _check_utf8(body)
        plain = not self._has_nested
        oddities: list[Oddity] = []
        try:
            fields = self._decode(body)
        except msgspec.ValidationError:
            fields, body = self._decode_again(body, oddities)
            plain = False
        apply(self._plan, fields, oddities)
        instant = self._set_time(fields, oddities)
        data = fields if plain else _whole(fields, _decode_object(body), "", oddities)
        if oddities and self._spellings.names and isinstance(data, dict):
            self._spellings.refuse(fields, data, oddities)
        return fields, data, instant, oddities

    def _decode_again(self, body: bytes, oddities: list[Oddity]) -> tuple[Fields, bytes]:
        """Decode a body with unknown fields, or with ids that are numbers with a point.

        Returns:
            The known fields, and the body that they were read from.
        """
        try:
            return self._decode_lenient(body), body
        except msgspec.ValidationError as error:
            if not may_be_repaired(str(error), body):
                raise
            struct = self._type.fields
            written = repaired(struct, body, oddities, strict=self._strict)
            if written is None:
                raise
            return self._decode_lenient(written), written

    def _filled(
        self, values: tuple[str, ...], data: Fields | dict[str, object], occurrence: str
    ) -> tuple[str, ...]:
        """Replace `BODY` and `OCCURRENCE` by the hashes that they stand for.

        If the occurrence is empty, `OCCURRENCE` is left out.
        """
        known = {BODY: canonical.digest_whole(self._type.fields, data)}
        if occurrence:
            known[OCCURRENCE] = canonical.digest(occurrence)
        filled = (known.get(value, value) for value in values)
        return tuple(value for value in filled if value != OCCURRENCE)

    def _decided(self, fields: Fields, name: str) -> str:
        """Write a deciding value so that equal numbers look alike: `12.30` is written as `12.3`."""
        value = getattr(fields, name)
        if value is None or value is UNSET:
            implied = self._type.implied.get(name)
            return implied(fields) if implied else ""
        if name not in self._numbers or "." not in value:
            return "0" if value == "-0" else str(value)
        # `canonical.number` would have the same effect, but costs ten times as much.
        trimmed = value.rstrip("0").rstrip(".")
        return "0" if trimmed == "-0" else str(trimmed)

    def _set_time(self, fields: Fields, oddities: list[Oddity]) -> timestamp.Instant | None:
        own = self._own_time
        text = getattr(fields, own.name) if own else None
        if own is None or not isinstance(text, str):
            return None
        instant = own.read(text, oddities)
        setattr(fields, own.name, instant.exact)
        return instant


def _check_utf8(body: bytes) -> None:
    """Read a body as UTF-8 in pieces: the text of a whole body may take four times its size.

    Raises:
        UnicodeDecodeError: The body is not UTF-8.
    """
    view, at = memoryview(body), 0
    while at < len(body):
        piece = view[at : at + UTF8_PIECE_BYTES]
        try:
            at += utf_8_decode(piece, "strict", at + len(piece) == len(body))[1]
        except UnicodeDecodeError as error:
            start, end = at + error.start, at + error.end
            raise UnicodeDecodeError(error.encoding, body, start, end, error.reason) from error


def _whole(
    struct: Fields | Nested, sent: Mapping[str, msgspec.Raw], path: str, oddities: list[Oddity]
) -> dict[str, object]:
    """Return the known fields in their normal form, then the unknown fields as they came.

    Args:
        struct: The event, or an object inside it.
        sent: The same object as it was sent.
        path: The path of the object with a dot behind it. Empty for the event itself.
        oddities: The list that gets an entry for each unknown field.
    """
    whole: dict[str, object] = {}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, Nested):
            value = _whole(value, _decode_object(sent[name]), f"{path}{name}.", oddities)
        elif isinstance(value, list) and value and isinstance(value[0], Nested):
            each = zip(value, _decode_list(sent[name]), strict=True)
            value = [
                _whole(nested, _decode_object(raw), f"{path}{name}[{index}].", oddities)
                for index, (nested, raw) in enumerate(each)
            ]
        if value is not UNSET:
            whole[name] = value
    for name, raw in sent.items():
        if name not in struct.__struct_fields__:
            whole[name] = raw
            oddities.append(Oddity("unknown_field", f"{path}{name}", ""))
    return whole
