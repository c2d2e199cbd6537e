"""CASINO: bets, and their wins, losses and rollbacks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, money_of
from consumer.tools.sample.world import GAMES

if TYPE_CHECKING:
    from consumer.tools.sample.world import SamplePlayer, World

ROLLBACK_RATIO: Final = 0.02
WIN_RATIO: Final = 0.38


def _identity(event: BrandEvent) -> str:
    rollback = ":rollback" if event.get("status") == "Rollback" else ""
    return f"{event['activity_id']}{rollback}"


def make_casino(world: World) -> BrandEvent:
    """Make a bet, or the win, loss or rollback of an earlier bet."""
    earlier = world.take_earlier("CASINO")
    if earlier is not None:
        return _outcome(world, earlier)
    player = world.player_with_money()
    stake = min(world.money(range(20)) + Decimal("0.10"), player.balance)
    game_id, game_name, game_type, vendor_id, vendor_name = world.random.choice(GAMES)
    bet: BrandEvent = {
        "activity_id": world.unique_id(),
        **_booking(player, stake, -stake),
        "bonus_wager_amount": Decimal("0.00"),
        **money_of(player),
        "game_id": game_id,
        "game_name": game_name,
        "game_type": game_type,
        "is_round_end": False,
        "round_id": world.number(),
        "type": "Bet",
        **about(world, player),
        "vendor_id": vendor_id,
        "vendor_name": vendor_name,
        "wager_amount": stake,
        "status": "Approved",
    }
    world.put_aside("CASINO", bet)
    return bet


CASINO: Final = Recipe(
    name="CASINO",
    make=make_casino,
    weight=400,
    id_field="activity_id",
    conflict_field="amount",
    identity=_identity,
)


def _outcome(world: World, bet: BrandEvent) -> BrandEvent:
    player = world.player_of(bet)
    stake = Decimal(str(bet["amount"]))
    now = {"timestamp": world.timestamp()}
    drawn = world.random.random()
    if drawn < ROLLBACK_RATIO:
        # A rollback is not the same event as its bet, although it has the same activity_id. The
        # vendor allows this.
        return bet | _booking(player, stake, stake) | {"status": "Rollback"} | now
    is_won = drawn < ROLLBACK_RATIO + WIN_RATIO
    won = stake * world.random.randrange(1, 8) if is_won else Decimal("0.00")
    changes: BrandEvent = {
        "activity_id": world.unique_id(),
        **_booking(player, won, won),
        "is_round_end": True,
        "type": "Win" if won else "Loss",
        "wager_amount": won,
    }
    return bet | changes | now


def _booking(player: SamplePlayer, amount: Decimal, change: Decimal) -> BrandEvent:
    before = player.balance
    player.balance = before + change
    return {"amount": amount, "balance_before": before, "balance_after": player.balance}
