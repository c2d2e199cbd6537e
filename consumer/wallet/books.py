"""Answers what a brand reads of its players' money: statements, transactions and rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.events.timestamp import from_epoch_s
from consumer.http.answer import Problem
from consumer.http.parameters import read_query
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.reads import LedgerReads
from consumer.wallet.bodies import part_of
from consumer.wallet.told import transaction_fields

if TYPE_CHECKING:
    from consumer.clock import Clock
    from consumer.http.answer import Answer
    from consumer.http.request import Request
    from consumer.ledger.base import Ledger
    from consumer.ledger.reads import OpenRound
    from consumer.wallet.desk import BrandDesk

OF_ROUND_COUNT: Final = 1000
"""So many transactions of a round are shown at most."""
PageLimit = Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")]


class StatementQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a statement."""

    currency: Annotated[
        str, Meta(pattern=r"^[A-Z0-9]{1,16}$", description="the currency of the account")
    ]
    after_sequence: Annotated[
        int, Meta(ge=0, le=2**62, description="a sequence; 0: from the start")
    ] = msgspec.field(default=0, name="after")
    limit_count: PageLimit = msgspec.field(default=100, name="limit")


class RoundsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of open rounds."""

    open: Annotated[bool, Meta(description="only `true`: the rounds that are open")] = True
    older_than_s: Annotated[
        int, Meta(ge=0, le=10**9, description="only rounds that began so long ago, in seconds")
    ] = 0
    limit_count: PageLimit = msgspec.field(default=100, name="limit")


class WalletBooks:
    """Answers the requests.

    Args:
        desk: Finds the ledger and the brand of a request.
        clock: The clock.
    """

    def __init__(self, desk: BrandDesk, clock: Clock) -> None:
        self._desk = desk
        self._amounts = desk.amounts
        self._clock = clock

    async def statement(self, request: Request) -> Answer:
        """Return the transactions of an account behind a sequence."""

        async def read(ledger: Ledger, brand: str) -> dict[str, object]:
            query = read_query(request, StatementQuery)
            player_id = part_of(request, "player_id")
            page = (query.after_sequence, query.limit_count)
            found = await LedgerReads(ledger).statement(brand, player_id, query.currency, *page)
            if not found:
                accounts = await ledger.players(brand, player_id)
                if query.currency not in {one.funds.currency for one in accounts}:
                    raise OrderRefused(LedgerRefusal.PLAYER_NOT_FOUND)
            return {"transactions": [transaction_fields(self._amounts, one) for one in found]}

        return await self._desk.answer(request, read)

    async def transaction(self, request: Request) -> Answer:
        """Return what is stored under an id of a provider."""

        async def read(ledger: Ledger, brand: str) -> dict[str, object]:
            provider = part_of(request, "provider")
            found = await LedgerReads(ledger).transaction(
                brand, provider, part_of(request, "transaction_id")
            )
            if found is None:
                raise Problem(404, "not_found", "there is no such transaction")
            return transaction_fields(self._amounts, found)

        return await self._desk.answer(request, read)

    async def open_rounds(self, request: Request) -> Answer:
        """Return the rounds that no message has closed, the oldest first."""

        async def read(ledger: Ledger, brand: str) -> dict[str, object]:
            query = read_query(request, RoundsQuery)
            if not query.open:
                raise Problem(400, "bad_request", "open: expected true")
            until_us = int((self._clock.now_s() - query.older_than_s) * 1e6)
            found = await LedgerReads(ledger).open_rounds(brand, until_us, query.limit_count)
            return {"rounds": [self._told_round(one) for one in found]}

        return await self._desk.answer(request, read)

    async def of_round(self, request: Request) -> Answer:
        """Return the transactions of a round."""

        async def read(ledger: Ledger, brand: str) -> dict[str, object]:
            provider, game_id = part_of(request, "provider"), part_of(request, "game_id")
            round_id = part_of(request, "round_id")
            found = await LedgerReads(ledger).of_round(
                brand, provider, game_id, round_id, OF_ROUND_COUNT
            )
            if not found:
                raise Problem(404, "not_found", "there is no such round")
            return {"transactions": [transaction_fields(self._amounts, one) for one in found]}

        return await self._desk.answer(request, read)

    def _told_round(self, one: OpenRound) -> dict[str, object]:
        return {
            "provider": one.provider,
            "game_id": one.game_id,
            "round_id": one.round_id,
            "player_id": one.player_id,
            "currency": one.currency,
            "stake": self._amounts.write(one.stake_units, one.currency),
            "bets": one.bets_count,
            "live_bets": one.live_bets_count,
            "live_wins": one.live_wins_count,
            "began": from_epoch_s(one.at_us / 1e6),
        }
