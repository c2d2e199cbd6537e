"""One word, one meaning: no two classes, and no two kinds of value, share a name."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from tests.support.modules import Module, modules

if TYPE_CHECKING:
    from collections.abc import Iterator

ALIAS: Final = re.compile(r"_?[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
"""How the name of a class or of a kind of value looks; a constant's name has capitals only."""


def named(module: Module) -> Iterator[str]:
    """Yield the names of the classes and kinds of value of a module, without an underscore.

    A private name counts like a public one: a reader meets both, and would have to tell `Batch`
    from `_Batch`.
    """
    for node in module.tree.body:
        match node:
            case ast.ClassDef(name=name):
                yield name.lstrip("_")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if ALIAS.fullmatch(name):
                    yield name.lstrip("_")


def test_no_two_things_have_one_name() -> None:
    """A reader who has learned a word need not learn it again in the next room."""
    owners: dict[str, list[str]] = {}
    for module in modules("consumer"):
        for name in named(module):
            owners.setdefault(name, []).append(module.path)
    assert {name: paths for name, paths in owners.items() if len(paths) > 1} == {}
