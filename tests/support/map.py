"""Writes the rooms and the map of the modules into docs/ARCHITECTURE.md, from their first lines.

`make docs` runs it, and tests/unit/test_architecture_page.py fails where the page is out of date.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.support.modules import ROOT
from tests.support.rooms import FLOORS, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE: Final = ROOT / "consumer"
PAGE: Final = ROOT / "docs" / "ARCHITECTURE.md"


def page() -> str:
    """Return the page as it should be: its own text, with rooms and map of today."""
    text = PAGE.read_text(encoding="utf-8")
    return filled(filled(text, "rooms", _rooms_text()), "map", _map_text())


def filled(text: str, name: str, content: str) -> str:
    """Put content between the two markers of that name.

    Raises:
        ValueError: The text does not have both markers.
    """
    before, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->\n")
    if not (begin and end):
        raise ValueError(f"the page has no <!-- {name} --> and <!-- /{name} -->")
    return f"{before}{begin}\n{content}\n{end}{after}"


def _rooms_text() -> str:
    """Return a table of the folders, and the order in which they may import."""
    lines = ["| Room | What it is responsible for |", "| --- | --- |"]
    for names in PLACES.values():
        lines += [_row(f"{room.name}/", room) for room in _folders(names)]
    floors = [", ".join(f"`{name}`" for name in floor if _exists(name)) for floor in FLOORS[::-1]]
    order = " → ".join(filter(None, floors))
    return "\n".join(
        [*lines, "", "Imports run one way, from the left to the right:", "", order, ""]
    )


def _map_text() -> str:
    """Return a table of the modules beside the folders, and a table for each folder."""
    sections = ["\n".join(_table(_modules(PACKAGE)))]
    for heading, names in PLACES.items():
        sections.append(f"### {heading}")
        for room in _folders(names):
            sections.append(f"**{room.name}/**: {_first_line(room)}")
            sections.append("\n".join(_table(_entries(room))))
    return "\n\n".join(sections) + "\n"


def _table(entries: Iterator[tuple[str, Path]]) -> Iterator[str]:
    yield "| Module | What it is responsible for |"
    yield "| --- | --- |"
    for name, path in entries:
        yield _row(name, path)


def _row(name: str, path: Path) -> str:
    """Return one row: the name as a link, and the first line."""
    link = f"[`{name}`](../{path.relative_to(ROOT).as_posix()})"
    text = _first_line(path).replace("|", "\\|")
    return f"| {f'**{link}**' if path.is_dir() else link} | {text} |"


def _entries(room: Path) -> Iterator[tuple[str, Path]]:
    """Yield the modules of a room, then its folders, each followed by its own modules."""
    yield from _modules(room)
    for folder in sorted(path.parent for path in room.glob("*/__init__.py")):
        yield f"{folder.name}/", folder
        for name, path in _entries(folder):
            yield f"{folder.name}/{name}", path


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the modules of one folder: the contract first, the others by name; scripts too."""
    paths = [path for path in folder.glob("*.*") if path.suffix in {".py", ".lua"}]
    for path in sorted(paths, key=lambda path: (path.name != "base.py", path.name)):
        if path.name != "__init__.py":
            yield path.name, path


def _first_line(path: Path) -> str:
    """Return the first line of a docstring, a folder's or a module's, or of a script's comment."""
    source = path / "__init__.py" if path.is_dir() else path
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".lua":
        return next(line for line in text.splitlines() if line.startswith("-- "))[3:]
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def _folders(names: tuple[str, ...]) -> list[Path]:
    return [PACKAGE / name for name in names if (PACKAGE / name).is_dir()]


def _exists(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
