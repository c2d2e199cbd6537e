"""All recipes, by message type. A new message type needs its recipe here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.sample.families import (
    bonus,
    casino,
    custom,
    game,
    lottery,
    payment,
    player,
    poker,
    sportsbook,
)

if TYPE_CHECKING:
    from consumer.tools.sample.base import Recipe

RECIPES: Final[dict[str, Recipe]] = {
    recipe.name: recipe
    for recipe in (
        casino.CASINO,
        game.GAME_ROUND,
        game.GAME,
        payment.PAYMENT,
        payment.USER_BALANCES_UPDATE,
        bonus.BONUS,
        sportsbook.SPORTSBOOK,
        lottery.LOTTERY_V2,
        lottery.LOTTERY,
        lottery.CART,
        poker.POKER_CASH_GAME_BUY_IN_V2,
        poker.POKER_CASH_GAME_CASH_OUT_V2,
        poker.POKER_TOURNAMENT_BUY_IN_V2,
        poker.POKER_TOURNAMENT_CASH_OUT_V2,
        player.LOGIN_V2,
        player.USER_CREATE_V2,
        player.USER_UPDATE_V2,
        player.USER_BLOCK_V2,
        player.USER_CONSENTS_V2,
        player.USER_TAG,
        player.USER_MIGRATION,
        player.USER_MIGRATION_APPROVE,
        custom.CUSTOM,
        custom.IT_PING,
    )
}
