"""Shows what the ledger has booked for the player of a session, so that a tester can compare.

This is not a part of the test games: they know only what the wallet answers them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.errors import Unavailable
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import RETRY, AnswerForm, Endpoint
from consumer.http.parameters import read_query
from consumer.ledger.reads import LedgerReads
from consumer.ledger.sessions import LedgerSessions
from consumer.wallet.endpoints import ok_form
from consumer.wallet.settings import SANDBOX_PROVIDER
from consumer.wallet.told import away_problem, funds_fields, transaction_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.clock import Clock
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.base import Ledger
    from consumer.ledger.reads import ShownTransaction
    from consumer.ledger.sessions import SeatedPlayer
    from consumer.ledger.shown import Player

SHOWN_MAX_COUNT: Final = 100
SHOWN_FIELDS: Final = (
    *("sequence", "ledger_id", "type", "verb", "transaction_id", "round_id", "game_id"),
    *("amount", "real", "bonus", "balance_after", "time"),
)
"""What the page shows of a transaction, in this order. Each of them moved money, so each has a
balance."""
AWAY: Final = "the ledger is away"
_TEXT: Final = {"type": "string"}
_SCHEMA: Final = {
    "title": "SandboxBooks",
    "type": "object",
    "properties": {
        "player_id": _TEXT,
        "currency": _TEXT,
        "balance": _TEXT,
        "waiting_events": {"type": "integer"},
        "transactions": {"type": "array", "items": {"type": "object"}},
    },
}
_EXAMPLE: Final = {
    "player_id": "tester-1",
    "currency": "EUR",
    "balance": "988.50",
    "balance_real": "988.50",
    "balance_bonus": "0.00",
    "waiting_events": 0,
    "transactions": [
        {
            "sequence": 7, "ledger_id": "42", "type": "BET", "verb": "bet",
            "transaction_id": "t-1", "round_id": "r-1", "game_id": "slot", "amount": "1.00",
            "real": "-1.00", "bonus": "0.00", "balance_after": "986.50",
            "time": "2026-11-26T12:00:00.000000Z", "event_confirmed": True,
        }
    ],
}  # fmt: skip


class SandboxBooksQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the books."""

    brand: Annotated[str, Meta(max_length=64, description="the brand")]
    session: Annotated[str, Meta(max_length=128, description="the session of the test game")]
    limit_count: Annotated[
        int,
        Meta(ge=1, le=SHOWN_MAX_COUNT, description=f"a whole number from 1 to {SHOWN_MAX_COUNT}"),
    ] = msgspec.field(default=20, name="limit")


class SandboxBooks:
    """Answers the requests.

    Args:
        ledger: The ledger of test money.
        amounts: Writes amounts.
        clock: The clock.
    """

    def __init__(self, ledger: Ledger, amounts: Amounts, clock: Clock) -> None:
        self._ledger = ledger
        self._amounts = amounts
        self._clock = clock

    async def show(self, request: Request) -> Answer:
        """Return what was booked last.

        Raises:
            Problem: 404 if there is no such session of a test game, 503 if the database is away.
        """
        query = read_query(request, SandboxBooksQuery)
        with _away():
            return await self._shown(query)

    async def check_session(self, brand: str, session: str) -> None:
        """Check that a test game has this session, before any other work is done for it.

        Raises:
            Problem: 404 if there is no such session, 503 if the database is away.
        """
        with _away():
            await self._seat(brand, session)

    async def _seat(self, brand: str, session: str) -> SeatedPlayer:
        sessions, now_s = LedgerSessions(self._ledger), self._clock.now_s()
        seat = await sessions.find(brand, SANDBOX_PROVIDER, session, now_s)
        if seat is None:
            facts = {"code": "SESSION_NOT_FOUND"}
            detail = "there is no such session of a test game"
            raise Problem(404, "not_found", detail, facts=facts)
        return seat

    async def _shown(self, query: SandboxBooksQuery) -> Answer:
        seat = await self._seat(query.brand, query.session)
        player = await self._player(query.brand, seat)
        reads, account = LedgerReads(self._ledger), (query.brand, seat.player_id, seat.currency)
        # First the rows that wait: what is confirmed in between is only shown later.
        waiting = set(await reads.waiting(*account))
        behind = max(0, player.sequence - query.limit_count)
        booked = await reads.statement(*account, behind, query.limit_count)
        document = {
            "player_id": seat.player_id,
            **funds_fields(self._amounts, player.funds),
            "waiting_events": len(waiting),
            "transactions": [
                _shown_fields(self._amounts, one) | {"event_confirmed": one.sequence not in waiting}
                for one in reversed(booked)
            ],
        }
        return Answer(200, msgspec.json.encode(document), headers={"cache-control": "no-store"})

    async def _player(self, brand: str, seat: SeatedPlayer) -> Player:
        players = await self._ledger.players(brand, seat.player_id)
        (found,) = [one for one in players if one.funds.currency == seat.currency]
        return found


@contextlib.contextmanager
def _away() -> Iterator[None]:
    """Turn the loss of the database within the block into a problem.

    Raises:
        Problem: 503.
    """
    try:
        yield
    except Unavailable as error:
        raise away_problem(AWAY) from error


def _shown_fields(amounts: Amounts, one: ShownTransaction) -> dict[str, object]:
    told = transaction_fields(amounts, one)
    return {name: told[name] for name in SHOWN_FIELDS}


def books_endpoint(books: SandboxBooks) -> Endpoint:
    """Return the endpoint."""
    missing = {
        "reason": "not_found",
        "code": "SESSION_NOT_FOUND",
        "detail": "there is no such session of a test game",
    }
    away = {"reason": "unavailable", "code": "UNAVAILABLE", "detail": AWAY}
    return Endpoint(
        name="sandbox_books",
        method="GET",
        path="/sandbox/books",
        summary="Show what was booked for the player of a test game",
        description="The newest first. The session is the only right that is needed.",
        handle=books.show,
        needs_key=False,
        query=SandboxBooksQuery,
        answers=(
            ok_form(_SCHEMA, _EXAMPLE, "What was booked."),
            AnswerForm(
                status=404,
                meaning="There is no such session.",
                examples={"session_not_found": missing},
            ),
            AnswerForm(
                status=503,
                meaning="The ledger is away.",
                examples={"unavailable": away},
                headers=RETRY,
            ),
        ),
    )
