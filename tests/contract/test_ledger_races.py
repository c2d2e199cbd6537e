"""Orders that come at the same moment, over several connections and from two processes' ledgers.

Each race is run many times, because a race that is lost once in a hundred is lost every day.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from consumer.ledger.answers import Booked, LedgerRefusal, LedgerUnavailable, OrderRefused
from tests.brokers.postgres import Postgres
from tests.support.eventually import eventually
from tests.support.ledger_table import ACME, Table, back, bet, bet_win, win
from tests.support.ledgers import PostgresPlace, faults_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback
    from tests.support.ledgers import LedgerPlace

RACES_COUNT: Final = 40
Outcome = list[Booked] | LedgerRefusal


@pytest.fixture
async def ledgers(place: LedgerPlace) -> AsyncIterator[Sequence[Ledger]]:
    """Return two ledgers of one database, as two processes have them."""
    ledgers = place.make(), place.make()
    for ledger in ledgers:
        await ledger.open()
    yield ledgers
    assert await faults_of(ledgers[0]) == []
    for ledger in ledgers:
        await ledger.close()


async def outcome(ledger: Ledger, order: Callback) -> Outcome:
    """Send an order; returns what was booked, or why it was refused."""
    try:
        return list(await ledger.call_back(ACME, order))
    except OrderRefused as error:
        return error.refusal


async def race(ledgers: Sequence[Ledger], orders: Sequence[Callback]) -> list[Outcome]:
    """Send orders at the same moment, by turns to each of the ledgers."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(outcome(ledgers[number % len(ledgers)], order))
            for number, order in enumerate(orders)
        ]
    return [task.result() for task in tasks]


async def test_of_two_bets_that_fit_only_alone_one_is_taken(ledgers: Sequence[Ledger]) -> None:
    """No update is lost, and no balance is read that is not there any more."""
    table = Table(ledgers[0])
    await table.sit(0)
    for number in range(RACES_COUNT):
        await table.deposit(10)
        found = await race(ledgers, [bet(f"a{number}", 10), bet(f"b{number}", 10)])
        assert found.count(LedgerRefusal.INSUFFICIENT_FUNDS) == 1, found
        assert await table.funds() == (0, 0)


async def test_twins_from_two_processes_are_one_order(ledgers: Sequence[Ledger]) -> None:
    """Of each kind."""
    table = Table(ledgers[0])
    await table.sit(10 * RACES_COUNT)
    for number in range(RACES_COUNT):
        order = bet_win((f"t{number}", 10), (f"w{number}", 9))
        found = await race(ledgers, [order] * 4)
        assert len({tuple(one.ledger_id for one in booked) for booked in found}) == 1  # type: ignore[union-attr]  # not refused
    assert await table.funds() == (9 * RACES_COUNT, 0)


async def test_a_rollback_beside_its_bet_leaves_nothing_taken(ledgers: Sequence[Ledger]) -> None:
    """Whichever of the two comes first."""
    table = Table(ledgers[0])
    await table.sit(10)
    for number in range(RACES_COUNT):
        orders: list[Callback] = [bet(f"t{number}", 10), back(f"b{number}", f"t{number}")]
        random.shuffle(orders)
        await race(ledgers, [*orders, back(f"c{number}", f"t{number}")])
        assert await table.funds() == (10, 0)
        assert await outcome(ledgers[0], bet(f"t{number}", 10)) is LedgerRefusal.ROLLED_BACK


async def test_a_win_beside_the_rollback_of_its_bet(ledgers: Sequence[Ledger]) -> None:
    """Either the bet goes back and the win is refused, or the win stays and the bet with it."""
    table = Table(ledgers[0])
    await table.sit(100)
    for number in range(RACES_COUNT):
        before_units = sum(await table.funds())
        await table.ask(bet(f"t{number}", 10, round_id=f"r{number}"))
        won = win(f"w{number}", 15, round_id=f"r{number}", bet_transaction_id=f"t{number}")
        found = await race(ledgers, [won, back(f"b{number}", f"t{number}")])
        after_units = before_units if found[0] is LedgerRefusal.ROLLED_BACK else before_units + 5
        assert sum(await table.funds()) == after_units, found


async def test_one_id_for_two_players_is_one_order(ledgers: Sequence[Ledger]) -> None:
    """The other one is a conflict, although the two accounts are locked apart."""
    table = Table(ledgers[0])
    await table.sit(10 * RACES_COUNT)
    await table.sit(10 * RACES_COUNT, player="q", session="s-q")
    for number in range(RACES_COUNT):
        orders = [bet(f"t{number}", 10), bet(f"t{number}", 10, session="s-q")]
        found = await race(ledgers, orders)
        assert found.count(LedgerRefusal.TRANSACTION_CONFLICT) == 1, found


def drawn_order(number: str, drawn: random.Random) -> Callback:
    """Return any order with an id."""
    other = f"t{drawn.randrange(30)}"
    orders: list[Callback] = [
        bet(number, 5, session=drawn.choice(["s", "s-q"])),
        win(number, 7, bet_transaction_id=other),
        back(number, other),
        bet_win((number, 5), (other, 6)),
    ]
    return drawn.choice(orders)


async def test_many_orders_on_few_ids_leave_the_books_right(ledgers: Sequence[Ledger]) -> None:
    """Bets, wins, pairs and rollbacks of two players, all at once; nobody waits for ever."""
    table = Table(ledgers[0])
    await table.sit(1000)
    await table.sit(1000, player="q", session="s-q")
    drawn = random.Random(1)
    for _ in range(RACES_COUNT):
        numbers = [f"t{drawn.randrange(30)}" for _ in range(40)]
        await race(ledgers, [drawn_order(number, drawn) for number in numbers])
    assert await faults_of(ledgers[1]) == []


async def test_killed_database_takes_each_bet_once(tmp_path: Path) -> None:
    """Clients ask again until they are answered, as providers do."""
    with Postgres(tmp_path / "postgres") as server:
        ledger = PostgresPlace(server.address).make()
        await ledger.open()
        table = Table(ledger)
        await table.sit(10_000)

        async def play(client: int) -> None:
            for number in range(100):
                order = bet(f"{client}-{number}", 1, round_id=f"{client}-{number}")
                await eventually(partial(_is_answered, ledger, order), what="an answer")

        async with asyncio.TaskGroup() as group:
            for client in range(20):
                group.create_task(play(client))
            for _ in range(3):
                await asyncio.sleep(0.3)  # some bets are taken between two kills
                server.kill()
                server.start()
        assert await table.funds() == (8_000, 0)
        assert await faults_of(ledger) == []
        await ledger.close()


async def _is_answered(ledger: Ledger, order: Callback) -> bool:
    try:
        await ledger.call_back(ACME, order)
    except LedgerUnavailable:
        return False
    return True
