"""A storm of callbacks: games that lose answers, send twice, late and in the wrong order.

Each game has its own player, and a reference wallet that computes with plain integers. The game
gives each order to the reference first, so it knows what the daemon has to answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from http import HTTPStatus
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.errors import Unavailable
from consumer.ledger.answers import FINAL, Booked, LedgerRefusal, OrderRefused
from consumer.ledger.orders import Bet, BetWin, Deposit, Rollback, RoundEnd, Win
from consumer.tools.sample.http_connection import HttpConnection
from tests.support.dialect_speakers import Heard
from tests.support.eventually import eventually
from tests.support.reference_wallet import Account, ReferenceWallet, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from nats.aio.msg import Msg

    from consumer.ledger.orders import Callback, Caller
    from consumer.tools.sample.http_connection import HttpTarget
    from tests.support.provider import Provider

START_UNITS: Final = 10_000
STORED: Final = FINAL | {LedgerRefusal.TRANSACTION_CONFLICT}
"""An order that is refused like this is refused for ever."""
ANSWERED_S: Final = 60.0
TRY_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
TYPES: Final = {
    "BET": {"game.bet"},
    "WIN": {"game.win", "game.loss"},
    "ROLLBACK": {"game.rollback"},
    "DEPOSIT": {"wallet.deposit_approved"},
}
"""The types of the events of each movement, besides the balance."""


Expected = list[Booked] | LedgerRefusal
"""What was booked, or why an order is refused."""


def amount(units: int) -> str:
    """Write an amount in EUR."""
    return f"{units // 100}.{units % 100:02}"


def body_of(order: Callback) -> tuple[str, bytes]:
    """Return the verb and the body of an order."""
    fields = {
        name: value
        for name, value in msgspec.structs.asdict(order).items()
        if value is not None and value is not False and name != "facts"
    }
    for name in ("amount", "bet", "win"):
        units = fields.pop(f"{name}_units", None)
        if units is not None:
            fields[name] = amount(units)
    if isinstance(order, BetWin):
        for name in ("bet", "win"):
            number = fields.pop(f"{name}_transaction_id")
            fields[name] = {"transaction_id": number, "amount": fields[name]}
    verbs = {Bet: "bet", Win: "win", BetWin: "bet-win", Rollback: "rollback", RoundEnd: "round-end"}
    return verbs[type(order)], json.dumps(fields).encode()


class StormClient(ABC):
    """A game with one player. A subclass says how it speaks.

    Args:
        target: The port.
        caller: The provider, as the ledger sees it.
        player_id, session: The player, who has `START_UNITS`.
        random: Decides everything.

    Attributes:
        wallet: What has to be on the player's account.
        bets: The bets that were sent.
        sent: How many requests were sent (`all`), how many were sent again because no answer came
            (`again`), and how many orders were lost, sent twice, or sent late again.
    """

    def __init__(
        self,
        target: HttpTarget,
        caller: Caller,
        player_id: str,
        session: str,
        random: Random,
    ) -> None:
        self._target, self._caller = target, caller
        self._connection = self._connect()
        self._session, self._random, self._last = session, random, 0
        self._player_id = player_id
        self.bets: list[Bet] = []
        self._done: list[Callback] = []
        self.wallet = ReferenceWallet()
        self.account = Account(caller.brand, player_id, "EUR")
        self.wallet.accounts[caller.brand, player_id, "EUR"] = self.account
        self.wallet.sessions[session] = Session(caller.provider, self.account)
        self.wallet.ask(
            caller,
            Deposit(
                brand=caller.brand, player_id=player_id, currency="EUR", amount_units=START_UNITS,
                reference=player_id,
            ),
        )  # fmt: skip
        self.sent: Counter[str] = Counter()

    async def play(self, orders_count: int) -> None:
        """Send so many orders, one after the other, until each is answered."""
        for _ in range(orders_count):
            chance = self._random.random()
            if chance < 0.1 and self._done:
                self.sent["late"] += 1
                await self._settle(*self._expected(self._random.choice(self._done)))
                continue
            order, expected = self._expected(self._next_order())
            # A refusal that is not stored may be another answer a moment later. So a copy of such
            # an order that arrives late may be carried out, and nobody could foretell it.
            is_stored = not isinstance(expected, LedgerRefusal) or expected in STORED
            if chance < 0.2 and is_stored:
                await self._lose_answer(order)
            elif chance < 0.27 and is_stored:
                await self._send_twice(order)
            await self._settle(order, expected)
            self._done.append(order)
        self._connection.close()

    def _expected(self, order: Callback) -> tuple[Callback, Expected]:
        """Ask the reference. Return the order, and what was booked or why it is refused."""
        try:
            return order, self.wallet.ask(self._caller, order)
        except OrderRefused as refused:
            return order, refused.refusal

    def _next_order(self) -> Callback:
        """Return an order that was not sent before."""
        self._last += 1
        number = f"{self._player_id}-{self._last}"
        bet = self._random.choice(self.bets[-6:]) if self.bets else None
        round_id = bet.round_id if bet and self._random.random() < 0.5 else f"r-{number}"
        place: dict[str, Any] = {"session": self._session, "game_id": "g"}
        units = self._random.choice((0, 1, 5, 100, 700, 3_000, 20_000))
        chance = self._random.random()
        if chance < 0.45 or bet is None:
            made = Bet(
                transaction_id=number,
                round_id=round_id,
                amount_units=units,
                currency="EUR",
                **place,
            )
            self.bets.append(made)
            return made
        if chance < 0.7:
            named = bet.transaction_id if self._random.random() < 0.5 else None
            return Win(
                transaction_id=number, round_id=bet.round_id, amount_units=units, currency="EUR",
                bet_transaction_id=named, **place,
            )  # fmt: skip
        if chance < 0.82:
            return BetWin(
                bet_transaction_id=number, win_transaction_id=f"{number}-w", bet_units=units,
                win_units=2 * units, round_id=round_id, currency="EUR", **place,
            )  # fmt: skip
        if chance < 0.97:
            return Rollback(transaction_id=number, reference_transaction_id=self._given(bet))
        return RoundEnd(transaction_id=number, round_id=bet.round_id, **place)

    def _given(self, bet: Bet) -> str:
        """Return what is rolled back: a bet, something else, or an order that comes later."""
        chance = self._random.random()
        if chance < 0.6:
            return bet.transaction_id
        number = self._last + 2 if chance < 0.8 else self._random.randrange(self._last)
        return f"{self._player_id}-{number}"

    async def _lose_answer(self, order: Callback) -> None:
        """Send an order over a connection that is closed at once, or after a moment."""
        self.sent["lost"] += 1
        connection = self._connect()
        with contextlib.suppress(OSError, Unavailable, TimeoutError):
            async with asyncio.timeout(self._random.choice((0.0, 0.002, 0.02))):
                await self._ask(connection, order)
        connection.close()

    async def _send_twice(self, order: Callback) -> None:
        """Send an order at the same moment over two connections. Both answers have to agree."""
        self.sent["twice"] += 1
        connections = self._connect(), self._connect()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._try(each, order)) for each in connections]
        answers = [task.result() for task in tasks]
        told = [one.json.get("win", one.json) for one in answers if one is not None]
        assert len({one.get("ledger_id") for one in told}) < len(answers), (order, answers)
        for each in connections:
            each.close()

    async def _settle(self, order: Callback, expected: Expected) -> None:
        """Send an order until it is answered. The answer has to be the expected one."""
        answers: list[StormAnswer] = []

        async def is_answered() -> bool:
            answer = await self._try(self._connection, order)
            answers.extend([] if answer is None else [answer])
            self.sent["again"] += answer is None
            return answer is not None

        await eventually(is_answered, within_s=ANSWERED_S, what=f"an answer to {order}")
        (answer,) = answers
        self._check(answer, order, expected)

    @abstractmethod
    def _check(self, answer: StormAnswer, order: Callback, expected: Expected) -> None:
        """Compare an answer with the expected one.

        Raises:
            AssertionError: It is another.
        """

    async def _try(self, connection: HttpConnection, order: Callback) -> StormAnswer | None:
        """Send an order. Return its answer, or None if it has to be sent again."""
        try:
            answer = await self._ask(connection, order)
        except (OSError, Unavailable, TimeoutError):
            connection.close()
            return None
        return None if answer.status in TRY_AGAIN else answer

    @abstractmethod
    async def _ask(self, connection: HttpConnection, order: Callback) -> StormAnswer:
        """Send an order.

        Raises:
            OSError, Unavailable, TimeoutError: There is no answer.
        """

    def _connect(self) -> HttpConnection:
        return HttpConnection(self._target, {"content-type": "application/json"})


class NativeStormClient(StormClient):
    """A game that speaks the native dialect. See `StormClient`.

    Attributes:
        provider: Signs its calls. It is set before the first of them.
    """

    provider: Provider

    def _check(self, answer: StormAnswer, order: Callback, expected: Expected) -> None:
        """See `StormClient._check`."""
        told = (order, answer, expected)
        if isinstance(expected, LedgerRefusal):
            assert answer.json.get("code") == expected.value, told
            return
        assert answer.status == HTTPStatus.OK, told
        is_pair = isinstance(order, BetWin)
        halves = [answer.json["bet"], answer.json["win"]] if is_pair else [answer.json]
        for half, booked in zip(halves, expected, strict=True):
            if booked.balance_after_units is not None:
                assert half["balance_after"] == amount(booked.balance_after_units), told

    async def _ask(self, connection: HttpConnection, order: Callback) -> StormAnswer:
        """See `StormClient._ask`."""
        self.sent["all"] += 1
        verb, body = body_of(order)
        path = f"/v1/wallet/{verb}"
        headers = {"x-signature": self.provider.header(path, body)}
        reply = await connection.ask("POST", path, body, headers)
        return StormAnswer(reply.status, json.loads(reply.body))


class StormAnswer(msgspec.Struct, frozen=True):
    """The status and the body of an answer, and what a dialect makes of it."""

    status: int
    json: dict[str, Any]
    heard: Heard | None = None


def check_events(messages: Sequence[Msg], clients: Sequence[StormClient]) -> None:
    """Each movement has its events once, and each player's come in the order of the ledger.

    Raises:
        AssertionError: They do not.
    """
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in messages:
        event = json.loads(message.data)
        found[event["data"]["user_id"]].append(event)
    for client in clients:
        events = found.pop(client.account.player_id)
        ids = [(event["type"], event["id"]) for event in events]
        assert len(set(ids)) == len(ids), client.account.player_id
        groups = [
            (int(sequence), list(group))
            for sequence, group in groupby(events, key=lambda event: event["sequence"])
        ]
        sequences = [sequence for sequence, _ in groups]
        assert sequences == [*range(1, len(client.account.moved) + 1)], client.account.player_id
        left = 0
        for (_, group), (kind, real, _) in zip(groups, client.account.moved, strict=True):
            left += real
            *told, balance = group
            assert balance["data"]["balances"][0]["amount"] == amount(left)
            assert {event["type"] for event in told} <= TYPES[kind]
            assert len(told) == 1 or (len(told) == 2 and kind == "ROLLBACK")
            if kind != "ROLLBACK":
                assert told[0]["data"]["amount"] == amount(abs(real))
    assert not found
