"""Finds the names of numbers in the code: parameters, attributes and constants."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.modules import Module

NUMBERS: Final = frozenset({"int", "float", "Seconds", "Count", "Bytes", "Share"})
"""Types of numbers, and the options' own kinds of number (options/values.py)."""
WRAPPERS: Final = frozenset({"Annotated", "Final", "ClassVar", "Optional"})


class Number(NamedTuple):
    """One name that stands for a number.

    Attributes:
        line: The number of the line.
        name: The name of the parameter, attribute or constant.
    """

    line: int
    name: str


def numbers(module: Module) -> list[Number]:
    """Return every parameter, attribute and constant of the module that holds a number."""
    found: set[Number] = set(_constants(module.tree))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.AnnAssign) and _is_number(node.annotation):
            found.add(Number(node.lineno, _last_word(node.target)))
        elif isinstance(node, ast.arg) and _is_number(node.annotation):
            found.add(Number(node.lineno, node.arg))
    return sorted(found)


def _constants(tree: ast.Module) -> Iterator[Number]:
    """Yield names of modules and classes that are given a number, with and without `Final`."""
    for owner in ast.walk(tree):
        if not isinstance(owner, ast.Module | ast.ClassDef):
            continue
        for node in owner.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and _is_literal_number(node.value):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from (Number(node.lineno, _last_word(target)) for target in targets)


def _last_word(target: ast.expr) -> str:
    return ast.unparse(target).rpartition(".")[2]


def _is_number(annotation: ast.expr | None) -> bool:
    """Tell whether an annotation is a number, alone, in a union or in a wrapper."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in NUMBERS
        case ast.BinOp(left=left, right=right):
            return _is_number(left) or _is_number(right)
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if name in WRAPPERS:
            return _is_number(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
        case ast.Constant(value=str(text)):
            return _is_number(ast.parse(text, mode="eval").body)
    return False


def _is_literal_number(value: ast.expr | None) -> bool:
    match value:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float()):
            return True
        case ast.UnaryOp(operand=operand):
            return _is_literal_number(operand)
        case ast.BinOp(left=left, right=right):
            return _is_literal_number(left) and _is_literal_number(right)
    return False
