"""Finds where code uses what a library does not promise to keep: its private and replaced parts."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support.modules import Module, imports

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN: Final = frozenset({"self", "cls"})
NAMED_TUPLES: Final = frozenset({"_replace", "_asdict", "_fields", "_make"})
"""Public, although their names begin with an underscore, so that no field's name can be theirs."""
BY_NAME: Final = frozenset({"getattr", "setattr", "hasattr", "delattr"})
PRIVATE: Final = re.compile(r"\b_[a-zA-Z]\w*")


class Use(NamedTuple):
    """One use of a private part.

    Attributes:
        line: The number of the line.
        name: The name of the part.
    """

    line: int
    name: str


def private_uses(module: Module) -> list[Use]:
    """Return every use of a part that belongs to somebody else and is private.

    Found are: attributes that begin with an underscore, on anything but `self` and `cls`; the same
    through `getattr` and its like; imports of such names; keyword arguments with such names; and
    attributes of a library's module that are replaced by something of ours.
    """
    replaced = _replaced(module)
    found = [*_imported(module), *_looked_up_by_variable(module.tree)]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and not _is_own(node.value):
            found.append(Use(node.lineno, node.attr))
        elif isinstance(node, ast.Call):
            found += [Use(node.lineno, word.arg or "") for word in node.keywords]
            found += _looked_up(node)
    return sorted({use for use in found if _is_private(use.name)} | replaced)


def _is_private(name: str) -> bool:
    return PRIVATE.fullmatch(name) is not None and name not in NAMED_TUPLES


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in OWN


def _imported(module: Module) -> Iterator[Use]:
    for found in imports(module):
        for part in (*found.target.split("."), found.name):
            yield Use(found.line, part)


def _replaced(module: Module) -> set[Use]:
    """Find `library.part = ours`, where `library` is an imported module."""
    names = {
        found.name or found.target.partition(".")[0]
        for found in imports(module)
        if not found.target.startswith("consumer")
    }
    return {
        Use(target.lineno, target.attr)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id in names
    }


def _looked_up(call: ast.Call) -> Iterator[Use]:
    """Find `getattr(x, "_part")`."""
    if _is_look_up(call) and isinstance(call.args[1], ast.Constant):
        yield Use(call.lineno, str(call.args[1].value))


def _looked_up_by_variable(tree: ast.Module) -> Iterator[Use]:
    """Find every text beside a `getattr(x, name)` in one function: it may be the name."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes = list(ast.walk(function))
            calls = [node for node in nodes if isinstance(node, ast.Call) and _is_look_up(node)]
            if not all(isinstance(call.args[1], ast.Constant) for call in calls):
                yield from (
                    Use(node.lineno, node.value)
                    for node in nodes
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                )


def _is_look_up(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in BY_NAME and len(call.args) > 1


class Extended(NamedTuple):
    """A class of ours that extends an imported one.

    Attributes:
        node: Our class.
        base: The full name of the imported one, such as `asyncio.StreamReader`.
    """

    node: ast.ClassDef
    base: str


def extended(module: Module, packages: tuple[str, ...]) -> Iterator[Extended]:
    """Yield the classes of the module that extend classes of the packages."""
    origins = {
        found.name or found.target: f"{found.target}.{found.name}".rstrip(".")
        for found in imports(module)
    }
    classes = (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))
    for ours, theirs in ((node, base) for node in classes for base in node.bases):
        first, *others = ast.unparse(theirs).split("[", 1)[0].split(".")
        base = ".".join([origins.get(first, ""), *others])
        if base.partition(".")[0] in packages:
            yield Extended(ours, base)


def inherited_uses(module: Module, packages: tuple[str, ...]) -> set[str]:
    """Return the private parts of the packages' classes that their subclasses here use."""
    return {
        name
        for node, base in extended(module, packages)
        for name in _own_names(node) & _private_names(base)
    }


def _own_names(node: ast.ClassDef) -> set[str]:
    """Return the private names that a class uses on itself, and those of its methods."""
    return {
        name
        for inner in ast.walk(node)
        for name in (getattr(inner, "attr", ""), getattr(inner, "name", "") or "")
        if _is_private(name)
    }


def _private_names(base: str) -> set[str]:
    """Return the private names in the source of a class and of the bases in its own package."""
    module, _, name = base.rpartition(".")
    package = module.partition(".")[0]
    family = getattr(import_module(module), name).__mro__
    sources = [inspect.getsource(each) for each in family if each.__module__.startswith(package)]
    return set(PRIVATE.findall("\n".join(sources)))
