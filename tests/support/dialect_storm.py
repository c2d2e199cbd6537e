"""Games in the storm of callbacks that speak the dialects of other providers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from msgspec.structs import replace

from consumer.ledger.answers import LedgerRefusal
from consumer.ledger.orders import Bet, BetWin, Rollback, RoundEnd, Win
from tests.support.dialect_speakers import HubSpeaker, SlotSpeaker, SwipeSpeaker
from tests.support.wallet_storm import StormAnswer, StormClient, amount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.ledger.orders import Callback
    from consumer.tools.sample.http_connection import HttpConnection
    from tests.support.dialect_speakers import Heard, Speaker
    from tests.support.http_daemon import HttpScene
    from tests.support.wallet_storm import Expected


REFUSED: Final = 409
"""The status that a storm takes for a refusal, and does not repeat."""


class DialectStormClient(StormClient):
    """A game that speaks a dialect. See `StormClient`."""

    made: ClassVar[type[Speaker]]
    kinds: ClassVar[tuple[type[Callback], ...]] = (Bet, Win, Rollback)

    def _next_order(self) -> Callback:
        """Return an order that the dialect can write."""
        while True:
            order = super()._next_order()
            if isinstance(order, self.kinds):
                adapted = self.adapted(order)
                if isinstance(adapted, Bet):
                    self.bets[-1] = adapted
                return adapted

    def adapted(self, order: Callback) -> Callback:
        """Return the order that the dialect makes of what it is told."""
        return order

    def _check(self, answer: StormAnswer, order: Callback, expected: Expected) -> None:
        """See `StormClient._check`. Each answer has the balance of now, if it has one."""
        heard, told = answer.heard, (order, answer, expected)
        assert heard is not None
        good = {self.made.codes[code] for code in _codes(order, expected)}
        assert (heard.status, heard.code) in good, told
        if heard.balance is not None:
            assert heard.balance == Decimal(amount(self.account.funds.total_units)), told

    async def _ask(self, connection: HttpConnection, order: Callback) -> StormAnswer:
        """See `StormClient._ask`."""
        self.sent["all"] += 1

        async def send(
            method: str, target: str, body: bytes, headers: Mapping[str, str]
        ) -> tuple[int, bytes]:
            reply = await connection.ask(method, target, body, headers)
            return reply.status, reply.body

        place = f"{self._caller.provider}/{self._caller.brand}/live"
        heard = await self.said(self.made(send, place), order)
        # GitSlotPark repeats a win whose stake has not come yet. Here no stake will come.
        early = str(heard.document.get("message", "")).startswith("TOO_EARLY")
        return StormAnswer(REFUSED if early else heard.status, {}, heard)

    async def said(self, speaker: Speaker, order: Callback) -> Heard:
        """Send an order through its dialect."""
        place = {"seat": self._session, "player": self._player_id}
        if isinstance(order, Rollback):
            named, units = order.reference_transaction_id, order.amount_units or 0
            return await speaker.rollback(order.transaction_id, named, amount(units), **place)
        if isinstance(order, (BetWin, RoundEnd)):
            raise TypeError(order)
        place |= {"round_id": order.round_id}
        say = speaker.bet if isinstance(order, Bet) else speaker.win
        return await say(order.transaction_id, amount(order.amount_units), **place)


class HubStormClient(DialectStormClient):
    """A game of Hub88."""

    made = HubSpeaker

    def adapted(self, order: Callback) -> Callback:
        """Return the order with the session, which a rollback of Hub88 names too."""
        return replace(order, session=self._session) if isinstance(order, Rollback) else order

    async def said(self, speaker: Speaker, order: Callback) -> Heard:
        """Send an order. Only here, a win may name its bet."""
        if isinstance(order, Win) and order.bet_transaction_id is not None:
            return await speaker.win(
                order.transaction_id,
                amount(order.amount_units),
                seat=self._session,
                player=self._player_id,
                round_id=order.round_id,
                reference_transaction_uuid=order.bet_transaction_id,
            )
        return await super().said(speaker, order)


class SwipeStormClient(DialectStormClient):
    """A game of SwipeGames."""

    made = SwipeSpeaker

    def adapted(self, order: Callback) -> Callback:
        """Return an order whose win ends its round, and whose refund names the amount."""
        if isinstance(order, Win):
            return replace(order, bet_transaction_id=None, round_end=True)
        if isinstance(order, Rollback):
            staked = {bet.transaction_id: bet.amount_units for bet in self.bets}
            units = staked.get(order.reference_transaction_id, 1)
            return replace(order, session=self._session, amount_units=units, currency="EUR")
        return order


class SlotStormClient(DialectStormClient):
    """A game of GitSlotPark."""

    made = SlotSpeaker
    kinds = (Bet, Win, Rollback, BetWin)

    def adapted(self, order: Callback) -> Callback:
        """Return an order with the ids that GitSlotPark does not send."""
        if isinstance(order, Win):
            return replace(order, bet_transaction_id=None)
        if isinstance(order, BetWin):
            return replace(order, win_transaction_id=f"{order.bet_transaction_id}.win")
        if isinstance(order, Rollback):
            return replace(order, transaction_id=f"{order.reference_transaction_id}.rollback")
        return order

    async def said(self, speaker: Speaker, order: Callback) -> Heard:
        """Send an order. Only here, a bet may come together with its win."""
        if isinstance(order, BetWin) and isinstance(speaker, SlotSpeaker):
            fields = {
                "userID": self._player_id,
                "betAmount": amount(order.bet_units),
                "winAmount": amount(order.win_units),
                "transactionID": order.bet_transaction_id,
                "roundID": order.round_id,
            }
            return await speaker.call("BetWin", fields)
        return await super().said(speaker, order)


DIALECT_CLIENTS: Final[Mapping[str, type[DialectStormClient]]] = {
    "hub": HubStormClient,
    "swipe": SwipeStormClient,
    "slot": SlotStormClient,
}
"""The clients by the name of their provider."""


def give_dialects(scene: HttpScene) -> None:
    """Configure a provider of each dialect, besides those that the wallet has."""
    for name, made in DIALECT_CLIENTS.items():
        options = msgspec.to_builtins(made.made.settings())
        scene.tables["wallet"]["providers"][name] = {
            key: value for key, value in options.items() if value
        }


def _codes(order: Callback, expected: Expected) -> tuple[str, ...]:
    """Return what a good answer may say. Whether an order is a repetition is not known here."""
    if isinstance(expected, LedgerRefusal):
        return (expected.value,)
    if not isinstance(order, Rollback):
        return ("OK", "REPLAYED")
    if expected[-1].balance_after_units is None:
        return ("UNKNOWN_BET",)
    return ("OK", "ROLLED_BACK_AGAIN")
