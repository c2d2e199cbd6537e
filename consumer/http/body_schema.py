"""The JSON Schema of a body that is read into a struct, for the description of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


def body_schema(
    kind: type[msgspec.Struct], others: Mapping[str, Mapping[str, object]] | None = None
) -> dict[str, Any]:
    """Return the schema of a struct.

    The values of fields that are left out are in their descriptions, and not in `default`, because
    openapi-typescript takes a field with a `default` for a field that is always there.

    Args:
        kind: The struct.
        others: The schemas of the types of items to which the schema would refer, by their names.
    """
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    schema: dict[str, Any] = components[kind.__name__]
    for field in schema["properties"].values():
        default = field.pop("default", None)
        if default:
            field["description"] += f"; by default {default:g}"
        item = field.get("items", {}).get("$ref")
        if item is not None and others is not None:
            field["items"] = others[item]
    return {
        **schema,
        "description": schema["description"].partition("\n")[0],
        "additionalProperties": False,
    }
