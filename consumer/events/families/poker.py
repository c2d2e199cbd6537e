"""POKER_*: money that players bring to a table or tournament, and take away from it.

The vendor describes the buy-ins, and says that the cash-outs have the same form. A boolean that is
omitted means false.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    BODY,
    PAGE_ONLY,
    SCHEMAS,
    AnyHost,
    EventType,
    Fields,
    OptionalCurrency,
    OptionalObject,
    OptionalRate,
    PageFlag,
    PageId,
    PageNumber,
    PageText,
    PageTime,
    PageWholeNumber,
    Timestamp,
    UserId,
    choice,
    hint,
    only,
)

PokerStatus = Annotated[str, choice("Approved", "Rollback", why="Absent means Approved.")]
TournamentFormat = Annotated[str, hint("MTT", "SNG", why="The kind of tournament.")]
PAGES = "https://www.fasttrack.ai/en/resources/integration/real-time-data/poker"


class Poker(Fields, kw_only=True, forbid_unknown_fields=True):
    """The fields of all poker events. The vendor's schemas know only a few of them."""

    user_id: UserId
    origin: Annotated[AnyHost | UnsetType | None, PAGE_ONLY] = UNSET
    brand_id: PageId = UNSET
    """The brand. A table on the vendor's page has this field in place of origin."""
    timestamp: Timestamp
    status: PokerStatus | UnsetType | None = UNSET
    meta: Annotated[OptionalObject, PAGE_ONLY] = UNSET
    """Anything else that the brand wants to say."""


class CashGame(Poker, kw_only=True, forbid_unknown_fields=True):
    """A table where players come and go."""

    # The schema requires these two fields, and accepts any value in them.
    currency: Annotated[OptionalCurrency, PAGE_ONLY] = UNSET
    exchange_rate: Annotated[OptionalRate, PAGE_ONLY] = UNSET
    table_id: PageId = UNSET
    """The id of the table."""
    table_name: PageText = UNSET
    """The name of the table."""
    table_start_time: PageTime = UNSET
    """The time at which the table was opened."""
    table_min_buy_in: PageNumber = UNSET
    """The least that a player has to bring."""
    table_max_buy_in: PageNumber = UNSET
    """The most that a player may bring."""
    table_small_blind: PageNumber = UNSET
    """The small blind."""
    table_big_blind: PageNumber = UNSET
    """The big blind."""
    table_max_seats: PageWholeNumber = UNSET
    """The number of players that have room at the table."""
    table_game_format: PageText = UNSET
    """The kind of poker, such as NLH."""
    table_ante: PageNumber = UNSET
    """The ante."""
    table_is_fast_fold: PageFlag = UNSET
    """If true, players who fold move to another table."""


class CashBuyIn(CashGame, kw_only=True, forbid_unknown_fields=True):
    """A player brought money to a table."""

    buy_in_amount: PageNumber = UNSET
    """Real money, bonus money and locked money together."""
    real_buy_in_amount: PageNumber = UNSET
    """The real-money part of the buy-in."""
    bonus_buy_in_amount: PageNumber = UNSET
    """The bonus part of the buy-in."""
    locked_buy_in_amount: PageNumber = UNSET
    """The locked-money part of the buy-in."""


class CashOut(CashGame, kw_only=True, forbid_unknown_fields=True):
    """A player took money away from a table. The amounts of this event pass as they come."""


class Tournament(Poker, kw_only=True, forbid_unknown_fields=True):
    """A tournament."""

    currency: OptionalCurrency = UNSET
    exchange_rate: OptionalRate = UNSET
    tournament_id: PageId = UNSET
    """The id of the tournament."""
    tournament_name: PageText = UNSET
    """The name of the tournament."""
    tournament_format: Annotated[TournamentFormat | UnsetType | None, PAGE_ONLY] = UNSET
    tournament_game_format: PageText = UNSET
    """The kind of poker, such as NLH."""
    tournament_start_time: PageTime = UNSET
    """The time at which the tournament begins."""
    tournament_late_entry_time: PageTime = UNSET
    """The time until which players may enter."""
    tournament_buy_in: PageNumber = UNSET
    """The price of a seat."""
    tournament_fee: PageNumber = UNSET
    """The brand's share."""
    tournament_guarantee: PageNumber = UNSET
    """The least that can be won."""
    tournament_allow_rebuys: PageFlag = UNSET
    """If true, players may buy in again."""
    tournament_rebuy_allowed_time: PageTime = UNSET
    """The time until which players may buy in again."""
    tournament_blind_type: PageText = UNSET
    """How the blinds rise, such as Turbo."""
    tournament_starting_blinds: PageText = UNSET
    """The first blinds, such as 10/20."""
    tournament_has_bounty: PageFlag = UNSET
    """If true, a player is paid for knocking another player out."""
    tournament_is_fast_fold: PageFlag = UNSET
    """If true, players who fold move to another table."""
    tournament_is_satellite: PageFlag = UNSET
    """If true, the prize is a seat in another tournament."""
    tournament_satellite_to_event_id: PageId = UNSET
    """The id of that other tournament."""


class TournamentBuyIn(Tournament, kw_only=True, forbid_unknown_fields=True):
    """A player bought a seat in a tournament."""

    is_late_entry: PageFlag = UNSET
    """If true, the tournament had begun already."""
    is_rebuy: PageFlag = UNSET
    """If true, the player had been in the tournament before."""
    buy_in_amount: PageNumber = UNSET
    """Real money, bonus money and locked money together."""
    real_buy_in_amount: PageNumber = UNSET
    """The real-money part of the buy-in."""
    bonus_buy_in_amount: PageNumber = UNSET
    """The bonus part of the buy-in."""
    locked_buy_in_amount: PageNumber = UNSET
    """The locked-money part of the buy-in."""


class TournamentCashOut(Tournament, kw_only=True, forbid_unknown_fields=True):
    """A player was paid from a tournament. The amounts of this event pass as they come."""


def _type(name: str, fields: type[Poker], place: str, subject: str, page: str) -> EventType:
    def identity(event: CashGame | Tournament) -> tuple[str, ...]:
        place_id = getattr(event, place)
        if not place_id:
            # The vendor's page requires this id, but the vendor's schema does not know it.
            return (BODY,)
        return str(event.user_id), str(place_id), str(event.status or "Approved"), event.timestamp

    return EventType(
        name=name,
        fields=fields,
        sources=(f"{PAGES}/{page}", SCHEMAS),
        identity=identity,
        identified_by=(
            f"user_id, or hash of the body without {place}",
            place,
            "status",
            "timestamp",
        ),
        # The order is the same in every process, because the fingerprint depends on the order.
        deciding=tuple(
            name for name in ("currency", "buy_in_amount") if name in fields.__struct_fields__
        ),
        subjects=only(subject),
        strict=("currency", "exchange_rate", "status"),
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
