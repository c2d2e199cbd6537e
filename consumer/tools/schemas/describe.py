"""What the catalogue says about each field in words, for schemas and pages.

Responsible for the meaning and the examples of each field. They are read from the struct, and are
joined with the facts that `events/facts.py` reads. Not responsible for the JSON Schema of each form
of field (`events.base.Form`): `fields.py`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from consumer.events.base import Fields, Nested
from consumer.events.facts import Fact, facts_of, metas

if TYPE_CHECKING:
    from consumer.events.base import EventType


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One field, with its facts and its words.

    Attributes:
        fact: What the struct states about the field.
        meaning: The meaning of the field, in one or two sentences. It is never empty.
        examples: Values as a brand would send them.
    """

    fact: Fact
    meaning: str
    examples: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The field's name, as it is sent and as it is put out."""
        return self.fact.name


@cache
def describe(struct: type[Fields | Nested]) -> tuple[Described, ...]:
    """Return the fields of a struct, in its order."""
    hints = typing.get_type_hints(struct, include_extras=True)
    meanings = _literals(struct)
    return tuple(
        _described(fact, hints[fact.name], meanings.get(fact.name, "")) for fact in facts_of(struct)
    )


def summary(struct: type[Fields | Nested]) -> str:
    """Return the first paragraph of a struct's docstring, as one line."""
    return " ".join(inspect.cleandoc(struct.__doc__ or "").partition("\n\n")[0].split())


def families(event_type: EventType) -> tuple[str, ...]:
    """Return the first tokens of a type's subjects, sorted."""
    return tuple(sorted({subject.partition(".")[0] for subject in subjects(event_type)}))


def subjects(event_type: EventType) -> tuple[str, ...]:
    """Return the subjects of a type, each once, in the order in which the type states them."""
    return tuple(dict.fromkeys(event_type.subjects.values()))


def _described(fact: Fact, hint: Any, literal: str) -> Described:  # noqa: ANN401  # type hints have any shape
    stated = metas(hint)
    said = [meta.description for meta in stated if meta.description]
    examples = [meta.examples for meta in stated if meta.examples]
    return Described(
        fact=fact,
        meaning=literal or (said[-1] if said else ""),
        examples=tuple(examples[-1]) if examples else (),
    )


def _literals(struct: type[Fields | Nested]) -> dict[str, str]:
    """Read the text under each field from the source code, because Python does not keep it."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__[:-1]):
        if base in (Fields, Nested) or not issubclass(base, (Fields, Nested)):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        for field, text in pairwise(typing.cast("ast.ClassDef", tree.body[0]).body):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str() as said)),
                ):
                    found[name] = " ".join(said.split())
    return found
