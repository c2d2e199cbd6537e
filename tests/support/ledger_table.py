"""A player at a table: orders of a game in a few letters."""

from __future__ import annotations

from itertools import count
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
    RoundEnd,
    Win,
)
from consumer.ledger.shown import PlayedSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from consumer.ledger.answers import Booked
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback
    from consumer.ledger.shown import OutboxRow

ACME: Final = Caller("b", "acme")
FOR_EVER_S: Final = 4e9
REFERENCES: Final = count()
"""Tables of the same brand do not use the same reference."""


class Table:
    """Players with money, in sessions of the games of a provider."""

    def __init__(self, ledger: Ledger, caller: Caller = ACME) -> None:
        self.ledger = ledger
        self.caller = caller

    async def sit(self, units: int = 100, *, player: str = "p", session: str = "s") -> None:
        """Open an account with money, and begin a session."""
        await self.ledger.add_player(self.caller.brand, player, "EUR")
        if units:
            await self.deposit(units, player)
        await self.begin(session, player)

    async def begin(self, session: str, player: str = "p", expires_s: float = FOR_EVER_S) -> None:
        """Begin a session."""
        brand, provider = self.caller.brand, self.caller.provider
        begun = PlayedSession(session=session, brand=brand, provider=provider, expires_s=expires_s)
        await self.ledger.add_session(begun, player, "EUR")

    def next_reference(self) -> str:
        """Return a reference that was not used."""
        return f"ref-{next(REFERENCES)}"

    async def deposit(self, units: int, player: str = "p") -> Booked:
        """Put real money on the account."""
        return await self.ledger.operate(
            Deposit(
                brand=self.caller.brand, player_id=player, currency="EUR", amount_units=units,
                reference=self.next_reference(),
            )
        )  # fmt: skip

    async def issue(self, units: int, player: str = "p") -> int:
        """Give a bonus; returns its id."""
        order = BonusIssue(
            brand=self.caller.brand, player_id=player, currency="EUR", amount_units=units,
            reference=self.next_reference(),
        )  # fmt: skip
        return (await self.ledger.operate(order)).ledger_id

    async def end_bonus(self, bonus_id: int, *, converts: bool) -> Booked:
        """End a bonus."""
        reference = self.next_reference()
        order = BonusEnd(
            brand=self.caller.brand, bonus_id=bonus_id, converts=converts, reference=reference
        )
        return await self.ledger.operate(order)

    async def list_game(self, game_id: str, *, brand: str = "b", provider: str = "acme") -> None:
        """Put a game of a provider on the list of a brand."""
        game = ListedGame(brand, provider, game_id, "Book of Sun", "Slots")
        await LedgerGames(self.ledger).put(game)

    async def ask(self, order: Callback) -> Sequence[Booked]:
        """Send an order."""
        return await self.ledger.call_back(self.caller, order)

    async def funds(self, player_id: str = "p") -> tuple[int, int]:
        """Return the real and the bonus money."""
        (player,) = await self.ledger.players(self.caller.brand, player_id)
        return player.funds.real_units, player.funds.bonus_units

    async def sums(self) -> dict[str, int]:
        """Return the sum of all entries, by the name of the account."""
        statement = "SELECT name, sum(amount) FROM entry GROUP BY name ORDER BY name"
        return {name: int(units) for name, units in await self.ledger.rows(statement, ())}

    async def outbox(self) -> list[OutboxRow]:
        """Empty the outbox. Return its rows, as they came."""
        seen: list[OutboxRow] = []
        while rows := await self.ledger.outbox(100):
            seen += rows
            await self.ledger.delete_from_outbox([row.row_id for row in rows])
        return seen

    async def moved(self) -> list[tuple[int, str, int, int]]:
        """Empty the outbox. Return sequence, kind, real and bonus of each row, as they came."""
        rows = await self.outbox()
        return [(row.sequence, row.kind, row.real_units, row.bonus_units) for row in rows]


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


def bet_win(staked: tuple[str, int], won: tuple[str, int], **changes: object) -> BetWin:
    """Return a bet with its win."""
    fields = {"session": "s", "round_id": "r", "game_id": "g", "currency": "EUR"} | changes
    return BetWin(
        bet_transaction_id=staked[0], bet_units=staked[1],
        win_transaction_id=won[0], win_units=won[1], **fields,  # type: ignore[arg-type]  # any field
    )  # fmt: skip


def end(number: str, **changes: str) -> RoundEnd:
    """Return the end of a round."""
    fields = {"session": "s", "round_id": "r", "game_id": "g"} | changes
    return RoundEnd(transaction_id=number, **fields)


async def refused(asked: Awaitable[object]) -> LedgerRefusal:
    """Return why an order is refused."""
    with pytest.raises(OrderRefused) as caught:
        await asked
    return caught.value.refusal
