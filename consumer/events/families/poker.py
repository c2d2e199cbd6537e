"""POKER_*: money that players bring to a table or tournament, and take away from it.

The vendor documents the buy-ins; of the cash-outs it says that they have the same form. An
omitted boolean means false.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    SCHEMAS,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    OptionalAmount,
    OptionalFlag,
    OptionalId,
    OptionalNumber,
    OptionalObject,
    OptionalRate,
    OptionalText,
    OptionalTime,
    OptionalWholeNumber,
    Timestamp,
    UserId,
    choice,
    hint,
    only,
)

PokerStatus = Annotated[str, choice("Approved", "Rollback", why="Absent means Approved.")]
TournamentFormat = Annotated[str, hint("MTT", "SNG", why="Kind of tournament.")]
PAGES = "https://www.fasttrack.ai/en/resources/integration/real-time-data/poker"


class Poker(Fields, kw_only=True, forbid_unknown_fields=True):
    """What all poker events carry."""

    user_id: UserId
    origin: BrandHost | UnsetType | None = UNSET
    brand_id: OptionalId = UNSET
    """The brand, where the vendor's table has this in place of origin."""
    timestamp: Timestamp
    currency: Currency | UnsetType | None = UNSET
    exchange_rate: OptionalRate = UNSET
    status: PokerStatus | UnsetType | None = UNSET
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


class CashGame(Poker, kw_only=True, forbid_unknown_fields=True):
    """A table where players come and go."""

    table_id: Id
    """Id of the table."""
    table_name: OptionalText = UNSET
    """Name of the table."""
    table_start_time: OptionalTime = UNSET
    """When it was opened."""
    table_min_buy_in: OptionalNumber = UNSET
    """The least that a player has to bring."""
    table_max_buy_in: OptionalNumber = UNSET
    """The most that a player may bring."""
    table_small_blind: OptionalNumber = UNSET
    """The small blind."""
    table_big_blind: OptionalNumber = UNSET
    """The big blind."""
    table_max_seats: OptionalWholeNumber = UNSET
    """How many can play."""
    table_game_format: OptionalText = UNSET
    """Such as NLH."""
    table_ante: OptionalNumber = UNSET
    """The ante."""
    table_is_fast_fold: OptionalFlag = UNSET
    """Players who fold move to another table."""


class CashBuyIn(CashGame, kw_only=True, forbid_unknown_fields=True):
    """A player brought money to a table."""

    buy_in_amount: OptionalAmount = UNSET
    """Real, bonus and locked money together."""
    real_buy_in_amount: OptionalAmount = UNSET
    """The real-money part."""
    bonus_buy_in_amount: OptionalAmount = UNSET
    """The bonus part."""
    locked_buy_in_amount: OptionalAmount = UNSET
    """The locked-money part."""


class CashOut(CashGame, kw_only=True, forbid_unknown_fields=True):
    """A player took money away from a table. Its amounts pass as they come."""


class Tournament(Poker, kw_only=True, forbid_unknown_fields=True):
    """A tournament."""

    tournament_id: Id
    """Id of the tournament."""
    tournament_name: OptionalText = UNSET
    """Name of the tournament."""
    tournament_format: TournamentFormat | UnsetType | None = UNSET
    tournament_game_format: OptionalText = UNSET
    """Such as NLH."""
    tournament_start_time: OptionalTime = UNSET
    """When it begins."""
    tournament_late_entry_time: OptionalTime = UNSET
    """Until when players may enter."""
    tournament_buy_in: OptionalNumber = UNSET
    """The price of a seat."""
    tournament_fee: OptionalNumber = UNSET
    """The brand's share."""
    tournament_guarantee: OptionalNumber = UNSET
    """What can be won at least."""
    tournament_allow_rebuys: OptionalFlag = UNSET
    """Whether players may buy in again."""
    tournament_rebuy_allowed_time: OptionalTime = UNSET
    """Until when they may."""
    tournament_blind_type: OptionalText = UNSET
    """Such as Turbo."""
    tournament_starting_blinds: OptionalText = UNSET
    """Such as 10/20."""
    tournament_has_bounty: OptionalFlag = UNSET
    """Whether knocking somebody out is paid."""
    tournament_is_fast_fold: OptionalFlag = UNSET
    """Players who fold move to another table."""
    tournament_is_satellite: OptionalFlag = UNSET
    """The prize is a seat in another tournament."""
    tournament_satellite_to_event_id: OptionalId = UNSET
    """That other tournament."""


class TournamentBuyIn(Tournament, kw_only=True, forbid_unknown_fields=True):
    """A player bought a seat in a tournament."""

    is_late_entry: OptionalFlag = UNSET
    """It had begun already."""
    is_rebuy: OptionalFlag = UNSET
    """The player had been in it before."""
    buy_in_amount: OptionalAmount = UNSET
    """Real, bonus and locked money together."""
    real_buy_in_amount: OptionalAmount = UNSET
    """The real-money part."""
    bonus_buy_in_amount: OptionalAmount = UNSET
    """The bonus part."""
    locked_buy_in_amount: OptionalAmount = UNSET
    """The locked-money part."""


class TournamentCashOut(Tournament, kw_only=True, forbid_unknown_fields=True):
    """A player was paid from a tournament. Its amounts pass as they come."""


def _type(name: str, fields: type[Poker], place: str, subject: str, page: str) -> EventType:
    def identity(event: CashGame | Tournament) -> tuple[str, ...]:
        status = str(event.status or "Approved")
        return str(event.user_id), str(getattr(event, place)), status, event.timestamp

    return EventType(
        name=name,
        fields=fields,
        sources=(f"{PAGES}/{page}", SCHEMAS),
        identity=identity,
        identified_by=("user_id", place, "status", "timestamp"),
        # In the same order in every process: the fingerprint depends on it.
        deciding=tuple(
            name for name in ("currency", "buy_in_amount") if name in fields.__struct_fields__
        ),
        subject=lambda _: subject,
        subjects=only(subject),
        strict=("origin", "currency", "exchange_rate", "status"),
    )


POKER_CASH_GAME_BUY_IN_V2 = _type(
    "POKER_CASH_GAME_BUY_IN_V2", CashBuyIn, "table_id", "poker.cash_buy_in", "poker-cash-game"
)
POKER_CASH_GAME_CASH_OUT_V2 = _type(
    "POKER_CASH_GAME_CASH_OUT_V2", CashOut, "table_id", "poker.cash_cash_out", "poker-cash-game"
)
POKER_TOURNAMENT_BUY_IN_V2 = _type(
    "POKER_TOURNAMENT_BUY_IN_V2",
    TournamentBuyIn,
    "tournament_id",
    "poker.tournament_buy_in",
    "poker-tournament",
)
POKER_TOURNAMENT_CASH_OUT_V2 = _type(
    "POKER_TOURNAMENT_CASH_OUT_V2",
    TournamentCashOut,
    "tournament_id",
    "poker.tournament_cash_out",
    "poker-tournament",
)
