"""CASINO: bets, and what becomes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from consumer.tools.sample.base import Event, about, money_of, sample
from consumer.tools.sample.world import GAMES

if TYPE_CHECKING:
    from consumer.tools.sample.world import Player, World


def _identity(event: Event) -> str:
    rollback = ":rollback" if event.get("status") == "Rollback" else ""
    return f"{event['activity_id']}{rollback}"


@sample("CASINO", weight=400, id_field="activity_id", conflict_field="amount", identity=_identity)
def casino(world: World) -> Event:
    """Make a bet, or what follows from an earlier one: its win, its loss, its rollback."""
    earlier = world.earlier("CASINO")
    if earlier is not None:
        return _outcome(world, earlier)
    player = world.player_with_money()
    stake = min(world.money(0, 20) + Decimal("0.10"), player.balance)
    game_id, game_name, game_type, vendor_id, vendor_name = world.random.choice(GAMES)
    bet: Event = {
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
    world.wait("CASINO", bet)
    return bet


def _outcome(world: World, bet: Event) -> Event:
    player = world.player_of(bet)
    stake = Decimal(str(bet["amount"]))
    now = {"timestamp": world.timestamp()}
    drawn = world.random.random()
    if drawn < 0.02:  # noqa: PLR2004  # rollbacks are rare
        # Under its bet's id, as the vendor allows: another event all the same.
        return bet | _booking(player, stake, stake) | {"status": "Rollback"} | now
    won = stake * world.random.randrange(1, 8) if drawn < 0.4 else Decimal("0.00")  # noqa: PLR2004  # about what casinos pay
    changes: Event = {
        "activity_id": world.unique_id(),
        **_booking(player, won, won),
        "is_round_end": True,
        "type": "Win" if won else "Loss",
        "wager_amount": won,
    }
    return bet | changes | now


def _booking(player: Player, amount: Decimal, change: Decimal) -> Event:
    before = player.balance
    player.balance = before + change
    return {"amount": amount, "balance_before": before, "balance_after": player.balance}
