"""The facts that the type hints of a struct state about each field, read once for each struct.

Responsible for turning `Annotated[...] | UnsetType | None` into a `Fact`. From the facts,
`fields.py` makes normal forms, `canonical.py` hashes, and `tools/schemas` schemas and pages.
"""

from __future__ import annotations

import types
import typing
from enum import StrEnum
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Meta, UnsetType

from consumer.events.base import Fields, Form, Nested, Object, SentAs


class Many(StrEnum):
    """How many values a field holds."""

    ONE = "one"
    LIST = "list"
    EITHER = "one or a list"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What a struct states about one of its fields.

    Attributes:
        name: The field's name, as it is sent and as it is put out.
        form: The form of the value, or of each value in a list.
        many: How many values the field holds.
        required: If true, the field has to be there. If false, it may be absent or null.
        values: The values of an enumeration, in the vendor's spelling.
        may_be_empty: If true, the id may be empty, because an event is also identified without it.
        nested: The struct of the objects that the field holds. None if their fields are not known,
            or if the field holds no object.

    The other attributes state what the vendor's schema says. Only strict listeners check it:

    Attributes:
        page_only: If true, the schema does not know the field, or accepts any value in it. Only a
            page describes the field, so strict listeners read it as lenient listeners do.
        null_too: If true, the field may be null. If false, an optional field may be absent, but not
            null.
        sent_as: The JSON types of an id.
        not_empty: If true, the text has to have at least one character.
        only_digits: If true, the text may have no other characters than the digits 0 to 9.
        not_negative: If true, the number has to be 0 or more.
        one_value: If true, the field has to hold one value, although a page shows a list there.
        schema_values: The values of an enumeration. Empty if the schema accepts any text.
    """

    name: str
    form: Form
    many: Many
    required: bool
    values: tuple[str, ...] = ()
    may_be_empty: bool = False
    nested: type[Nested] | None = None
    page_only: bool = False
    null_too: bool = False
    sent_as: SentAs = SentAs.TEXT
    not_empty: bool = False
    only_digits: bool = False
    not_negative: bool = False
    one_value: bool = False
    schema_values: tuple[str, ...] = ()

    @property
    def required_alone(self) -> bool:
        """True if the field has to be there, and holds one value."""
        return self.required and self.many is Many.ONE

    @property
    def expected(self) -> str:
        """What the field accepts, in the words of an error."""
        if self.many is Many.LIST:
            return "list"
        return _EXPECTED.get(self.form, "text")


_EXPECTED: Final[dict[Form, str]] = {
    Form.ID: "text or whole number",
    Form.NUMBER: "number",
    Form.COUNT: "number",
    Form.FLAG: "true or false",
    Form.OBJECT: "object",
    Form.NESTED: "object",
}

_PLAIN: Final[dict[object, Form]] = {
    str: Form.TEXT,
    bool: Form.FLAG,
    Object: Form.OBJECT,
}
"""The form of each type whose hint states no form."""
_ABSENT: Final = (UnsetType, types.NoneType)


@cache
def facts_of(struct: type[Fields | Nested]) -> tuple[Fact, ...]:
    """Return the facts about the fields of a struct, in the order of the fields."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return tuple(_fact(field, hints[field.name]) for field in msgspec.structs.fields(struct))


def metas(hint: Any) -> tuple[Meta, ...]:  # noqa: ANN401  # type hints have any shape
    """Return all annotations of a type hint, the innermost annotation first."""
    inner = tuple(meta for argument in _arguments(hint) for meta in metas(argument))
    own = getattr(hint, "__metadata__", ())
    return inner + tuple(meta for meta in own if isinstance(meta, Meta))


def _fact(field: msgspec.structs.FieldInfo, hint: Any) -> Fact:  # noqa: ANN401  # as above
    value, many = _value(hint)
    # An outer annotation adds to the inner annotations, or replaces what they state.
    stated: dict[str, Any] = {}
    for meta in metas(hint):
        stated |= meta.extra or {}
    nested = value if isinstance(value, type) and issubclass(value, Nested) else None
    form = stated.pop("form", None) or (Form.NESTED if nested else _PLAIN[value])
    return Fact(
        name=field.encode_name,
        form=form,
        many=many,
        required=field.required,
        nested=nested,
        **stated,
    )


def _value(hint: Any) -> tuple[Any, Many]:  # noqa: ANN401  # as above
    """Return the type of a single value, without annotations, and how many values there are."""
    members = [member for member in _members(hint) if member not in _ABSENT]
    lists = [member for member in members if typing.get_origin(member) is list]
    if lists:
        (element,) = typing.get_args(lists[0])
        return _value(element)[0], Many.LIST if len(members) == 1 else Many.EITHER
    return members[0], Many.ONE


def _members(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401  # as above
    """Return the types in a union, and in the unions inside it, without annotations."""
    if hasattr(hint, "__metadata__"):
        return _members(hint.__origin__)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(inner for member in typing.get_args(hint) for inner in _members(member))
    return (hint,)


def _arguments(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401  # as above
    # The arguments of Annotated are the type and its annotations; only the type is a hint.
    return (hint.__origin__,) if hasattr(hint, "__metadata__") else typing.get_args(hint)
