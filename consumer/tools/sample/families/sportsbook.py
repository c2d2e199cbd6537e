"""SPORTSBOOK: bets on one match or on several, and their settlements and rollbacks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, money_of
from consumer.tools.sample.world import CENT

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

MATCHES: Final = (
    ("Football", "Serie A", "Lazio", "Roma"),
    ("Football", "Allsvenskan", "AIK", "Hammarby"),
    ("Football", "Premier League", "Everton", "Fulham"),
    ("Ice Hockey", "SHL", "Frölunda", "Luleå"),
    ("Tennis", "Wimbledon", "Player One", "Player Two"),
)
"""Each match's sport, tournament and two sides."""


def _identity(event: BrandEvent) -> str:
    rollback = ":rollback" if event["status"] == "Rollback" else ""
    return f"{event['activity_id']}{rollback}"


def make_sportsbook(world: World) -> BrandEvent:
    """Make a bet, or the settlement or rollback of an earlier bet."""
    earlier = world.take_earlier("SPORTSBOOK")
    if earlier is not None:
        return _settled(world, earlier)
    player = world.player_with_money()
    legs_count = world.random.choice((1, 1, 1, 2, 3))
    legs = [_leg(world, match) for match in world.random.sample(MATCHES, legs_count)]
    odds = Decimal(1)
    for leg in legs:
        odds *= Decimal(str(leg["odds"]))
    stake = min(Decimal(world.random.choice((2, 5, 10, 20, 50))), player.balance)
    before, player.balance = player.balance, player.balance - stake
    bet: BrandEvent = {
        "activity_id": world.unique_id(),
        "amount": stake,
        "odds": odds.quantize(CENT),
        **money_of(player),
        "status": "Approved",
        "type": "Bet",
        "bet_type": "Single" if legs_count == 1 else "Multi",
        "balance_before": before,
        "balance_after": player.balance,
        "wager_amount": stake,
        "bonus_wager_amount": Decimal("0.00"),
        "device_type": world.random.choice(("mobile", "desktop", "app")),
        **about(world, player),
        "bets": legs,
    }
    world.put_aside("SPORTSBOOK", bet)
    return bet


SPORTSBOOK: Final = Recipe(
    name="SPORTSBOOK",
    make=make_sportsbook,
    weight=70,
    conflict_field="amount",
    identity=_identity,
)


def _leg(world: World, match: tuple[str, str, str, str]) -> BrandEvent:
    sport, tournament, home, away = match
    return {
        "event_name": f"{home} - {away}",
        "match_start": world.moment(-5400, 86_400),
        "odds": world.money(range(1, 5)) + Decimal("0.05"),
        "is_live": world.chance(0.4),
        "market": "Full Time Result",
        "sports_name": sport,
        "tournament_name": tournament,
        "outcomes": [
            {"criterion_name": "Winner", "outcome_label": world.random.choice((home, away))}
        ],
    }


def _settled(world: World, bet: BrandEvent) -> BrandEvent:
    player = world.player_of(bet)
    stake, odds = Decimal(str(bet["amount"])), Decimal(str(bet["odds"]))
    is_rollback = world.chance(0.02)
    won = (stake * odds).quantize(CENT) if world.chance(0.4) else Decimal("0.00")
    if is_rollback:
        won = stake
    before, player.balance = player.balance, player.balance + won
    changes: BrandEvent = {
        "balance_before": before,
        "balance_after": player.balance,
        "timestamp": world.timestamp(),
    }
    if is_rollback:
        # A rollback is not the same event as its bet, although it has the same activity_id.
        return bet | changes | {"status": "Rollback"}
    return (
        bet
        | changes
        | {
            "activity_id": world.unique_id(),
            "activity_id_reference": bet["activity_id"],
            "amount": won,
            "wager_amount": won,
            "type": "Settlement",
            "is_cashout": world.chance(0.1),
            "reference_bet_amount": stake,
            "reference_bet_real_amount": stake,
        }
    )
