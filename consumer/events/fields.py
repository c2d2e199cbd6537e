"""Brings the fields of a struct into their normal form, by steps prepared once for each type.

Responsible for a whole struct: which fields have to be there, which fields may be null, and what is
in lists and in objects. Not responsible for a single value (`steps.py`), or for decoding an event
and wrapping it (`normalise.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.base import Fields, Nested
from consumer.events.facts import Fact, Many, facts_of
from consumer.events.refuse import missing, null
from consumer.events.steps import Oddity, OwnTimeStep, Step, lenient_steps
from consumer.events.strict_steps import strict_steps


class Plan(msgspec.Struct, frozen=True):
    """How the fields of a struct are checked and brought into their normal form.

    Attributes:
        steps: The steps, one or more for each field that is checked or changed.
        present: The optional fields that have to be there all the same.
        never_null: The optional fields that may not be null, each with the words for the expected
            value.
    """

    steps: tuple[Step, ...]
    present: tuple[str, ...] = ()
    never_null: tuple[tuple[str, str], ...] = ()


def apply(plan: Plan, fields: Fields | Nested, oddities: list[Oddity]) -> None:
    """Bring the fields of a struct into their normal form, in place.

    Raises:
        Rejected: A value cannot be accepted.
    """
    if plan.present or plan.never_null:
        _check_presence(plan, fields)
    for step in plan.steps:
        value = getattr(fields, step.name)
        if value is None:
            if step.instead_of_null:
                raise null(step.name, step.instead_of_null)
        elif value is not UNSET:
            normal = step.normal(value, oddities)
            if normal is not value:
                setattr(fields, step.name, normal)


def _check_presence(plan: Plan, fields: Fields | Nested) -> None:
    for name in plan.present:
        if getattr(fields, name) is UNSET:
            raise missing(name)
    for name, expected in plan.never_null:
        if getattr(fields, name) is None:
            raise null(name, expected)


def plan_of(
    struct: type[Fields | Nested],
    *,
    own_time: str | None = None,
    required: tuple[str, ...] = (),
    strict: bool,
) -> Plan:
    """Prepare the plan of a struct.

    Args:
        struct: The struct.
        own_time: The field with the event's own time, which gets no step because it is read
            elsewhere. None means that there is no such field.
        required: The optional fields that have to be there all the same.
        strict: If true, what the vendor's own schema refuses is refused.
    """
    facts = facts_of(struct)
    steps = [
        step for fact in facts if fact.name != own_time for step in _steps(fact, strict=strict)
    ]
    never_null = [
        (fact.name, fact.expected)
        for fact in facts
        if strict and not (fact.required or fact.null_too or fact.page_only)
    ]
    return Plan(tuple(steps), required, tuple(never_null))


def time_plan(name: str, *, strict: bool) -> Plan:
    """Return the plan that checks an event's own time alone.

    `plan_of` leaves this field out. `consumer validate` checks each field by itself.
    """
    return Plan((OwnTimeStep(name, strict=strict),))


def _steps(fact: Fact, *, strict: bool) -> list[Step]:
    """Return the steps of a field. The list is empty if every value passes as it came."""
    strict = strict and not fact.page_only
    if fact.nested is not None:
        return [_NestedStep(fact.name, plan_of(fact.nested, strict=strict))]
    steps = strict_steps(fact) if strict else lenient_steps(fact)
    return [_ListStep(fact.name, step) for step in steps] if fact.many is Many.LIST else steps


class _ListStep(Step):
    """Applies a step to each value of a list."""

    def __init__(self, name: str, step: Step) -> None:
        super().__init__(name)
        self._step = step

    def normal(self, value: list[Any], oddities: list[Oddity]) -> list[object]:
        if self._step.keeps(value):
            return value
        normal: list[object] = []
        for index, element in enumerate(value):
            # The step names this path in errors and oddities.
            self._step.name = f"{self.name}[{index}]"
            normal.append(self._step.normal(element, oddities))
        return normal


class _NestedStep(Step):
    """Applies a plan to an object inside an event, or to each object of a list."""

    def __init__(self, name: str, plan: Plan) -> None:
        super().__init__(name)
        self._plan = plan

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
            apply(self._plan, nested, inner)
        except Rejected as error:
            misfit = error.misfit or Misfit("", error.detail, "")
            raise Rejected(Reason.INVALID, misfit.inside(path)) from error
        oddities += [Oddity(odd.name, f"{path}.{odd.field}", odd.found) for odd in inner]
