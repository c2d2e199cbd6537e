"""Bytes in, one clean event out; or `Rejected` with the exact error.

Responsible for decoding a body of a known type, and for the CloudEvents envelope
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). Not for what the fields
mean (`base.py` and the families), and not for the normal form of a single one (`fields.py`).

Limits: nesting at most what Python's stack allows (about 900 levels); `fields.py` has the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import UNSET

from consumer.errors import Reason, Rejected
from consumer.events import canonical, identity, timestamp
from consumer.events.base import BODY, EventType, Fields, Part
from consumer.events.fields import A_TIME, Oddity, apply, steps_of
from consumer.events.identity import WINDOW_S, Identity
from consumer.events.refuse import (
    UNREADABLE,
    explain,
    invalid,
    malformed,
    missing,
    refuse_broken_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Event(msgspec.Struct, frozen=True, gc=False):
    """A delivery that fits its type, in its normal form.

    Attributes:
        identity: for the store; its key is also the message id in the sink.
        subject: two tokens, without prefix.
        body: the CloudEvents object, JSON.
        time_s: the event's own time, seconds since 1970; None: it has none.
        oddities: what was accepted although it should not be sent.
    """

    identity: Identity
    subject: str
    body: bytes
    time_s: float | None
    oddities: tuple[Oddity, ...]


class _Envelope(msgspec.Struct, kw_only=True, omit_defaults=True):
    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str
    datacontenttype: Literal["application/json"]
    brand: str
    data: msgspec.Raw


class Normaliser:
    """Everything prepared once for one brand and one type.

    Args:
        event_type: what to read.
        brand: who sends.
        namespace: The name under which identities are remembered; the brand's where absent.
        strict: refuse what the vendor's own schema refuses.
        window_s: how long an event's identity is remembered, in seconds.
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
        self._type = event_type
        self._brand = brand
        self._namespace = namespace or brand
        self._window_s = window_s
        self._source = f"/{brand}/{event_type.name.lower()}"
        self._decode = msgspec.json.Decoder(event_type.fields).decode
        # The same fields without the refusal of unknown ones, for the second pass.
        lenient = msgspec.defstruct(
            f"Lenient{event_type.fields.__name__}",
            [],
            bases=(event_type.fields,),
            forbid_unknown_fields=False,
        )
        self._decode_lenient: Callable[[bytes], Any] = msgspec.json.Decoder(lenient).decode
        self._steps, self._has_parts = steps_of(event_type.fields, event_type.time, strict=strict)
        self._required = event_type.strict if strict else ()
        self._numbers = canonical.numbers_of(event_type.fields)

    def normalise(self, body: bytes, arrived_s: float) -> Event:
        """Read one body.

        Args:
            body: as it arrived.
            arrived_s: seconds since 1970, for an event without a time of its own.

        Raises:
            Rejected: `malformed` or `invalid`, with field, found and expected.
        """
        try:
            return self._read(body, arrived_s)
        except msgspec.ValidationError as error:
            # Raised at the first misfit: what follows it may still be no JSON at all.
            refuse_broken_json(body)
            raise Rejected(Reason.INVALID, explain(str(error), body)) from error
        except UNREADABLE as error:
            raise malformed(error) from error

    def _read(self, body: bytes, arrived_s: float) -> Event:
        if not body.isascii():
            # msgspec does not look into values that it only passes on.
            body.decode()
        plain = not self._has_parts
        try:
            fields = self._decode(body)
        except msgspec.ValidationError:
            fields = self._decode_lenient(body)
            plain = False
        oddities: list[Oddity] = []
        for name in self._required:
            if getattr(fields, name) in (None, UNSET):
                raise missing(name)
        apply(self._steps, fields, oddities)
        instant = self._set_time(fields, oddities)
        known = fields if plain else _whole(fields, _decode_object(body), "", oddities)
        return self._wrap(fields, known, instant, arrived_s, tuple(oddities))

    def _wrap(
        self,
        fields: Fields,
        data: Fields | dict[str, object],
        instant: timestamp.Instant | None,
        arrived_s: float,
        oddities: tuple[Oddity, ...],
    ) -> Event:
        kind = self._type
        parts = kind.identity(fields)
        if BODY in parts:
            whole = canonical.digest_whole(kind.fields, data)
            parts = tuple(whole if part == BODY else part for part in parts)
        subject = kind.subject(fields)
        envelope = _Envelope(
            specversion="1.0",
            id=identity.text(parts),
            source=self._source,
            type=subject,
            subject=getattr(fields, kind.user) if kind.user else None,
            time=instant.text if instant else timestamp.from_epoch_s(arrived_s),
            datacontenttype="application/json",
            brand=self._brand,
            data=msgspec.Raw(_encode(data)),
        )
        return Event(
            identity=Identity(
                identity.key(self._namespace, kind.name, parts),
                identity.fingerprint(tuple(self._decided(fields, name) for name in kind.deciding)),
                self._window_s,
            ),
            subject=subject,
            body=_encode(envelope),
            time_s=instant.epoch_s if instant else None,
            oddities=oddities,
        )

    def _decided(self, fields: Fields, name: str) -> str:
        """Write a deciding value so that honest resends look alike: `12.3` as `12.30`."""
        value = getattr(fields, name)
        if value is None or value is UNSET:
            return ""
        if name not in self._numbers or "." not in value:
            return "0" if value == "-0" else str(value)
        # `canonical.number` would do as well, at ten times the cost.
        trimmed = value.rstrip("0").rstrip(".")
        return "0" if trimmed == "-0" else str(trimmed)

    def _set_time(self, fields: Fields, oddities: list[Oddity]) -> timestamp.Instant | None:
        name = self._type.time
        text = getattr(fields, name) if name else None
        if name is None or not isinstance(text, str):
            return None
        try:
            instant = timestamp.parse(text)
        except ValueError as error:
            raise invalid(name, A_TIME, text) from error
        setattr(fields, name, instant.exact)
        if instant.assumed_utc:
            oddities.append(Oddity("no_zone", name, text))
        return instant


def _whole(
    part: Fields | Part, sent: Mapping[str, msgspec.Raw], path: str, oddities: list[Oddity]
) -> dict[str, object]:
    """Return the known fields in their normal form, then the unknown ones as they came.

    Args:
        part: the event, or an object inside it.
        sent: the same, as it was sent.
        path: of the object, with a dot behind it; empty: the event itself.
        oddities: gets one for each unknown field.
    """
    whole: dict[str, object] = {}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, Part):
            value = _whole(value, _decode_object(sent[name]), f"{path}{name}.", oddities)
        elif isinstance(value, list) and value and isinstance(value[0], Part):
            each = zip(value, _decode_list(sent[name]), strict=True)
            value = [
                _whole(one, _decode_object(raw), f"{path}{name}[{index}].", oddities)
                for index, (one, raw) in enumerate(each)
            ]
        if value is not UNSET:
            whole[name] = value
    for name, raw in sent.items():
        if name not in part.__struct_fields__:
            whole[name] = raw
            oddities.append(Oddity("unknown_field", f"{path}{name}", ""))
    return whole
