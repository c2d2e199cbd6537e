"""Defines what a test game is: its texts, its rules, and how one round of it is drawn.

A game knows nothing of wallets and networks. It gets a stake in the smallest units of a currency,
and says what has come up and what it pays. It computes with integers only.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from consumer.sandbox.coins import Coins

if TYPE_CHECKING:
    from consumer.sandbox.faults import GameFault

_COARSE_STAKES: Final[Mapping[int, tuple[int, ...]]] = {0: (5, 25, 100, 500), 1: (5, 10, 50, 200)}
"""Stakes in currencies whose 0.20 cannot be divided by 5."""
_FINE_DIGITS_COUNT: Final = 7
"""A whole unit of a currency with this many digits or more, such as Bitcoin, is worth so much that
a stake of 0.20 would be too large."""


class BadChoice(ValueError):
    """A player's choice does not fit the game. The text says what is expected."""


class Drawn(msgspec.Struct, frozen=True):
    """What a round has come to.

    Attributes:
        win_units: What it pays, in the smallest units of the currency. 0 for a lost round.
        outcome: What has come up, as the page shows it.
    """

    win_units: int
    outcome: Mapping[str, object]


DrawRound = Callable[[int, Coins, random.Random], Drawn]
"""Draws one round. It takes the whole stake, which is one of `stakes_of`, the currency, which
writes the amounts in the outcome, and the source of the chance."""


class SandboxGame(ABC):
    """A test game. It has no state, so that any number of rounds can use it at once.

    Attributes:
        game_id: Its id, in paths and in callbacks.
        name: Its name, for people.
        about: What it is, in a sentence.
        type: The kind of game, as the wallet's list of games has it.
        faults: The faults that can be switched on for it.
        books_at_once: If true, its rounds send `bet-win`, else `bet` and then `win`.
    """

    game_id: ClassVar[str]
    name: ClassVar[str]
    about: ClassVar[str]
    type: ClassVar[str]
    faults: ClassVar[tuple[GameFault, ...]]
    books_at_once: ClassVar[bool]

    @abstractmethod
    def rules(self) -> Mapping[str, object]:
        """Return the rules as the page shows them."""

    @abstractmethod
    def chosen(self, choice: Mapping[str, str]) -> DrawRound:
        """Return what draws a round for a player who has chosen this.

        Raises:
            BadChoice: The game has no such choice.
        """


def stakes_of(digits_count: int) -> tuple[int, ...]:
    """Return the stakes that a player can choose from, in the smallest units.

    Each can be divided by 5, the number of the slot's lines.

    Args:
        digits_count: The digits behind the point of the currency, 0 to 9.
    """
    if digits_count in _COARSE_STAKES:
        return _COARSE_STAKES[digits_count]
    if digits_count < _FINE_DIGITS_COUNT:
        return tuple(units * 10 ** (digits_count - 2) for units in (20, 100, 500, 2000))
    scale = 10 ** (digits_count - _FINE_DIGITS_COUNT)
    return tuple(units * scale for units in (500, 2000, 10_000, 50_000))
