"""Bytes in, one clean event out; or `Rejected` with the exact error.

Responsible for decoding a body of a known type, for the normal form of each field, and for the
CloudEvents envelope (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). Not
for what the fields mean: `base.py` and the families.

Limits: an id is at most 256 characters, a number at most 64 digits before and after the point,
nesting at most what Python's stack allows (about 900 levels).
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import UNSET

from consumer.errors import Reason, Rejected
from consumer.events import identity, timestamp
from consumer.events.base import EventType, Fields, Kind
from consumer.events.refuse import UNREADABLE, explain, invalid, malformed, refuse_broken_json
from consumer.options import annotated_extra
from consumer.stores.base import WINDOW_S, Identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

ID_MAX_CHARACTERS: Final = 256
NUMBER_MAX_DIGITS: Final = 64
_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_decode_raw: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Event(msgspec.Struct, frozen=True, gc=False):
    """A delivery that fits its type, in its normal form.

    Attributes:
        identity: for the store; its key is also the message id in the sink.
        subject: two tokens, without prefix.
        body: the CloudEvents object, JSON.
        time_s: the event's own time, seconds since 1970; None: it has none.
        oddities: what was accepted although it should not be sent: bounded names to count.
    """

    identity: Identity
    subject: str
    body: bytes
    time_s: float | None
    oddities: tuple[str, ...]


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
        window_s: how long an event's identity is remembered, in seconds.
    """

    def __init__(self, event_type: EventType, brand: str, *, window_s: float = WINDOW_S) -> None:
        self._type = event_type
        self._brand = brand
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
        self._known = frozenset(event_type.fields.__struct_fields__)
        self._steps = _steps(event_type.fields)

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
        unknown: dict[str, msgspec.Raw] = {}
        try:
            fields = self._decode(body)
        except msgspec.ValidationError:
            fields = self._decode_lenient(body)
            unknown = {k: v for k, v in _decode_raw(body).items() if k not in self._known}
        oddities: list[str] = ["unknown_field"] if unknown else []
        for step in self._steps:
            step.apply(fields, oddities)
        return self._wrap(fields, unknown, arrived_s, oddities)

    def _wrap(
        self,
        fields: Fields,
        unknown: dict[str, msgspec.Raw],
        arrived_s: float,
        oddities: list[str],
    ) -> Event:
        kind = self._type
        parts = kind.identity(fields)
        subject = kind.subject(fields)
        instant = self._set_time(fields, oddities)
        data = _encode(fields)
        if unknown:
            comma = b"," if len(data) > len(b"{}") else b""
            data = data[:-1] + comma + _encode(unknown)[1:]
        envelope = _Envelope(
            specversion="1.0",
            id=":".join(parts),
            source=self._source,
            type=subject,
            subject=getattr(fields, kind.user) if kind.user else None,
            time=instant.text if instant else timestamp.from_epoch_s(arrived_s),
            datacontenttype="application/json",
            brand=self._brand,
            data=msgspec.Raw(data),
        )
        deciding = tuple(_canonical(getattr(fields, name)) for name in kind.deciding)
        return Event(
            identity=Identity(
                identity.key(self._brand, kind.name, parts),
                identity.fingerprint(deciding),
                self._window_s,
            ),
            subject=subject,
            body=_encode(envelope),
            time_s=instant.epoch_s if instant else None,
            oddities=tuple(oddities),
        )

    def _set_time(self, fields: Fields, oddities: list[str]) -> timestamp.Instant | None:
        name = self._type.time
        text = getattr(fields, name) if name else None
        if name is None or not isinstance(text, str):
            return None
        try:
            instant = timestamp.parse(text)
        except ValueError as error:
            raise invalid(name, "a time such as 2015-03-02T08:27:58.10Z", text) from error
        setattr(fields, name, instant.exact)
        if instant.assumed_utc:
            oddities.append("no_zone")
        return instant


class _Step(msgspec.Struct, frozen=True):
    """Brings one field into its normal form, in place."""

    name: str
    kind: Kind
    values: dict[str, str]

    def apply(self, fields: Fields, oddities: list[str]) -> None:
        value = getattr(fields, self.name)
        if value is None or value is UNSET:
            return
        if self.kind is Kind.NUMBER:
            text = _plain(value)
            if text is None:
                raise invalid(self.name, "a number of at most 64 digits", value)
            setattr(fields, self.name, text)
        elif self.kind is Kind.ID:
            setattr(fields, self.name, _checked_id(self.name, value))
        elif self.kind is Kind.CHOICE:
            setattr(fields, self.name, self._choose(value))
        elif value.lower() not in self.values:
            oddities.append("unknown_value")

    def _choose(self, value: str) -> str:
        chosen = self.values.get(value.lower())
        if chosen is None:
            raise invalid(self.name, " or ".join(self.values.values()), value)
        return chosen


def _steps(fields: type[Fields]) -> tuple[_Step, ...]:
    hints = typing.get_type_hints(fields, include_extras=True)
    found = ((name, annotated_extra(hint)) for name, hint in hints.items())
    return tuple(
        _Step(name, extra["kind"], {value.lower(): value for value in extra.get("values", ())})
        for name, extra in found
        if extra and extra["kind"] is not Kind.TIME
    )


def _checked_id(name: str, value: str | int) -> str:
    text = str(value)
    if not 0 < len(text) <= ID_MAX_CHARACTERS:
        raise invalid(name, f"1 to {ID_MAX_CHARACTERS} characters", text)
    # isprintable() is quick and right for nearly all; it also refuses some harmless spaces.
    if not text.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):  # noqa: PLR2004  # C0, DEL and C1
        raise invalid(name, "no control characters", text)
    return text


def _plain(value: Decimal) -> str | None:
    """Write a number without exponent; None: not finite, or out of range.

    The range is checked on the exponent first: 1e999999999 would be a gigabyte of zeros.
    """
    text = str(value)
    if len(text) <= NUMBER_MAX_DIGITS and "E" not in text and "n" not in text.lower():
        return text
    if not value.is_finite() or abs(value.adjusted()) > NUMBER_MAX_DIGITS:
        return None
    text = format(value, "f")
    whole, _, fraction = text.lstrip("-").partition(".")
    return text if max(len(whole), len(fraction)) <= NUMBER_MAX_DIGITS else None


def _canonical(value: object) -> str:
    """Write a deciding value so that honest resends look alike: `12.3` as `12.30`."""
    if value is None or value is UNSET:
        return ""
    text = str(value)
    if "." in text and text.lstrip("-").replace(".", "", 1).isdecimal():
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
