"""Answers the callbacks of games: checks the signature, asks the ledger, and writes the answer.

POST /v1/wallet/… ─► body ─► signature ─► ledger ─► answer, `ANSWER_S` after the body at the latest
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.http.answer import Answer, Problem
from consumer.ledger.orders import Bet, BetWin, Rollback, RoundEnd, Win
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
from consumer.wallet.counted import counted, show_from_the_start
from consumer.wallet.told import booked_fields, funds_fields, refusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from consumer.deliveries.origin import Environment
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.answers import Booked
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback, Caller
    from consumer.operations.metrics import Metrics
    from consumer.wallet.callers import Callers
    from consumer.wallet.facts import Facts

ANSWER_S: Final = 2.8
"""A provider waits 3 s for its answer. A 503 in this time is better than none."""
BUSY_STATUS: Final = 503
REPLAYED: Final = "idempotent-replayed"
"""The header that says that nothing moved, because the order was carried out before."""


class Callbacks:
    """Answers the callbacks.

    Args:
        ledgers: The ledger of each environment.
        callers: Knows who has signed a request.
        amounts: Reads and writes amounts.
        facts: Writes down what the events of an order need besides.
        metrics: Where callbacks are counted.
    """

    def __init__(
        self,
        ledgers: Mapping[Environment, Ledger],
        callers: Callers,
        amounts: Amounts,
        facts: Facts,
        metrics: Metrics,
    ) -> None:
        self._ledgers = ledgers
        self._callers = callers
        self._amounts = amounts
        self._facts = facts
        self._metrics = metrics
        show_from_the_start(metrics, ledgers)

    async def balance(self, request: Request) -> Answer:
        """Return what is on the account of a session."""

        async def carry(ledger: Ledger, caller: Caller, body: bytes) -> Answer:
            funds = await ledger.funds(caller, read_json(body, BalanceBody).session)
            return Answer(
                200, msgspec.json.encode({"status": "ok", **funds_fields(self._amounts, funds)})
            )

        return await self._signed("balance", request, carry)

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
                facts=self._facts.of(caller.brand),
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed("bet", request, carry)

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
                facts=self._facts.of(caller.brand, round_end=sent.round_end),
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed("win", request, carry)

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
                facts=self._facts.of(caller.brand, round_end=sent.round_end),
            )
            bet, win = await ledger.call_back(caller, order)
            halves = {
                "bet": booked_fields(self._amounts, bet, sent.bet.transaction_id),
                "win": booked_fields(self._amounts, win, sent.win.transaction_id),
            }
            return _answer(halves, [bet, win])

        return await self._signed("bet-win", request, carry)

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
                currency=sent.currency,
                facts=self._facts.of(caller.brand),
            )
            return await self._one(ledger, caller, order, sent.transaction_id)

        return await self._signed("rollback", request, carry)

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

        return await self._signed("round-end", request, carry)

    async def _signed(
        self,
        verb: str,
        request: Request,
        carry: Callable[[Ledger, Caller, bytes], Awaitable[Answer]],
    ) -> Answer:
        """Carry out a callback for whoever has signed it, and count it.

        Raises:
            Problem: It is refused, or the ledger does not answer in time.
        """
        with counted(self._metrics, verb) as tally:
            body = await whole_body(request)
            with refusals(self._amounts, request.id):
                async with asyncio.timeout(ANSWER_S):
                    environment, caller = await self._callers.of(request, body, tally)
                    answer = await carry(self._ledgers[environment], caller, body)
            tally.code = "REPLAYED" if REPLAYED in answer.headers else "OK"
            return answer

    async def _one(
        self, ledger: Ledger, caller: Caller, order: Callback, transaction_id: str
    ) -> Answer:
        (booked,) = await ledger.call_back(caller, order)
        return _answer(booked_fields(self._amounts, booked, transaction_id), [booked])


async def whole_body(request: Request) -> bytes:
    """Read the body.

    Raises:
        Problem: It is too large, or it cannot be read now. The port's own problems have no code.
    """
    try:
        return await request.read_body(BODY_MAX_BYTES)
    except Problem as problem:
        code = "UNAVAILABLE" if problem.status == BUSY_STATUS else "BAD_REQUEST"
        raise Problem(
            problem.status,
            problem.reason,
            problem.detail,
            headers=problem.headers,
            facts={"code": code},
        ) from problem


def _answer(told: Mapping[str, object], booked: Sequence[Booked]) -> Answer:
    """Return 200. A header says if nothing moved, because the order was carried out before."""
    replayed = all(one.replayed for one in booked)
    headers = {REPLAYED: "true"} if replayed else {}
    return Answer(200, msgspec.json.encode(told), headers=headers)
