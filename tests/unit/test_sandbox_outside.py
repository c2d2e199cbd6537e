"""The game server stands outside of the wallet, as the server of any provider does."""

from __future__ import annotations

import ast
from typing import Final

import pytest

from tests.support.modules import Module, imports, modules

GAME_SERVER: Final = frozenset(
    f"consumer.sandbox.{name}"
    for name in (
        "calls", "coins", "exchange", "faults", "funds", "game_server", "journal", "running",
        "shown", "timing",
    )
)  # fmt: skip
"""The modules that play, beside those of the folders `games` and `rounds`."""
FOLDERS: Final = ("consumer.sandbox.games", "consumer.sandbox.rounds")
OUTSIDE: Final = tuple(
    module
    for module in modules("consumer/sandbox")
    if module.name in GAME_SERVER or module.name.startswith(FOLDERS)
)


def test_all_of_the_game_server_is_looked_at() -> None:
    """A module that was renamed would be guarded no more."""
    assert {module.name for module in OUTSIDE} >= GAME_SERVER


@pytest.mark.parametrize("module", OUTSIDE, ids=lambda module: module.name)
def test_it_knows_nothing_of_the_wallet(module: Module) -> None:
    """Neither its ledger nor its code: only what is sent over HTTP."""
    inside = ("consumer.ledger", "consumer.wallet", "consumer.events", "consumer.stores")
    assert [each.target for each in imports(module) if each.target.startswith(inside)] == []


@pytest.mark.parametrize(
    "module",
    [each for each in OUTSIDE if each.name.startswith((*FOLDERS, "consumer.sandbox.coins"))],
    ids=lambda module: module.name,
)
def test_no_money_is_a_float(module: Module) -> None:
    """Where amounts are computed, no number has a point, and no division makes one."""
    found = [
        ast.unparse(node)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Div)
        or isinstance(getattr(node, "value", None), float)
        or getattr(node, "id", "") == "float"
    ]
    assert found == []
