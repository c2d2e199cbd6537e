"""What the catalogue says about each field, read from its structs: for schemas and pages.

Responsible for names, forms and meanings. Not for what a form looks like in JSON: `fields.py`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
import typing
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Meta

from consumer.events.base import Fields, Kind, Object, Part
from consumer.events.fields import part_of
from consumer.options.values import annotated_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.events.base import EventType


class Form(StrEnum):
    """What a single value of a field is: one of `Kind`, or what needs no normal form."""

    ID = Kind.ID
    NUMBER = Kind.NUMBER
    COUNT = Kind.COUNT
    TIME = Kind.TIME
    NAME = Kind.NAME
    CHOICE = Kind.CHOICE
    HINT = Kind.HINT
    TEXT = "text"
    FLAG = "true or false"
    INTEGER = "whole number"
    OBJECT = "object"
    PART = "part"


class Many(StrEnum):
    """How many values a field holds."""

    ONE = "one"
    LIST = "list"
    EITHER = "one or a list"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """One field.

    Attributes:
        name: as sent and as put out.
        form: of the value, or of each in a list.
        many: whether there is a list.
        meaning: a sentence or two; never empty.
        required: it has to be there; every other one may be absent or null.
        values: of an enumeration, in the vendor's spelling.
        examples: values as a brand would send them.
        may_be_empty: an id that makes up no identity.
        not_negative: in the vendor's own schema.
        part: what the objects inside are made of.
    """

    name: str
    form: Form
    many: Many
    meaning: str
    required: bool
    values: tuple[str, ...]
    examples: tuple[Any, ...]
    may_be_empty: bool
    not_negative: bool
    part: type[Part] | None


_PLAIN: Final[dict[object, Form]] = {
    str: Form.TEXT,
    bool: Form.FLAG,
    int: Form.INTEGER,
    Object: Form.OBJECT,
}


@cache
def describe(kind: type[Fields | Part]) -> tuple[Described, ...]:
    """Return the fields of a struct, in its order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    meanings = _literals(kind)
    return tuple(
        _described(one, hints[one.name], meanings.get(one.name, ""))
        for one in msgspec.structs.fields(kind)
    )


def summary(kind: type[Fields | Part]) -> str:
    """Return the first paragraph of a struct's docstring, as one line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].split())


def families(event_type: EventType) -> tuple[str, ...]:
    """Return the first tokens of a type's subjects, sorted."""
    return tuple(sorted({subject.partition(".")[0] for subject in subjects(event_type)}))


def subjects(event_type: EventType) -> tuple[str, ...]:
    """Return the subjects of a type, each once, in the order of its table."""
    return tuple(dict.fromkeys(event_type.subjects.values()))


def _described(field: msgspec.structs.FieldInfo, hint: Any, literal: str) -> Described:  # noqa: ANN401  # type hints have any shape
    extra = annotated_extra(hint)
    metas = tuple(_metas(hint))
    said = [meta.description for meta in metas if meta.description]
    examples = [meta.examples for meta in metas if meta.examples]
    form, many = _form(hint)
    return Described(
        name=field.encode_name,
        form=form,
        many=many,
        meaning=literal or (said[-1] if said else ""),
        required=field.required,
        values=extra.get("values", ()),
        examples=tuple(examples[-1]) if examples else (),
        may_be_empty=extra.get("may_be_empty", False),
        not_negative=extra.get("not_negative", False),
        part=part_of(hint),
    )


def _form(hint: Any) -> tuple[Form, Many]:  # noqa: ANN401  # as above
    members = [one for one in _members(hint) if one not in (msgspec.UnsetType, types.NoneType)]
    lists = [one for one in members if typing.get_origin(one) is list]
    if lists:
        many = Many.LIST if len(members) == 1 else Many.EITHER
        return _form(typing.get_args(lists[0])[0])[0], many
    kind = annotated_extra(hint).get("kind")
    if kind is not None:
        return Form(kind), Many.ONE
    bare = getattr(members[0], "__origin__", None) if _metas_of(members[0]) else members[0]
    return (Form.PART if part_of(hint) else _PLAIN[bare]), Many.ONE


def _members(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401  # as above
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _metas(hint: Any) -> Iterator[Meta]:  # noqa: ANN401  # as above
    """Give what is annotated anywhere in a type hint, the outermost of one place last."""
    yield from _metas_of(hint)
    for part in typing.get_args(hint):
        yield from _metas(part)


def _metas_of(hint: Any) -> tuple[Meta, ...]:  # noqa: ANN401  # as above
    return tuple(one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Meta))


def _literals(kind: type[Fields | Part]) -> dict[str, str]:
    """Read the text under each field: Python itself does not keep it."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        if one in (Fields, Part) or not issubclass(one, (Fields, Part)):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
        for field, text in pairwise(typing.cast("ast.ClassDef", tree.body[0]).body):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str() as said)),
                ):
                    found[name] = " ".join(said.split())
    return found
