"""GAME_ROUND: whole rounds. GAME: changes in the brand's catalogue of games.

A real brand sends either rounds or bets. The sample brand sends both.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, joined
from consumer.tools.sample.world import CENT, CURRENCIES, GAMES, ORIGIN

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

RTP: Final = ("94.2", "96.21", "96.8", "97.3")
"""Shares of the stakes that games return to the players, in percent."""


def make_game_round(world: World) -> BrandEvent:
    """Make a finished round."""
    player = world.player_with_money()
    game_id, game_name, game_type, vendor_id, vendor_name = world.random.choice(GAMES)
    stake = min(world.money(range(20)) + Decimal("0.10"), player.balance)
    won = stake * world.random.choice((0, 0, 0, 1, 2, 5))
    player.balance += won - stake
    exchange_rate = CURRENCIES[player.currency]
    return {
        "round_id": world.number(),
        "game_id": game_id,
        "game_name": game_name,
        "game_type": game_type,
        "vendor_id": vendor_id,
        "vendor_name": vendor_name,
        "user_currency": player.currency,
        "device_type": world.random.choice(("mobile", "mobile", "desktop", "app")),
        **about(world, player),
        "real_bet_user": stake,
        "real_win_user": won,
        "bonus_bet_user": Decimal("0.00"),
        "bonus_win_user": Decimal("0.00"),
        "real_bet_base": (stake * exchange_rate).quantize(CENT),
        "real_win_base": (won * exchange_rate).quantize(CENT),
        "bonus_bet_base": Decimal("0.00"),
        "bonus_win_base": Decimal("0.00"),
    }


GAME_ROUND: Final = Recipe(
    name="GAME_ROUND",
    make=make_game_round,
    weight=80,
    id_field="round_id",
    wrong=("real_bet_user", "abc"),
    conflict_field="real_bet_user",
    identity=joined("user_id", "round_id"),
)


def make_game(world: World) -> BrandEvent:
    """Make a new version of a game's entry in the catalogue of games."""
    game_id, name, game_type, _, provider = world.random.choice(GAMES)
    return {
        "game_id": game_id,
        "is_live": world.chance(0.9),
        "name": name,
        "slug": name.lower().replace(" ", "-"),
        "provider": provider,
        "category": game_type,
        "subcategory": world.random.choice(("Popular", "New", "Jackpots")),
        "supported_devices": ["mobile", "desktop", "app"],
        "last_modified": world.timestamp(),
        "origin": ORIGIN,
        "rtp": Decimal(world.random.choice(RTP)),
    }


GAME: Final = Recipe(
    name="GAME",
    make=make_game,
    weight=5,
    id_field="game_id",
    wrong=("is_live", "yes"),
    identity=joined("game_id", "last_modified"),
    identity_is_id=False,
)
