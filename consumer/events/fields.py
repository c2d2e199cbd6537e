"""The normal form of each field: an id as text, a number without exponent, a strict time.

Responsible for a single field of a struct, as steps that are prepared once for a type. Not
responsible for decoding an event and wrapping it: `normalise.py`.

Limits: an id has at most 256 characters, a number at most 64 digits before and after the point.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from consumer.errors import Misfit, Reason, Rejected
from consumer.events import timestamp
from consumer.events.base import Fields, Form, Nested
from consumer.events.facts import Fact, facts_of
from consumer.events.refuse import invalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

ID_MAX_CHARACTERS: Final = 256
NUMBER_MAX_DIGITS: Final = 64
A_TIME: Final = "a time such as 2015-03-02T08:27:58.10Z"


class Oddity(msgspec.Struct, frozen=True, gc=False):
    """Something that was accepted although it should not be sent like that.

    Attributes:
        name: What is odd; a label of a metric: `unknown_field`, `unknown_value`,
            `unreadable_time` or `no_zone`.
        field: The field's path, as in an error.
        found: The value as it was sent; empty for an unknown field.
    """

    name: str
    field: str
    found: str


class Step(ABC):
    """Knows the normal form of one field of a struct."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def normal(self, value: Any, oddities: list[Oddity]) -> object:  # noqa: ANN401  # each form has its own type
        """Return the normal form of a value that is there and not null.

        Raises:
            Rejected: The value cannot be accepted.
        """


def apply(steps: tuple[Step, ...], fields: Fields | Nested, oddities: list[Oddity]) -> None:
    """Bring the fields of a struct into their normal form, in place.

    Raises:
        Rejected: A value cannot be accepted.
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


class _WholeNumber(Step):
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


class _NotEmpty(Step):
    def normal(self, value: str, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        if not value:
            raise invalid(self.name, "at least one character", value)
        return value


class _Nested(Step):
    """An object inside an event, or a list of them."""

    def __init__(self, name: str, steps: tuple[Step, ...]) -> None:
        super().__init__(name)
        self._steps = steps

    def normal(self, value: Nested | list[Nested], oddities: list[Oddity]) -> object:
        if isinstance(value, Nested):
            self._apply(value, self.name, oddities)
        else:
            for index, nested in enumerate(value):
                self._apply(nested, f"{self.name}[{index}]", oddities)
        return value

    def _apply(self, nested: Nested, path: str, oddities: list[Oddity]) -> None:
        inner: list[Oddity] = []
        try:
            apply(self._steps, nested, inner)
        except Rejected as error:
            misfit = error.misfit or Misfit("", error.detail, "")
            raise Rejected(Reason.INVALID, misfit.inside(path)) from error
        oddities += [Oddity(odd.name, f"{path}.{odd.field}", odd.found) for odd in inner]


def steps_of(struct: type[Fields | Nested], time: str | None, *, strict: bool) -> tuple[Step, ...]:
    """Prepare the steps of a struct.

    Args:
        struct: The struct.
        time: The field that is read elsewhere, as the event's own time.
        strict: Refuse what the vendor's own schema refuses.
    """
    steps: list[Step] = []
    for fact in facts_of(struct):
        if fact.nested is not None:
            steps.append(_Nested(fact.name, steps_of(fact.nested, None, strict=strict)))
        elif fact.name != time:
            steps += _step(fact, strict=strict)
    return tuple(steps)


def _step(fact: Fact, *, strict: bool) -> list[Step]:
    """Return the step of a field, if its form needs one."""
    name = fact.name
    makers: dict[Form, Callable[[], Step]] = {
        Form.ID: lambda: _Id(name, may_be_empty=fact.may_be_empty),
        Form.NUMBER: lambda: _Number(name, not_negative=strict and fact.not_negative),
        Form.COUNT: lambda: _WholeNumber(name),
        Form.TIME: lambda: _Time(name, strict=strict),
        Form.CHOICE: lambda: _Choice(name, fact.values, decides=True),
        Form.HINT: lambda: _Choice(name, fact.values, decides=False),
    }
    if strict and fact.not_empty:
        makers[Form.TEXT] = lambda: _NotEmpty(name)
    make = makers.get(fact.form)
    return [make()] if make else []


def _plain(value: Decimal) -> str | None:
    """Write a number without exponent; None: it is not finite, or out of range.

    The range is checked on the exponent first, because 1e999999999 would be a gigabyte of zeros.
    """
    text = str(value)
    if len(text) <= NUMBER_MAX_DIGITS and "E" not in text and "n" not in text.lower():
        return text
    if not value.is_finite() or abs(value.adjusted()) > NUMBER_MAX_DIGITS:
        return None
    text = format(value, "f")
    whole, _, fraction = text.lstrip("-").partition(".")
    return text if max(len(whole), len(fraction)) <= NUMBER_MAX_DIGITS else None
