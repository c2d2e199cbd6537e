"""Lists the test games, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.sandbox.games.dice import DiceGame
from consumer.sandbox.games.slot import SlotMachine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.sandbox.games.base import SandboxGame

OFFERED: Final[Mapping[str, SandboxGame]] = {
    game.game_id: game for game in (SlotMachine(), DiceGame())
}
