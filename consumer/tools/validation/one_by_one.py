"""Looks at each field of an event on its own, to find all misfits of the event, not only the first.

Only `verdict.py` and the answers of the HTTP port use this module. A listener stops at the first
misfit, because that is enough for a dead letter and takes a tenth of the time. The words of both
are the same, because each field is decoded by a struct that has no other field, and brought into
its normal form by the same steps.
"""

from __future__ import annotations

import difflib
import typing
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import NODEFAULT

from consumer.errors import Misfit, Rejected
from consumer.events.base import decoder_of
from consumer.events.facts import Fact, Many, facts_of
from consumer.events.fields import Plan, apply, plan_of, time_plan
from consumer.events.refuse import as_sent, explain, invalid, shown
from consumer.events.repair import list_of, repaired
from consumer.events.steps import A_TIME, Oddity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.events.base import EventType, Fields, Nested

MISSING_ALIKE_RATIO: Final = 0.5
"""How alike an unknown field and a required field that is missing have to be, so that the required
field is suggested. It was found by trying: `tipo` is near enough to `type`."""
ABSENT_ALIKE_RATIO: Final = 0.75
"""The same for an optional field that is absent. An optional field may be absent for good reasons,
so the likeness has to be greater."""

_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Faults(msgspec.Struct):
    """What is wrong with an event, and what is odd about it.

    Attributes:
        misfits: The misfits. Each of them makes the event a dead letter.
        oddities: The oddities, each with its name. An event with oddities passes.
    """

    misfits: list[Misfit] = []
    oddities: list[tuple[str, Misfit]] = []

    def inside(self, path: str) -> Faults:
        """Return the same faults with the path of the object that they are in."""
        return Faults(
            [misfit.inside(path) for misfit in self.misfits],
            [(name, misfit.inside(path)) for name, misfit in self.oddities],
        )

    def add(self, other: Faults) -> None:
        """Add other faults to these faults."""
        self.misfits += other.misfits
        self.oddities += other.oddities


class OneByOne:
    """Looks at the events of one type.

    Args:
        event_type: The type of all events.
        strict: If true, what the vendor's own schema refuses is refused too.
    """

    def __init__(self, event_type: EventType, *, strict: bool = False) -> None:
        strict = strict and event_type.has_schema
        required = event_type.strict if strict else ()
        self._fields = _fields_of(event_type.fields, event_type.time, required, strict=strict)

    def look(self, body: bytes) -> Faults:
        """Return all faults of an event whose body is JSON."""
        return _look(self._fields, body, None)

    def first_misfits(self, body: bytes, max_count: int) -> list[Misfit]:
        """Return the first misfits of an event whose body is JSON, for a sender that waits.

        Unknown fields are not looked at: to find what each of a thousand probably means takes half
        a second. Nor is the rest of a long list of objects when enough was found.
        """
        return _look(self._fields, body, max_count).misfits[:max_count]


class _Field:
    """Looks at one field of an object.

    Args:
        fact: What the catalogue states about the field.
        alone: A struct that has this field only.
        plan: The steps of that struct.
        strict: If true, what the vendor's own schema refuses is refused too.
    """

    def __init__(self, fact: Fact, alone: type[Fields], plan: Plan, *, strict: bool) -> None:
        self.name = fact.name
        self.must_be_there = fact.required or fact.name in plan.present
        self.nested: Mapping[str, _Field] = {}
        self._alone = alone
        self._decode = decoder_of(alone)
        self._plan = plan
        self._strict = strict
        self._values = fact.values
        self._is_list = fact.many is Many.LIST

    def look(self, body: bytes, sent: msgspec.Raw | None, max_count: int | None) -> Faults:
        """Return the faults of this field in an object.

        Args:
            body: The object.
            sent: The field's value in the object. None means that the field is absent.
            max_count: See `_look`.
        """
        found = Faults()
        oddities: list[Oddity] = []
        try:
            apply(self._plan, self._read(body, oddities), oddities)
        except msgspec.ValidationError as error:
            found.misfits = [explain(str(error), body)]
        except Rejected as rejected:
            misfit = as_sent(rejected, body).misfit
            found.misfits = [misfit] if misfit else []
        found.oddities = [(odd.name, expected_of(odd, self._values)) for odd in oddities]
        if self.nested and sent and not any(fault.field == self.name for fault in found.misfits):
            inside = self._look_inside(bytes(sent).strip(), max_count)
            own = [odd for odd in found.oddities if odd[1].field == self.name]
            return Faults(inside.misfits, [*own, *inside.oddities])
        return found

    def _read(self, body: bytes, oddities: list[Oddity]) -> Fields:
        try:
            return self._decode(body)
        except msgspec.ValidationError:
            written = repaired(self._alone, body, oddities, strict=self._strict)
            if written is None:
                raise
            return self._decode(written)

    def _look_inside(self, sent: bytes, max_count: int | None) -> Faults:
        """Return the faults of each object in this field."""
        found = Faults()
        if sent.startswith(b"{") and not self._is_list:
            found.add(_look(self.nested, sent, max_count).inside(self.name))
        elif sent.startswith((b"[", b"{")):
            elements = (
                _decode_list(sent) if sent.startswith(b"[") else list_of(sent, nested=True) or []
            )
            for index, element in enumerate(elements):
                faults = _look(self.nested, bytes(element), max_count)
                found.add(faults.inside(f"{self.name}[{index}]"))
                if max_count is not None and len(found.misfits) >= max_count:
                    break
        return found


def expected_of(odd: Oddity, values: tuple[str, ...] = ()) -> Misfit:
    """Return an oddity with what was expected, in words.

    Args:
        odd: The oddity.
        values: The values that the field may have. Empty if they are not known.
    """
    expected = {
        "unknown_field": "a known field",
        "unknown_value": " or ".join(values) or "a listed value",
        "unreadable_time": A_TIME,
        "no_zone": "a zone such as Z (taken as UTC)",
        "fraction": "a whole number",
        "space_around_value": "no space around it (read all the same)",
        "number_with_point": "text, or a number without point",
        "unusual_time": "the form of RFC 3339 (read all the same)",
        "other_flag": "true or false (read all the same)",
        "empty_list": "an object (read as {})",
        "numbered_list": "a list (read as such)",
    }
    misfit = invalid(odd.field, expected.get(odd.name, ""), odd.found).misfit
    return misfit or Misfit(odd.field, "", odd.found)


@cache
def _fields_of(
    struct: type[Fields | Nested], time: str | None, required: tuple[str, ...], *, strict: bool
) -> Mapping[str, _Field]:
    # Kept for the next file: to make them takes as long as to look at thirty events.
    hints = typing.get_type_hints(struct, include_extras=True)
    fields: dict[str, _Field] = {}
    for fact, declared in zip(facts_of(struct), msgspec.structs.fields(struct), strict=True):
        default = () if declared.default is NODEFAULT else (declared.default,)
        alone: type[Any] = msgspec.defstruct("Alone", [(fact.name, hints[fact.name], *default)])
        needed = tuple({fact.name} & {*required})
        plan = plan_of(alone, required=needed, strict=strict)
        if fact.name == time:
            plan = time_plan(time, strict=strict)
        fields[fact.name] = _Field(fact, alone, plan, strict=strict)
        if fact.nested is not None:
            inside = strict and not fact.page_only
            fields[fact.name].nested = _fields_of(fact.nested, None, (), strict=inside)
    return fields


def _look(fields: Mapping[str, _Field], body: bytes, max_count: int | None) -> Faults:
    """Return the faults of one object: the event, or an object inside it.

    Args:
        fields: The fields that the object may have.
        body: The object.
        max_count: After so many misfits no further element of a list is looked at, and no unknown
            field. None means that all faults are found.
    """
    try:
        sent = _decode_object(body)
    except msgspec.ValidationError as error:
        return Faults([explain(str(error), body)])
    found = Faults()
    for name, field in fields.items():
        found.add(field.look(body, sent.get(name), max_count))
    if max_count is not None:
        return found
    absent = [field for name, field in fields.items() if name not in sent]
    for name, raw in sent.items():
        if name not in fields:
            near = _near(name, absent)
            meant = f" (did you mean {near}?)" if near else ""
            misfit = Misfit(name, f"a known field{meant}", shown(bytes(raw)))
            found.oddities.append(("unknown_field", misfit))
    return found


def _near(name: str, absent: list[_Field]) -> str:
    """Return the absent field that an unknown name probably means; empty if no field is near."""
    for field in absent:
        if _plain(field.name) == _plain(name):  # `roundId` is `round_id`
            return field.name
    near = {
        field.name: _likeness_ratio(name, field.name)
        for field in absent
        if _likeness_ratio(name, field.name)
        >= (MISSING_ALIKE_RATIO if field.must_be_there else ABSENT_ALIKE_RATIO)
    }
    return max(near, key=near.__getitem__, default="")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _likeness_ratio(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, name.lower(), other).ratio()
