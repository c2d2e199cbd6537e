"""Checks single values as the vendor's schema does, for listeners with strict validation.

Responsible for the steps of `validation = "strict"`. The facts by which they check are stated where
each field is declared, and `facts.Fact` explains them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.base import Form, SentAs
from consumer.events.refuse import invalid, shown
from consumer.events.steps import (
    IdStep,
    NumberStep,
    Oddity,
    Step,
    TimeStep,
    WholeNumberStep,
    lenient_steps,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.events.facts import Fact

NUMBER_AS_TEXT: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def strict_steps(fact: Fact) -> list[Step]:
    """Return the steps that strict listeners apply to a single value of a field.

    The list is empty if every value passes as it came.
    """
    name = fact.name
    steps: list[Step] = []
    if fact.one_value:
        steps.append(_OneValue(name))
    if fact.not_empty and fact.form is not Form.ID:
        steps.append(_NotEmpty(name))
    if fact.form is Form.HINT and fact.schema_values:
        return [*steps, _Listed(name, fact.schema_values)]
    make = _MAKERS.get(fact.form)
    return [*steps, make(fact)] if make else [*steps, *lenient_steps(fact)]


class _StrictId(IdStep):
    """An id that also has the JSON type, the characters and the sign that the schema wants."""

    def __init__(self, fact: Fact) -> None:
        super().__init__(fact.name, may_be_empty=fact.may_be_empty and not fact.not_empty)
        self._fact = fact

    def normal(self, value: str | int, oddities: list[Oddity]) -> str:
        fact = self._fact
        if isinstance(value, int) and fact.sent_as is SentAs.TEXT:
            raise invalid(self.name, "text", value)
        if isinstance(value, str) and fact.sent_as is SentAs.NUMBER:
            # A number may always be written as text, which means the same and loses no digit.
            if not NUMBER_AS_TEXT.fullmatch(value):
                raise invalid(self.name, "number", value)
            value = super().normal(value, oddities)
        is_number = isinstance(value, int) or fact.sent_as is SentAs.NUMBER
        if is_number and fact.not_negative and str(value).startswith("-"):
            raise invalid(self.name, "0 or more", value)
        text = super().normal(value, oddities)
        if fact.only_digits and not (text.isascii() and text.isdigit()):
            raise invalid(self.name, "digits only", text)
        return text


class _Listed(Step):
    """A value from a list, in the vendor's own spelling."""

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        super().__init__(name)
        self._values = values

    def normal(self, value: str, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        if value not in self._values:
            raise invalid(self.name, " or ".join(self._values), value)
        return value


class _NotEmpty(Step):
    def normal(self, value: str, oddities: list[Oddity]) -> str:  # noqa: ARG002  # the contract
        if not value:
            raise invalid(self.name, "at least one character", value)
        return value


class _OneValue(Step):
    def normal(self, value: object, oddities: list[Oddity]) -> object:  # noqa: ARG002  # the contract
        if isinstance(value, list):
            found = shown(msgspec.json.encode(value))
            raise Rejected(Reason.INVALID, Misfit(self.name, "text", found))
        return value


_MAKERS: Final[dict[Form, Callable[[Fact], Step]]] = {
    Form.ID: _StrictId,
    Form.NUMBER: lambda fact: NumberStep(
        fact.name, not_negative=fact.not_negative, required=fact.required_alone
    ),
    Form.COUNT: lambda fact: WholeNumberStep(
        fact.name, not_negative=fact.not_negative, required=fact.required_alone
    ),
    Form.TIME: lambda fact: TimeStep(fact.name, must_be_read=True, strict=True),
    Form.CHOICE: lambda fact: _Listed(fact.name, fact.values),
}
"""Makes the step of each form that strict listeners read in another way than lenient listeners."""
