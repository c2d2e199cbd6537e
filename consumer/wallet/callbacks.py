"""Answers the callbacks of games: checks the signature, asks the ledger, and writes the answer.

POST /v1/wallet/… ─► signature ─► body ─► ledger ─► answer, within `ANSWER_S`
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from consumer.errors import Unavailable
from consumer.http.answer import Answer, Problem
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.orders import Bet, BetWin, Rollback, RoundEnd, Win
from consumer.wallet.amounts import BadAmount, UnknownCurrency
from consumer.wallet.bodies import (
    BODY_MAX_BYTES,
    BalanceBody,
    BetBody,
    BetWinBody,
    RollbackBody,
    RoundEndBody,
    WinBody,
    bad_request,
    read_json,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from consumer.deliveries.origin import Environment
    from consumer.http.request import Request
    from consumer.ledger.answers import Booked, Funds
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback, Caller
    from consumer.wallet.amounts import Amounts
    from consumer.wallet.callers import Callers
    from consumer.wallet.facts import Facts

ANSWER_S: Final = 2.8
"""A provider waits 3 s for its answer. A 503 in this time is better than none."""
RETRY_S: Final = "1"
STATUSES: Final[Mapping[LedgerRefusal, int]] = {
    LedgerRefusal.SESSION_NOT_FOUND: 404,
    LedgerRefusal.SESSION_EXPIRED: 401,
    LedgerRefusal.PLAYER_NOT_FOUND: 404,
    LedgerRefusal.PLAYER_FROZEN: 403,
    LedgerRefusal.GAME_NOT_FOUND: 404,
    LedgerRefusal.WRONG_CURRENCY: 409,
    LedgerRefusal.BAD_AMOUNT: 422,
    LedgerRefusal.INSUFFICIENT_FUNDS: 402,
    LedgerRefusal.TRANSACTION_CONFLICT: 409,
    LedgerRefusal.ROLLED_BACK: 409,
    LedgerRefusal.ROUND_CLOSED: 409,
    LedgerRefusal.BET_NOT_FOUND: 404,
    LedgerRefusal.BET_SETTLED: 409,
    LedgerRefusal.NOT_REVERSIBLE: 409,
    LedgerRefusal.BONUS_ACTIVE: 409,
    LedgerRefusal.BONUS_ENDED: 409,
    LedgerRefusal.BONUS_NOT_FOUND: 404,
}
WORDS: Final[Mapping[LedgerRefusal, str]] = {
    LedgerRefusal.SESSION_NOT_FOUND: "this key has no such session",
    LedgerRefusal.SESSION_EXPIRED: "the session has ended; wins and rollbacks are still taken",
    LedgerRefusal.PLAYER_NOT_FOUND: "there is no such player with this currency",
    LedgerRefusal.PLAYER_FROZEN: "the player is frozen; wins and rollbacks are still taken",
    LedgerRefusal.GAME_NOT_FOUND: "the provider has no such game",
    LedgerRefusal.WRONG_CURRENCY: "the session plays in another currency",
    LedgerRefusal.BAD_AMOUNT: "the balance would be larger than the ledger can hold",
    LedgerRefusal.INSUFFICIENT_FUNDS: "the player has not enough money",
    LedgerRefusal.TRANSACTION_CONFLICT: "this transaction_id was used with other content",
    LedgerRefusal.ROLLED_BACK: "it was rolled back, before or after it came",
    LedgerRefusal.ROUND_CLOSED: "the round is closed",
    LedgerRefusal.BET_NOT_FOUND: "there is no such bet, and a win needs one, or a kind",
    LedgerRefusal.BET_SETTLED: "a win was paid for this bet",
    LedgerRefusal.NOT_REVERSIBLE: "only bets can be rolled back, in their whole amount",
    LedgerRefusal.BONUS_ACTIVE: "the player has an active bonus in this currency",
    LedgerRefusal.BONUS_ENDED: "the bonus has ended",
    LedgerRefusal.BONUS_NOT_FOUND: "there is no such bonus",
}


log = structlog.get_logger()


class Callbacks:
    """Answers the callbacks.

    Args:
        ledgers: The ledger of each environment.
        callers: Knows who has signed a request.
        amounts: Reads and writes amounts.
        facts: Writes down what the events of an order need besides.
    """

    def __init__(
        self,
        ledgers: Mapping[Environment, Ledger],
        callers: Callers,
        amounts: Amounts,
        facts: Facts,
    ) -> None:
        self._ledgers = ledgers
        self._callers = callers
        self._amounts = amounts
        self._facts = facts

    async def balance(self, request: Request) -> Answer:
        """Return what is on the account of a session."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            funds = await ledger.funds(caller, read_json(body, BalanceBody).session)
            return Answer(200, msgspec.json.encode({"status": "ok", **self._shown(funds)}))

        return await self._signed(request, carry)

    async def bet(self, request: Request) -> Answer:
        """Take a stake."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            sent = read_json(body, BetBody)
            order = Bet(
                transaction_id=sent.transaction_id,
                session=sent.session,
                round_id=sent.round_id,
                game_id=sent.game_id,
                amount_units=self._amounts.read(sent.amount, sent.currency),
                currency=sent.currency,
                facts=self._facts.of(caller, sent.currency),
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed(request, carry)

    async def win(self, request: Request) -> Answer:
        """Pay out a win."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            sent = read_json(body, WinBody)
            order = Win(
                transaction_id=sent.transaction_id,
                session=sent.session,
                round_id=sent.round_id,
                game_id=sent.game_id,
                amount_units=self._amounts.read(sent.amount, sent.currency),
                currency=sent.currency,
                bet_transaction_id=sent.bet_transaction_id,
                kind=sent.kind,
                round_end=sent.round_end,
                facts=self._facts.of(caller, sent.currency, round_end=sent.round_end),
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed(request, carry)

    async def bet_win(self, request: Request) -> Answer:
        """Take a stake and pay out its win."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            sent = read_json(body, BetWinBody)
            if sent.bet.transaction_id == sent.win.transaction_id:
                raise bad_request("expected two different values of transaction_id")
            order = BetWin(
                bet_transaction_id=sent.bet.transaction_id,
                win_transaction_id=sent.win.transaction_id,
                bet_units=self._amounts.read(sent.bet.amount, sent.currency),
                win_units=self._amounts.read(sent.win.amount, sent.currency),
                session=sent.session,
                round_id=sent.round_id,
                game_id=sent.game_id,
                currency=sent.currency,
                round_end=sent.round_end,
                facts=self._facts.of(caller, sent.currency, round_end=sent.round_end),
            )
            bet, win = await ledger.call_back(caller, order)
            halves = {
                "bet": self._told(bet, sent.bet.transaction_id),
                "win": self._told(win, sent.win.transaction_id),
            }
            return _answer(halves, [bet, win])

        return await self._signed(request, carry)

    async def rollback(self, request: Request) -> Answer:
        """Give a bet back."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            sent = read_json(body, RollbackBody)
            if sent.transaction_id == sent.reference_transaction_id:
                raise bad_request("expected a transaction_id of its own for a rollback")
            units = None
            if sent.amount is not None and sent.currency is not None:
                units = self._amounts.read(sent.amount, sent.currency)
            elif sent.amount is not None:
                raise bad_request("expected a currency beside the amount", amount=True)
            order = Rollback(
                transaction_id=sent.transaction_id,
                reference_transaction_id=sent.reference_transaction_id,
                session=sent.session,
                amount_units=units,
                facts=self._facts.of(caller, sent.currency),
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed(request, carry)

    async def round_end(self, request: Request) -> Answer:
        """Close a round."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            sent = read_json(body, RoundEndBody)
            order = RoundEnd(
                transaction_id=sent.transaction_id,
                session=sent.session,
                round_id=sent.round_id,
                game_id=sent.game_id,
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed(request, carry)

    async def _signed(
        self, request: Request, carry: Callable[[Ledger, Caller, bytes], Awaitable[Answer]]
    ) -> Answer:
        """Carry out a callback for whoever has signed it.

        Raises:
            Problem: It is refused, or the ledger does not answer in time.
        """
        body = await request.read_body(BODY_MAX_BYTES)
        try:
            async with asyncio.timeout(ANSWER_S):
                environment, caller = await self._callers.of(request, body)
                return await carry(self._ledgers[environment], caller, body)
        except OrderRefused as refused:
            raise self._problem(refused) from refused
        except BadAmount as error:
            raise bad_request(f"amount: {error}", amount=True) from error
        except UnknownCurrency as error:
            raise Problem(
                409, "wrong_currency", str(error), facts={"code": "WRONG_CURRENCY"}
            ) from error
        except (TimeoutError, Unavailable) as error:
            log.warning("callback not answered", request=request.id, why=str(error) or "too slow")
            raise _away() from error

    async def _one(
        self, ledger: Ledger, caller: Caller, order: Callback, transaction_id: str
    ) -> Answer:
        (booked,) = await ledger.call_back(caller, order)
        return _answer(self._told(booked, transaction_id), [booked])

    def _told(self, booked: Booked, transaction_id: str) -> dict[str, object]:
        """Return the answer of an order, without what is not known."""
        told: dict[str, object] = {
            "transaction_id": transaction_id,
            "ledger_id": str(booked.ledger_id),
            "status": "ok",
        }
        if booked.now is not None:
            currency = booked.now.currency
            told["amount"] = self._amounts.write(booked.amount_units, currency)
            told |= self._shown(booked.now)
            if booked.balance_after_units is not None:
                told["balance_after"] = self._amounts.write(booked.balance_after_units, currency)
        return told

    def _shown(self, funds: Funds) -> dict[str, object]:
        """Return what is on an account, as answers show it."""
        write, currency = self._amounts.write, funds.currency
        return {
            "currency": currency,
            "balance": write(funds.total_units, currency),
            "balance_real": write(funds.real_units, currency),
            "balance_bonus": write(funds.bonus_units, currency),
        }

    def _problem(self, refused: OrderRefused) -> Problem:
        facts: dict[str, object] = {"code": refused.refusal.value}
        if refused.now is not None:
            facts |= self._shown(refused.now)
        refusal = refused.refusal
        return Problem(STATUSES[refusal], refusal.lower(), WORDS[refusal], facts=facts)


def _answer(told: Mapping[str, object], booked: Sequence[Booked]) -> Answer:
    """Return 200. A header says if nothing moved, because the order was carried out before."""
    replayed = all(one.replayed for one in booked)
    headers = {"idempotent-replayed": "true"} if replayed else {}
    return Answer(200, msgspec.json.encode(told), headers=headers)


def _away() -> Problem:
    return Problem(
        503,
        "unavailable",
        "the ledger did not answer in time; nobody knows whether the order was carried out; send "
        "it again with the same transaction_id",
        headers={"retry-after": RETRY_S},
        facts={"code": "UNAVAILABLE"},
    )
