"""A player at a table: orders of a game in a few letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.games import LedgerGames, ListedGame
from consumer.ledger.orders import (
    Bet,
    BetWin,
    BonusEnd,
    BonusIssue,
    Caller,
    Deposit,
    Rollback,
    Win,
)
from consumer.ledger.shown import PlayedSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from consumer.ledger.answers import Booked
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback

ACME: Final = Caller("b", "acme")
FOR_EVER_S: Final = 4e9


class Table:
    """A player with money, in a session of a game."""

    def __init__(self, ledger: Ledger, caller: Caller = ACME) -> None:
        self.ledger = ledger
        self.caller = caller
        self.references = 0

    async def sit(self, units: int = 100, *, player: str = "p", session: str = "s") -> None:
        """Open an account with money, and begin a session."""
        await self.ledger.add_player("b", player, "EUR")
        if units:
            await self.deposit(units, player)
        await self.begin(session, player)

    async def begin(self, session: str, player: str = "p", expires_s: float = FOR_EVER_S) -> None:
        """Begin a session."""
        begun = PlayedSession(session=session, brand="b", provider="acme", expires_s=expires_s)
        await self.ledger.add_session(begun, player, "EUR")

    def next_reference(self) -> str:
        """Return a reference that was not used."""
        self.references += 1
        return f"ref-{self.references}"

    async def deposit(self, units: int, player: str = "p") -> Booked:
        """Put real money on the account."""
        return await self.ledger.operate(
            Deposit(
                brand="b", player_id=player, currency="EUR", amount_units=units,
                reference=self.next_reference(),
            )
        )  # fmt: skip

    async def issue(self, units: int) -> int:
        """Give a bonus; returns its id."""
        order = BonusIssue(
            brand="b", player_id="p", currency="EUR", amount_units=units,
            reference=self.next_reference(),
        )  # fmt: skip
        return (await self.ledger.operate(order)).ledger_id

    async def end_bonus(self, bonus_id: int, *, converts: bool) -> Booked:
        """End a bonus."""
        reference = self.next_reference()
        order = BonusEnd(brand="b", bonus_id=bonus_id, converts=converts, reference=reference)
        return await self.ledger.operate(order)

    async def list_game(self, game_id: str, *, brand: str = "b") -> None:
        """Put a game of the provider on the list."""
        game = ListedGame(brand, self.caller.provider, game_id, "Book of Sun", "Slots")
        await LedgerGames(self.ledger).put(game)

    async def ask(self, order: Callback) -> Sequence[Booked]:
        """Send an order."""
        return await self.ledger.call_back(self.caller, order)

    async def funds(self) -> tuple[int, int]:
        """Return the real and the bonus money."""
        (player,) = await self.ledger.players("b", "p")
        return player.funds.real_units, player.funds.bonus_units

    async def sums(self) -> dict[str, int]:
        """Return the sum of all entries, by the name of the account."""
        statement = "SELECT name, sum(amount) FROM entry GROUP BY name ORDER BY name"
        return {name: int(units) for name, units in await self.ledger.rows(statement, ())}

    async def moved(self) -> list[tuple[int, str, int, int]]:
        """Empty the outbox. Return sequence, kind, real and bonus of each row, as they came."""
        seen = []
        while rows := await self.ledger.outbox(100):
            seen += [(row.sequence, row.kind, row.real_units, row.bonus_units) for row in rows]
            await self.ledger.delete_from_outbox([row.row_id for row in rows])
        return seen


def bet(number: str, units: int, **changes: str) -> Bet:
    """Return a bet."""
    fields = {"session": "s", "round_id": "r", "game_id": "g", "currency": "EUR"} | changes
    return Bet(transaction_id=number, amount_units=units, **fields)


def win(number: str, units: int, **changes: object) -> Win:
    """Return a win."""
    fields = {"session": "s", "round_id": "r", "game_id": "g", "currency": "EUR"} | changes
    return Win(transaction_id=number, amount_units=units, **fields)  # type: ignore[arg-type]  # any field


def back(number: str, given: str, **changes: object) -> Rollback:
    """Return a rollback."""
    return Rollback(transaction_id=number, reference_transaction_id=given, **changes)  # type: ignore[arg-type]  # any field


def bet_win(staked: tuple[str, int], won: tuple[str, int]) -> BetWin:
    """Return a bet with its win."""
    return BetWin(
        bet_transaction_id=staked[0], bet_units=staked[1],
        win_transaction_id=won[0], win_units=won[1],
        session="s", round_id="r", game_id="g", currency="EUR",
    )  # fmt: skip


async def refused(asked: Awaitable[object]) -> LedgerRefusal:
    """Return why an order is refused."""
    with pytest.raises(OrderRefused) as caught:
        await asked
    return caught.value.refusal
