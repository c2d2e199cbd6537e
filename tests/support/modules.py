"""The project's own modules as syntax trees, for tests that hold the code to its house rules."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, eq=False)
class Module:
    """One file.

    Attributes:
        path: The path below the repository, such as `consumer/sinks/base.py`.
        name: The dotted name by which the module is imported.
        text: The source.
    """

    path: str
    name: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The source as a syntax tree. Most tests of most modules need none."""
        return ast.parse(self.text)


class Import(NamedTuple):
    """One name that a module imports, at any depth: lazy and type checking imports count too.

    Attributes:
        line: The number of the line.
        target: The module that is imported, or the module that the name is taken from.
        name: The name that is taken from it; empty for `import x`.
    """

    line: int
    target: str
    name: str


def modules(*folders: str) -> tuple[Module, ...]:
    """Return every module below the folders, in the order of their paths."""
    return tuple(module for folder in folders for module in _below(folder))


@functools.cache
def _below(folder: str) -> tuple[Module, ...]:
    return tuple(_read(path) for path in sorted((ROOT / folder).rglob("*.py")))


def _read(path: Path) -> Module:
    relative = path.relative_to(ROOT)
    dotted = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    return Module(relative.as_posix(), dotted, path.read_text(encoding="utf-8"))


def imports(module: Module) -> Iterator[Import]:
    """Yield everything that the module imports."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(node.lineno, node.module or "", alias.name)


def own_imports(module: Module, names: frozenset[str]) -> Iterator[Import]:
    """Yield the imports of our own modules; the target is the module that the code stands in.

    Args:
        module: The importing module.
        names: The names of all our modules: `from consumer.nats import pull` means a module,
            `from consumer.nats.pull import Inbox` means something in it.
    """
    for found in imports(module):
        inner = f"{found.target}.{found.name}"
        if inner in names:
            yield Import(found.line, inner, "")
        elif found.target in names:
            yield found
