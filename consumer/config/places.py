"""Says where an option was set: at a line of the file, or by a variable of the environment.

The parser of Python's library gives no line numbers. So the file is cut into its statements, and
each statement is parsed by itself. This is done once, and only after a mistake was found.
"""

from __future__ import annotations

import functools
import re
import tomllib
from typing import TYPE_CHECKING, Final

from consumer.options.check import no_such

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ENVIRONMENT_PREFIX: Final = "CONSUMER__"
LISTENERS: Final = "listeners"
_END: Final = re.compile("[:.]")
"""What follows the path of an option in the text of a problem."""
_PIECE: Final = re.compile(
    r'''
    """ (?: \\. | [^\\] )*? "{3,5}   # text over several lines; it may end with quotes of its own
    | \'\'\' .*? \'{3,5}
    | " (?: \\. | [^\\"] )* "
    | ' [^']* '
    | \# [^\n]*
    | [\[{\]}\n]
    ''',
    re.DOTALL | re.VERBOSE,
)
"""A piece of TOML that says whether a line break ends a statement: a text or a comment as a whole,
a bracket, or the line break."""


class OptionPlaces:
    """Where each option of a configuration was set.

    Args:
        file: The file, as the problems name it.
        text: What the file holds. It has to be TOML.
    """

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text
        self._variables: dict[str, str] = {}
        """The variable that set an option, or that made a table, by the path in the problems."""

    def set_by(self, variable: str, path: Sequence[str], *, known_count: int) -> None:
        """Remember that a variable set an option.

        Args:
            variable: The variable.
            path: The tables that hold the option, and the option.
            known_count: The number of these tables that were there before.
        """
        for length in range(known_count + 1, len(path)):
            self._variables.setdefault(_written(path[:length]), variable)
        self._variables[_written(path)] = variable

    def located(self, problem: str) -> str:
        """Return a problem with the place before it, such as `consumer.toml:12`.

        Args:
            problem: The text of the problem. It begins with the path of an option. If this option
                is set nowhere, the place is that of its table.
        """
        lines = self._lines
        begins = (problem[: end.start()] for end in _END.finditer(problem))
        fits = [each for each in begins if each in lines or each in self._variables]
        path = fits[-1] if fits else ""
        if path not in self._variables:
            line = f":{lines[path]}" if path else ""
            return f"{self._file}{line}: {problem}"
        variable = self._variables[path]
        if problem.startswith(f"{path}.kind: is missing"):
            problem = self._unknown_listener(path, lines) or problem
        return f"{variable}: {problem}"

    @functools.cached_property
    def _lines(self) -> dict[str, int]:
        """The line of each table and each option, by the path in the problems."""
        return {_written(path): line for path, line in lines_of(self._text).items()}

    def _unknown_listener(self, path: str, lines: dict[str, int]) -> str:
        """Return what is wrong with a variable that names a listener which the file does not have.

        The text is empty if the file has no listeners.
        """
        name = path.removeprefix(f"{LISTENERS}.")
        parts = (each.split(".") for each in lines)
        known = dict.fromkeys(each[1] for each in parts if each[0] == LISTENERS and len(each) > 1)
        if not known:
            return ""
        kind = f"{ENVIRONMENT_PREFIX}{LISTENERS}__{name}__kind".upper()
        return f"{path}: {no_such('listener', name, [*known])} A new listener needs {kind}"


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Return the line on which each table and each option begins, counted from 1.

    Args:
        text: A file. It has to be TOML.
    """
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for line, statement in _statements(text):
        tree = tomllib.loads(statement)
        is_header = statement.lstrip().startswith("[")
        paths = [*_paths(tree, () if is_header else table)]
        if is_header:
            table = paths[-1]
            lines[table] = line  # a table inside this table may have come first
        for path in paths:
            lines.setdefault(path, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement: the number of its first line, and its text.

    A line break within brackets or within a text ends no statement.
    """
    begin, line, depth = 0, 1, 0
    for piece in _PIECE.finditer(text):
        if piece[0] in ("[", "{"):
            depth += 1
        elif piece[0] in ("]", "}"):
            depth -= 1
        elif piece[0] == "\n" and not depth:
            statement = text[begin : piece.start()]
            yield line, statement
            begin = piece.end()
            line += statement.count("\n") + 1
    yield line, text[begin:]


def _paths(tree: dict[str, object], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the path of everything in a table, and of everything in its own tables."""
    for name, held in tree.items():
        yield (*above, name)
        if isinstance(held, dict):
            yield from _paths(held, (*above, name))


def _written(path: Sequence[str]) -> str:
    """Return a path as the problems write it. A key of `[routes]` with a dot is in quotes."""
    if len(path) > 1 and path[0] == "routes" and "." in path[1]:
        return f'{path[0]}."{path[1]}"'
    return ".".join(path)
