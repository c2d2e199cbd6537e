"""Gives the parts of schemas that have a name a place of their own in the OpenAPI document.

A part has a name if its `title` is one word, such as `StoredEvent`. Generated clients then have one
type of this name, and not a type for each answer that has such a part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS_AT: Final = "#/components/schemas/"
_NAME: Final = re.compile(r"[A-Z][A-Za-z]+")


def named(schema: object) -> Iterator[tuple[str, object]]:
    """Yield each part of a schema that has a name, with references in place of its own parts."""
    if isinstance(schema, Mapping):
        name = _name_of(schema)
        if name:
            yield name, _inside(schema)
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from named(part)


def referring(schema: object) -> object:
    """Return a schema with references in place of the parts that have a name."""
    if isinstance(schema, Mapping):
        name = _name_of(schema)
        return {"$ref": f"{SCHEMAS_AT}{name}"} if name else _inside(schema)
    return [referring(part) for part in schema] if isinstance(schema, list) else schema


def _inside(schema: Mapping[str, object]) -> dict[str, object]:
    return {name: referring(part) for name, part in schema.items()}


def _name_of(schema: Mapping[str, object]) -> str:
    title = schema.get("title")
    return title if isinstance(title, str) and _NAME.fullmatch(title) else ""
