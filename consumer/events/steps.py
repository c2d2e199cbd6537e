"""The normal form of a single value: an id as text, a number without exponent, a strict time.

Responsible for the steps, one for each form of field, that check a value and bring it into its
normal form. Not responsible for what only strict listeners check (`strict_steps.py`), or for the
fields of a whole struct (`fields.py`).

Limits: an id has at most 256 characters, a number at most 128 digits before and after the point.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.errors import Misfit, Reason, Rejected
from consumer.events import timestamp
from consumer.events.base import NUMBER_MAX_DIGITS, Form
from consumer.events.refuse import invalid, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.events.facts import Fact

ID_MAX_CHARACTERS: Final = 256
A_NUMBER: Final = "number"
_USUAL_NUMBER: Final = re.compile(
    rf"(?:0|[1-9][0-9]{{0,{NUMBER_MAX_DIGITS - 1}}})(?:\.[0-9]{{1,{NUMBER_MAX_DIGITS}}})?"
)
"""A number that is in its normal form already."""
_ANY_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,18})?")
"""A JSON number, or a text that has only one meaning as a number."""
_UNQUESTIONED_NUMBER: Final = 10**9
"""Whole numbers from 0 to below this number pass all checks, so they need not be checked singly."""
A_TIME: Final = "a time such as 2015-03-02T08:27:58.10Z"
A_REAL_TIME: Final = "a time from 1970-01-02 on (was the field forgotten?)"
"""What an event's own time has to be. Go, .NET and PHP write years such as 1 and 1970 for a time
that was not set. As part of an identity, such a time would make every event a duplicate."""


class Oddity(msgspec.Struct, frozen=True, gc=False):
    """Something that was accepted although it should not be sent like that.

    Attributes:
        name: The kind of oddity, which is a label of a metric: `unknown_field`, `unknown_value`,
            `unreadable_time`, `unusual_time`, `no_zone`, `fraction`, `space_around_value`, one of
            `repair.py`, or an oddity of the message around the event (`pipeline/plain_body.py` and
            `decode.py`).
        field: The field's path, as in an error.
        found: The value as it was sent. Empty for an unknown field.
    """

    name: str
    field: str
    found: str


class Step(ABC):
    """Brings a value of one field into its normal form.

    Args:
        name: The field's name, or its path, for errors and oddities.

    Attributes:
        instead_of_null: What the field accepts, in words, if null is refused. If it is empty, null
            passes as it came.
    """

    instead_of_null: str = ""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def normal(self, value: Any, oddities: list[Oddity]) -> object:  # noqa: ANN401  # each form has its own type
        """Return the normal form of a value that is there and not null.

        Raises:
            Rejected: The value cannot be accepted.
        """

    def keeps(self, values: list[Any]) -> bool:  # noqa: ARG002  # subclasses use it
        """Return true if all these values are certainly in their normal form.

        That is cheaper than a call of `normal` for each value. False means that `normal` has to
        be called.
        """
        return False


def lenient_steps(fact: Fact) -> list[Step]:
    """Return the steps that lenient listeners apply to a single value of a field.

    The list is empty if every value passes as it came.
    """
    make = _MAKERS.get(fact.form)
    return [make(fact)] if make else []


class IdStep(Step):
    """An id as text."""

    def __init__(self, name: str, *, may_be_empty: bool) -> None:
        super().__init__(name)
        self._least = 0 if may_be_empty else 1

    def normal(self, value: str | int, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        """See `Step.normal`."""
        text = value if isinstance(value, str) else str(value)
        if not self._least <= len(text) <= ID_MAX_CHARACTERS:
            raise invalid(self.name, f"{self._least} to {ID_MAX_CHARACTERS} characters", text)
        # isprintable() is quick, and true for nearly all ids. It is false for some harmless spaces
        # too, so the second check decides.
        if not text.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):  # noqa: PLR2004  # C0, DEL and C1
            raise invalid(self.name, "no control characters", text)
        return text


class NumberStep(Step):
    """A number without exponent, as text.

    Args:
        name: The field's name.
        not_negative: If true, a number below 0 is refused.
        required: If true, null is refused.
    """

    def __init__(self, name: str, *, not_negative: bool, required: bool = False) -> None:
        super().__init__(name)
        self._not_negative = not_negative
        if required:
            self.instead_of_null = A_NUMBER

    def normal(self, value: object, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        """See `Step.normal`."""
        if type(value) is str and _USUAL_NUMBER.fullmatch(value):
            return value
        return _number(self.name, value, not_negative=self._not_negative)


class WholeNumberStep(Step):
    """A whole number, as a JSON number. The arguments are those of `NumberStep`."""

    def __init__(self, name: str, *, not_negative: bool, required: bool = False) -> None:
        super().__init__(name)
        self._not_negative = not_negative
        if required:
            self.instead_of_null = A_NUMBER

    def normal(self, value: object, oddities: list[Oddity]) -> int | msgspec.Raw:
        """See `Step.normal`."""
        text = _number(self.name, value, not_negative=self._not_negative)
        whole, _, fraction = text.partition(".")
        if not fraction.strip("0"):
            return int(whole)
        # No page knows a count with a fraction, but the vendor's schemas accept it.
        oddities.append(Oddity("fraction", self.name, text))
        return msgspec.Raw(text.encode())

    def keeps(self, values: list[Any]) -> bool:
        """See `Step.keeps`."""
        return (
            {*map(type, values)} == {int}
            and min(values) >= 0
            and max(values) < _UNQUESTIONED_NUMBER
        )


class ChoiceStep(Step):
    """A value from a list, which decides the identity or the subject."""

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        super().__init__(name)
        self._values = {value.lower(): value for value in values}

    def normal(self, value: str, oddities: list[Oddity]) -> str:
        """See `Step.normal`."""
        chosen = self._values.get(value.lower())
        if chosen is None:
            # Databases fill a column of the type CHAR(10) with spaces.
            chosen = self._values.get(value.strip(" ").lower())
            if chosen is None:
                raise invalid(self.name, " or ".join(self._values.values()), value)
            oddities.append(Oddity("space_around_value", self.name, value))
        return chosen


class HintStep(Step):
    """A value from a list, which decides nothing."""

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        super().__init__(name)
        self._values = frozenset(value.lower() for value in values)

    def normal(self, value: str, oddities: list[Oddity]) -> str:
        """See `Step.normal`."""
        if value.lower() not in self._values:
            oddities.append(Oddity("unknown_value", self.name, value))
        return value


class TimeStep(Step):
    """A time.

    Args:
        name: The field's name.
        must_be_read: If true, text that cannot be read as a time is refused.
        strict: If true, only a time that the vendor's own validator can read counts as readable.
    """

    def __init__(self, name: str, *, must_be_read: bool, strict: bool) -> None:
        super().__init__(name)
        self._must_be_read = must_be_read
        self._strict = strict

    def normal(self, value: str, oddities: list[Oddity]) -> str:
        """See `Step.normal`."""
        try:
            instant = timestamp.parse(value, strict=self._strict)
        except ValueError as error:
            if self._must_be_read:
                raise invalid(self.name, A_TIME, value) from error
            oddities.append(Oddity("unreadable_time", self.name, value))
            return value
        _note_form(self.name, value, instant, oddities)
        return instant.exact


class OwnTimeStep(Step):
    """The event's own time, which has to be readable and set.

    Args:
        name: The field's name.
        strict: If true, only a time that the vendor's own validator can read counts as readable.
    """

    def __init__(self, name: str, *, strict: bool) -> None:
        super().__init__(name)
        self._strict = strict

    def read(self, value: str, oddities: list[Oddity]) -> timestamp.Instant:
        """Return the time, and note what is odd about its form.

        Raises:
            Rejected: The text is not a time, or the time was never set.
        """
        try:
            instant = timestamp.parse(value, strict=self._strict)
        except ValueError as error:
            raise invalid(self.name, A_TIME, value) from error
        if instant.epoch_s < timestamp.FIRST_S:
            raise invalid(self.name, A_REAL_TIME, value)
        _note_form(self.name, value, instant, oddities)
        return instant

    def normal(self, value: str, oddities: list[Oddity]) -> str:
        """See `Step.normal`."""
        return self.read(value, oddities).exact


def _note_form(name: str, text: str, instant: timestamp.Instant, oddities: list[Oddity]) -> None:
    """Note what is odd about the form of a time."""
    if instant.assumed_utc:
        oddities.append(Oddity("no_zone", name, text))
    if instant.unusual:
        oddities.append(Oddity("unusual_time", name, text))


def _number(name: str, value: object, *, not_negative: bool) -> str:
    """Write a number without an exponent.

    Raises:
        Rejected: The value is not a number, is out of range, or is refused because it is below 0.
    """
    if type(value) is int:
        text = str(value)
    elif isinstance(value, str) and _ANY_NUMBER.fullmatch(value):
        text = value
    else:
        raise Rejected(Reason.INVALID, Misfit(name, A_NUMBER, shown(msgspec.json.encode(value))))
    plain = text if _USUAL_NUMBER.fullmatch(text) else _plain(Decimal(text))
    if plain is None:
        raise invalid(name, f"a number of at most {NUMBER_MAX_DIGITS} digits", Decimal(text))
    if plain[0] != "-":
        return plain
    # A subtraction of floats may give -0. It means 0, and in text it would be another value.
    if not plain.strip("-0."):
        return plain[1:]
    if not_negative:
        raise invalid(name, "0 or more", Decimal(text))
    return plain


def _plain(value: Decimal) -> str | None:
    """Write a number without an exponent; return None if it is out of range.

    The range is checked on the exponent first, because 1e999999999 would be a gigabyte of zeros.
    """
    if abs(value.adjusted()) > NUMBER_MAX_DIGITS:
        return None
    text = format(value, "f")
    whole, _, fraction = text.lstrip("-").partition(".")
    return text if max(len(whole), len(fraction)) <= NUMBER_MAX_DIGITS else None


_MAKERS: Final[dict[Form, Callable[[Fact], Step]]] = {
    Form.ID: lambda fact: IdStep(fact.name, may_be_empty=fact.may_be_empty),
    Form.NUMBER: lambda fact: NumberStep(
        fact.name, not_negative=False, required=fact.required_alone
    ),
    Form.COUNT: lambda fact: WholeNumberStep(
        fact.name, not_negative=False, required=fact.required_alone
    ),
    Form.TIME: lambda fact: TimeStep(fact.name, must_be_read=False, strict=False),
    Form.CHOICE: lambda fact: ChoiceStep(fact.name, fact.values),
    Form.HINT: lambda fact: HintStep(fact.name, fact.values),
}
"""Makes the step of each form that has one. The values of the other forms pass as they came."""
