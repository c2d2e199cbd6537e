"""Puts the folder of the configuration file before each relative path in the configuration.

A person and a service manager start the program in different folders. Without this module, one
relative path would mean two different files.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from consumer.options.check import EnvironmentText, is_secret, struct_of
from consumer.options.values import PATH_AFTER, annotated_extra

if TYPE_CHECKING:
    from pathlib import Path

    import msgspec


def place_paths(kind: type[msgspec.Struct], options: dict[str, object], folder: Path) -> None:
    """Put the folder before each relative path in a table, and in the tables inside it.

    An absolute path stays as it is. A value that is not text stays too: a later check reports it.

    Args:
        kind: The settings struct of the table.
        options: The table. It is changed.
        folder: The folder of the configuration file.
    """
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        before = annotated_extra(hint).get(PATH_AFTER)
        if isinstance(before, str):
            _place(options, name, before, folder)
        if is_secret(hint):
            _place(options, f"{name}_file", "", folder)
        nested = struct_of(hint)
        if nested is not None:
            for table in _inner(options.get(name), is_many=typing.get_origin(hint) is dict):
                place_paths(nested, table, folder)


def _inner(held: object, *, is_many: bool) -> list[dict[str, object]]:
    """Return the table that an option holds, or the tables in it if it has many."""
    tables = held.values() if is_many and isinstance(held, dict) else (held,)
    return [table for table in tables if isinstance(table, dict)]


def _place(options: dict[str, object], name: str, before: str, folder: Path) -> None:
    held = options.get(name)
    if not isinstance(held, str) or not held.removeprefix(before) or not held.startswith(before):
        return
    placed = f"{before}{folder / held.removeprefix(before)}"
    options[name] = EnvironmentText(placed) if isinstance(held, EnvironmentText) else placed
