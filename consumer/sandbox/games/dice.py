"""Hundred: a dice with 10,000 sides, from 0.00 to 99.99.

The player chooses the chance to win, in hundredths of a percent, and a side of the scale. `under`
wins below the chance, `over` wins from 100 minus the chance on. Both win with exactly this chance.
A win pays the stake times 99 % divided by the chance, so the game keeps 1 %, and what is rounded
down.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from consumer.sandbox.faults import GameFault
from consumer.sandbox.games.base import BadChoice, Drawn, DrawRound, SandboxGame

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from consumer.sandbox.coins import Coins

SIDES_COUNT: Final = 10_000
PAID_BACK_SHARE: Final = 9_900
"""What is paid back on average, in hundredths of a percent."""
CHANCE_MIN_SHARE: Final = 200
CHANCE_MAX_SHARE: Final = 9_500
"""The bounds of the chance, in hundredths of a percent. With a greater chance, a win would pay less
than its stake."""
_NOT_OFFERED: Final = (GameFault.LOSE_WIN_ANSWER, GameFault.REORDER)
"""The dice sends its win in the same call as its bet."""
_is_percent: Final = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,2}))?").fullmatch


class DiceSide(StrEnum):
    """Which side of the scale wins."""

    UNDER = "under"
    OVER = "over"


class DiceChoice(msgspec.Struct, frozen=True):
    """What a player has chosen.

    Attributes:
        chance_share: The chance to win, in hundredths of a percent.
        side: Which side of the scale wins.
    """

    chance_share: int
    side: DiceSide

    @property
    def target_share(self) -> int:
        """The border between winning and losing, in hundredths of a percent."""
        is_under = self.side is DiceSide.UNDER
        return self.chance_share if is_under else SIDES_COUNT - self.chance_share

    def wins(self, rolled_share: int) -> bool:
        """Tell whether a roll wins."""
        is_under = rolled_share < self.target_share
        return is_under == (self.side is DiceSide.UNDER)

    def draw(self, stake_units: int, coins: Coins, source: random.Random) -> Drawn:
        """Roll once. See `DrawRound`."""
        del coins
        rolled_share = source.randrange(SIDES_COUNT)
        has_won = self.wins(rolled_share)
        outcome = {
            "rolled": _percent(rolled_share),
            "won": has_won,
            "target": _percent(self.target_share),
        }
        return Drawn(payout_of(stake_units, self.chance_share) if has_won else 0, outcome)


class DiceGame(SandboxGame):
    """The dice."""

    game_id: ClassVar[str] = "dice"
    name: ClassVar[str] = "Hundred"
    about: ClassVar[str] = "A dice whose chance you choose. It sends bet and win in one call."
    type: ClassVar[str] = "Table"
    faults: ClassVar[tuple[GameFault, ...]] = tuple(
        fault for fault in GameFault if fault not in _NOT_OFFERED
    )
    books_at_once: ClassVar[bool] = True

    def rules(self) -> Mapping[str, object]:
        """Return the edge of the house as a share of the stake, and the bounds of the chance."""
        return {"house_edge": "0.01", "chance_min": "2", "chance_max": "95"}

    def chosen(self, choice: Mapping[str, str]) -> DrawRound:
        """Return what draws a round. See `SandboxGame.chosen`."""
        if choice.keys() != {"chance", "side"} or choice["side"] not in tuple(DiceSide):
            raise BadChoice('choice: expected {"chance": "50", "side": "under" or "over"}')
        found = _is_percent(choice["chance"])
        chance_share = int(found[1] + (found[2] or "").ljust(2, "0")) if found else 0
        if not CHANCE_MIN_SHARE <= chance_share <= CHANCE_MAX_SHARE:
            raise BadChoice("choice.chance: expected 2 to 95, with up to two digits")
        return DiceChoice(chance_share, DiceSide(choice["side"])).draw


def payout_of(stake_units: int, chance_share: int) -> int:
    """Return what a win pays, in the smallest units, rounded down.

    Args:
        stake_units: The stake.
        chance_share: The chance to win, in hundredths of a percent.
    """
    return stake_units * PAID_BACK_SHARE // chance_share


def _percent(share: int) -> str:
    return f"{share // 100}.{share % 100:02}"
