"""The normal form of each kind of field, as steps that are prepared once for a type.

Responsible for a single field: an id as text, a number without exponent, an enumeration in the
vendor's spelling, a strict time. Not for decoding and wrapping: `normalise.py`.

Limits: an id is at most 256 characters, a number at most 64 digits before and after the point.
"""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from consumer.errors import Misfit, Reason, Rejected
from consumer.events import timestamp
from consumer.events.base import Fields, Kind, Part
from consumer.events.refuse import invalid
from consumer.options.values import annotated_extra

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

ID_MAX_CHARACTERS: Final = 256
NUMBER_MAX_DIGITS: Final = 64
A_TIME: Final = "a time such as 2015-03-02T08:27:58.10Z"


class Oddity(msgspec.Struct, frozen=True, gc=False):
    """Something that was accepted although it should not be sent like that.

    Attributes:
        name: `unknown_field`, `unknown_value`, `unreadable_time` or `no_zone`: a metric label.
        field: its path, as in an error.
        found: the value as it was sent; empty for an unknown field.
    """

    name: str
    field: str
    found: str


class Step(ABC):
    """Knows the normal form of one field of a struct."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def normal(self, value: Any, oddities: list[Oddity]) -> object:  # noqa: ANN401  # each kind has its own type
        """Return the normal form of a value that is there and not null.

        Raises:
            Rejected: it cannot be accepted.
        """


def apply(steps: tuple[Step, ...], fields: Fields | Part, oddities: list[Oddity]) -> None:
    """Bring the fields of a struct into their normal form, in place.

    Raises:
        Rejected: a value cannot be accepted.
    """
    for step in steps:
        value = getattr(fields, step.name)
        if value is not None and value is not UNSET:
            normal = step.normal(value, oddities)
            if normal is not value:
                setattr(fields, step.name, normal)


class _Id(Step):
    def __init__(self, name: str, *, may_be_empty: bool) -> None:
        super().__init__(name)
        self._least = 0 if may_be_empty else 1

    def normal(self, value: str | int, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        text = value if isinstance(value, str) else str(value)
        if not self._least <= len(text) <= ID_MAX_CHARACTERS:
            raise invalid(self.name, f"{self._least} to {ID_MAX_CHARACTERS} characters", text)
        # isprintable() is quick and right for nearly all; it also refuses some harmless spaces.
        if not text.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):  # noqa: PLR2004  # C0, DEL and C1
            raise invalid(self.name, "no control characters", text)
        return text


class _Number(Step):
    def __init__(self, name: str, *, not_negative: bool) -> None:
        super().__init__(name)
        self._not_negative = not_negative

    def normal(self, value: Decimal, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        text = _plain(value)
        if text is None:
            raise invalid(self.name, f"a number of at most {NUMBER_MAX_DIGITS} digits", value)
        if self._not_negative and value < 0:
            raise invalid(self.name, "0 or more", value)
        return text


class _Count(Step):
    def normal(self, value: Decimal, oddities: list[Oddity]) -> int:  # noqa: ARG002  # the contract
        text = _plain(value)
        whole, _, fraction = (text or ".x").partition(".")
        if fraction.strip("0"):
            raise invalid(self.name, f"a whole number of at most {NUMBER_MAX_DIGITS} digits", value)
        return int(whole)


class _Choice(Step):
    def __init__(self, name: str, values: tuple[str, ...], *, decides: bool) -> None:
        super().__init__(name)
        self._values = {value.lower(): value for value in values}
        self._decides = decides

    def normal(self, value: str, oddities: list[Oddity]) -> str:
        chosen = self._values.get(value.lower())
        if not self._decides:
            if chosen is None:
                oddities.append(Oddity("unknown_value", self.name, value))
            return value
        if chosen is None:
            raise invalid(self.name, " or ".join(self._values.values()), value)
        return chosen


class _Time(Step):
    def __init__(self, name: str, *, strict: bool) -> None:
        super().__init__(name)
        self._strict = strict

    def normal(self, value: str, oddities: list[Oddity]) -> str:
        try:
            instant = timestamp.parse(value)
        except ValueError as error:
            if self._strict:
                raise invalid(self.name, A_TIME, value) from error
            oddities.append(Oddity("unreadable_time", self.name, value))
            return value
        if instant.assumed_utc:
            oddities.append(Oddity("no_zone", self.name, value))
        return instant.exact


class _Name(Step):
    def normal(self, value: str, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        if not value:
            raise invalid(self.name, "at least one character", value)
        return value


class _Parts(Step):
    """An object inside an event, or a list of them."""

    def __init__(self, name: str, steps: tuple[Step, ...]) -> None:
        super().__init__(name)
        self._steps = steps

    def normal(self, value: Part | list[Part], oddities: list[Oddity]) -> object:
        if isinstance(value, Part):
            self._apply(value, self.name, oddities)
        else:
            for index, part in enumerate(value):
                self._apply(part, f"{self.name}[{index}]", oddities)
        return value

    def _apply(self, part: Part, path: str, oddities: list[Oddity]) -> None:
        inner: list[Oddity] = []
        try:
            apply(self._steps, part, inner)
        except Rejected as error:
            misfit = error.misfit or Misfit("", error.detail, "")
            raise Rejected(Reason.INVALID, misfit.inside(path)) from error
        oddities += [Oddity(one.name, f"{path}.{one.field}", one.found) for one in inner]


def steps_of(
    kind: type[Fields | Part], time: str | None, *, strict: bool
) -> tuple[tuple[Step, ...], bool]:
    """Prepare the steps of a struct.

    Args:
        kind: the struct.
        time: the field that is read elsewhere, as the event's own time.
        strict: refuse what the vendor's own schema refuses.

    Returns:
        The steps, and whether there are objects inside.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    steps: list[Step] = []
    has_parts = False
    for name, hint in hints.items():
        part = part_of(hint)
        if part is not None:
            has_parts = True
            steps.append(_Parts(name, steps_of(part, None, strict=strict)[0]))
        elif name != time:
            steps += _step(name, annotated_extra(hint), strict=strict)
    return tuple(steps), has_parts


def part_of(hint: Any) -> type[Part] | None:  # noqa: ANN401  # type hints have any shape
    """Return the struct of the objects that a field holds, alone or in a list; None: none."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return hint
    parts = map(part_of, typing.get_args(hint))
    return next((part for part in parts if part is not None), None)


def _step(name: str, facts: dict[str, Any], *, strict: bool) -> list[Step]:
    """Return the step of a field, if its kind needs one."""
    makers: dict[Kind, Callable[[], Step]] = {
        Kind.ID: lambda: _Id(name, may_be_empty=facts.get("may_be_empty", False)),
        Kind.NUMBER: lambda: _Number(name, not_negative=strict and "not_negative" in facts),
        Kind.COUNT: lambda: _Count(name),
        Kind.TIME: lambda: _Time(name, strict=strict),
        Kind.CHOICE: lambda: _Choice(name, facts["values"], decides=True),
        Kind.HINT: lambda: _Choice(name, facts["values"], decides=False),
    }
    if strict:
        makers[Kind.NAME] = lambda: _Name(name)
    make = makers.get(facts["kind"]) if facts else None
    return [make()] if make else []


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
