"""Writes the configuration for people, as TOML without its secrets, and for tools, as JSON Schema.

Secrets leave this module only where a caller asks for them with `hide_secrets=False`. `load.py` and
`options/check.py` check a configuration.
"""

from __future__ import annotations

import inspect
import re
import typing
from typing import TYPE_CHECKING, Any, Final

import msgspec
import tomli_w

from consumer.config.load import TABLES, Config
from consumer.config.routes import TARGET_PATTERN, TARGETS_MAX_COUNT
from consumer.events.subjects import keys
from consumer.nats.connection import NatsSettings
from consumer.options.check import is_secret
from consumer.options.values import Token, annotated_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.listeners.base import ListenerClass

HIDDEN: Final = "***"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_USER_INFO: Final = re.compile(r"(?<=://)(?:([^\s,/?#]*?)(:))?[^\s,]*@")
"""Finds user and password, or NATS's token. The match reaches to the last @, because a password may
hold an @ that is not escaped."""
_SECRET_QUERY: Final = re.compile(
    r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&\s]*", re.IGNORECASE
)
"""Finds secrets in a query, such as redis://host?password=…"""
_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+(?:, \w+)*): (.+(?:\n {5,}.+)*)", re.MULTILINE)
"""Finds one entry of a docstring's section `Attributes`."""


def to_toml(config: Config, *, hide_secrets: bool = True) -> str:
    """Write all options that are in force, defaults included.

    Options that have no value are left out.

    Args:
        config: The configuration.
        hide_secrets: If true, `***` stands in place of each secret.
    """
    return tomli_w.dumps(_shown(config, hide=hide_secrets))


def mask_url(url: str) -> str:
    """Hide the password in a URL, or the token in place of user and password."""
    masked = _USER_INFO.sub(lambda found: f"{found[1] or ''}{found[2] or ''}{HIDDEN}@", url)
    return _SECRET_QUERY.sub(rf"\1{HIDDEN}", masked)


def _shown(settings: msgspec.Struct, *, hide: bool) -> dict[str, object]:
    hints = typing.get_type_hints(type(settings), include_extras=True)
    values = ((name, getattr(settings, name), hint) for name, hint in hints.items())
    return {
        name: _value(value, hint, hide=hide) for name, value, hint in values if value is not None
    }


def _value(value: object, hint: object, *, hide: bool) -> object:
    if hide and is_secret(hint):
        return mask_url(str(value)) if annotated_extra(hint).get("url") else HIDDEN
    if isinstance(value, msgspec.Struct):
        return _shown(value, hide=hide)
    if isinstance(value, dict):
        return {name: _value(one, None, hide=hide) for name, one in value.items()}
    return value


def json_schema(kinds: Mapping[str, ListenerClass]) -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of a configuration file.

    Args:
        kinds: The kinds of listener that exist, by name.
    """
    listeners = {name: kind.settings_type for name, kind in kinds.items()}
    types = [*TABLES.values(), *listeners.values()]
    _, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    by_name = {kind.__name__: kind for kind in _structs(types)}
    for name, definition in definitions.items():
        _complete(definition, by_name[name])
    for word, kind in listeners.items():
        definitions[kind.__name__]["properties"]["kind"] = {"const": word}
    choices = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in listeners.values()]
    token = msgspec.json.schema(Token)
    return {
        "$schema": DIALECT,
        "title": "consumer's configuration",
        "type": "object",
        "properties": {
            "brand": token
            | {"description": "the brand of every listener that names no brand of its own"},
            "listeners": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": token["pattern"]},
                "additionalProperties": {"oneOf": choices},
            },
            "routes": _routes_schema(),
            **{name: {"$ref": f"#/$defs/{kind.__name__}"} for name, kind in TABLES.items()},
        },
        "required": ["listeners"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _routes_schema() -> dict[str, Any]:
    """Describe the table `[routes]`. Its keys are subjects and families of the catalogue."""
    target = {"type": "string", "pattern": TARGET_PATTERN}
    several = {"type": "array", "items": target, "minItems": 1, "maxItems": TARGETS_MAX_COUNT}
    one_or_several = {"oneOf": [target, several | {"uniqueItems": True}]}
    return {
        "type": "object",
        "description": "the subjects that events go to, by an event's own subject or by its family",
        "properties": dict.fromkeys(keys(), one_or_several),
        "additionalProperties": False,
    }


def _structs(kinds: list[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Return these settings structs and the structs of the tables inside them."""
    found = set(kinds)
    for kind in kinds:
        for hint in typing.get_type_hints(kind).values():
            parts = (hint, *typing.get_args(hint))
            inner = [part for part in parts if inspect.isclass(part)]
            found |= _structs([part for part in inner if issubclass(part, msgspec.Struct)])
    return found


def _complete(definition: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    """Add what msgspec does not know: the meanings of options, and the `_file` twins of secrets."""
    definition["description"] = (inspect.getdoc(kind) or "").partition("\n")[0]
    meanings = _meanings(kind)
    properties = definition["properties"]
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        if name in meanings:
            properties[name]["description"] = meanings[name]
        if not is_secret(hint):
            continue
        twin = f"{name}_file"
        properties[twin] = {"type": "string", "description": f"the file that holds {name}"}
        definition.setdefault("allOf", []).append({"not": {"required": [name, twin]}})
        if name in definition.get("required", []):
            definition["required"].remove(name)
            definition["allOf"].append({"anyOf": [{"required": [name]}, {"required": [twin]}]})


def _meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say about each attribute."""
    meanings: dict[str, str] = {}
    # msgspec lets a struct have one base only. Settings that reach NATS and have another base
    # repeat the fields of NatsSettings, and take the words from there.
    repeats = set(NatsSettings.__struct_fields__) <= set(kind.__struct_fields__)
    for one in (*((NatsSettings,) if repeats else ()), *reversed(kind.__mro__)):
        _, _, section = inspect.cleandoc(one.__doc__ or "").partition("Attributes:\n")
        for names, text in _ATTRIBUTE.findall(section):
            meanings |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return meanings
