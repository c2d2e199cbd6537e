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
SEVERAL: Final = {
    "DeviceType": "each family of message types lists the values of its own field",
    "Status": "each family of message types lists the values of its own field",
    "Type": "each family of message types lists the values of its own field",
}
"""Names that stand for several things, each in its own module only, and why."""


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
    several = {name: paths for name, paths in owners.items() if len(paths) > 1}
    assert {name: paths for name, paths in several.items() if name not in SEVERAL} == {}


def test_every_name_that_may_stand_for_several_things_does() -> None:
    """An exception that nothing needs any more would hide the next double."""
    found = [name for module in modules("consumer") for name in named(module)]
    assert [name for name in SEVERAL if found.count(name) < 2] == []
