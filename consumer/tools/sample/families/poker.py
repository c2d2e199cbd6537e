"""POKER_*: players join a table or tournament with money, and leave it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, joined, money_of

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

TABLES: Final = ((22, "Bern", "0.5"), (23, "Oslo", "1"), (31, "Riga", "2"))
"""Each table's id, name and small blind."""
TOURNAMENTS: Final = ((55, "Sunday Special", "MTT", 20), (56, "Quick Six", "SNG", 5))
"""Each tournament's id, name, format and price."""
ZERO: Final = Decimal("0.00")
WRONG_PRICE: Final = ("buy_in_amount", "abc")
_CASH: Final = "POKER_CASH_GAME"
_TOURNAMENT: Final = "POKER_TOURNAMENT"

_cash_identity: Final = joined("user_id", "table_id", "status", "timestamp")
_tournament_identity: Final = joined("user_id", "tournament_id", "status", "timestamp")


def _paid(amount: Decimal) -> BrandEvent:
    return {
        "buy_in_amount": amount,
        "real_buy_in_amount": amount,
        "bonus_buy_in_amount": ZERO,
        "locked_buy_in_amount": ZERO,
    }


def _seat(world: World) -> BrandEvent:
    player = world.player_with_money()
    table_id, name, blind = world.random.choice(TABLES)
    small = Decimal(blind)
    return {
        "table_id": table_id,
        "table_name": name,
        "table_start_time": world.moment(-7200, -60),
        "table_min_buy_in": small * 40,
        "table_max_buy_in": small * 200,
        "table_small_blind": small,
        "table_big_blind": small * 2,
        "table_max_seats": 6,
        "table_game_format": "NLH",
        "table_ante": ZERO,
        "table_is_fast_fold": False,
        **money_of(player),
        "status": "Approved",
        **about(world, player),
    }


def _entry(world: World) -> BrandEvent:
    player = world.player_with_money()
    tournament_id, name, form, price = world.random.choice(TOURNAMENTS)
    return {
        "tournament_id": tournament_id,
        "tournament_name": name,
        "tournament_format": form,
        "tournament_game_format": "NLH",
        "tournament_start_time": world.moment(60, 7200),
        "tournament_late_entry_time": world.moment(7200, 10_800),
        "tournament_buy_in": Decimal(price) * 9 / 10,
        "tournament_fee": Decimal(price) / 10,
        "tournament_guarantee": Decimal(price) * 50,
        "tournament_allow_rebuys": form == "MTT",
        "tournament_blind_type": "Turbo",
        "tournament_starting_blinds": "10/20",
        "tournament_has_bounty": False,
        "tournament_is_fast_fold": False,
        "tournament_is_satellite": False,
        **money_of(player),
        "status": "Approved",
        **about(world, player),
    }


def make_cash_buy_in(world: World) -> BrandEvent:
    """Make the buy-in of a player at a table."""
    seat = _seat(world)
    world.put_aside(_CASH, seat)
    blinds = world.random.choice((40, 100, 200))
    return seat | _paid(Decimal(str(seat["table_small_blind"])) * blinds)


def make_cash_out(world: World) -> BrandEvent:
    """Make the cash-out of a player who leaves a table."""
    return _paid_out(world, world.take_earlier(_CASH, 1.0) or _seat(world))


def make_tournament_buy_in(world: World) -> BrandEvent:
    """Make the buy-in of a player for a tournament."""
    entry = _entry(world)
    world.put_aside(_TOURNAMENT, entry)
    price = Decimal(str(entry["tournament_buy_in"])) + Decimal(str(entry["tournament_fee"]))
    return entry | _paid(price) | {"is_late_entry": False, "is_rebuy": world.chance(0.1)}


def make_tournament_cash_out(world: World) -> BrandEvent:
    """Make the cash-out of a player at the end of a tournament."""
    return _paid_out(world, world.take_earlier(_TOURNAMENT, 1.0) or _entry(world))


def _paid_out(world: World, earlier: BrandEvent) -> BrandEvent:
    """Return the cash-out that has the fields of a player's earlier seat or entry.

    No document says which field holds the amount of a cash-out, so this amount is in `meta`.
    """
    return earlier | {"timestamp": world.timestamp(), "meta": {"amount": world.money(range(400))}}


POKER_CASH_GAME_BUY_IN_V2: Final = Recipe(
    name="POKER_CASH_GAME_BUY_IN_V2",
    make=make_cash_buy_in,
    weight=15,
    wrong=WRONG_PRICE,
    conflict_field="buy_in_amount",
    identity=_cash_identity,
)
POKER_CASH_GAME_CASH_OUT_V2: Final = Recipe(
    name="POKER_CASH_GAME_CASH_OUT_V2",
    make=make_cash_out,
    weight=12,
    wrong=("table_max_seats", "six"),
    identity=_cash_identity,
)
POKER_TOURNAMENT_BUY_IN_V2: Final = Recipe(
    name="POKER_TOURNAMENT_BUY_IN_V2",
    make=make_tournament_buy_in,
    weight=10,
    wrong=WRONG_PRICE,
    conflict_field="buy_in_amount",
    identity=_tournament_identity,
)
POKER_TOURNAMENT_CASH_OUT_V2: Final = Recipe(
    name="POKER_TOURNAMENT_CASH_OUT_V2",
    make=make_tournament_cash_out,
    weight=8,
    wrong=("tournament_buy_in", "abc"),
    identity=_tournament_identity,
)
