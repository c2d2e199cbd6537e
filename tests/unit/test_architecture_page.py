"""docs/ARCHITECTURE.md says what the code is: its rooms, its modules, its words."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest

from tests.support.map import PACKAGE, PAGE, page
from tests.support.modules import Module, modules
from tests.support.rooms import PLACES

TEXT: Final = PAGE.read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return what stands between a heading and the next one of its rank."""
    _, found, rest = TEXT.partition(f"\n## {heading}\n")
    assert found, f"the page has no section {heading}"
    return rest.partition("\n## ")[0]


def words() -> list[tuple[str, str]]:
    """Return each word of the list of words, with the names of it in the code."""
    rows = [line for line in section("Words").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows]
    return [(word, code) for word, code, *_ in cells if word not in ("Word", "---")]


def names() -> set[str]:
    """Return the names of all classes, functions and constants of modules in `consumer`."""
    found: set[str] = set()
    for module in modules("consumer"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
        for node in module.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {ast.unparse(target) for target in targets}
    return found


def test_rooms_and_map_are_current() -> None:
    """If this fails, run `make docs`."""
    assert page() == TEXT


def test_every_room_has_its_place_in_the_map() -> None:
    """A folder that the map leaves out would be found by chance only."""
    placed = {name for group in PLACES.values() for name in group}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - placed == set()


@pytest.mark.parametrize("module", modules("consumer"), ids=lambda module: module.name)
def test_first_line_of_a_module_can_stand_in_a_table(module: Module) -> None:
    """It is one whole line, ends with a full stop, and does not break the table."""
    first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
    assert re.fullmatch(r"[^|]+[.?]", first), first


def test_words_of_the_list_exist_in_the_code() -> None:
    """A renamed class takes its word along."""
    used = {name for _, code in words() for name in re.findall(r"`(\w+)`", code)}
    assert len(used) > 20
    assert used - names() == set()


def test_each_word_stands_in_the_list_once() -> None:
    """A word with two meanings would stand there twice."""
    listed = [word for word, _ in words()]
    assert sorted(set(listed)) == sorted(listed)
