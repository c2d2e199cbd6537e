"""What `verify` finds: books that were changed by hand, past the protection of the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from consumer.ledger.verify.run import Verifier
from tests.support.ledger_table import Table, back, bet, refused, win
from tests.support.ledgers import faults_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.ledger.base import Ledger
    from tests.support.ledgers import LedgerPlace

BETS_COUNT = 300


@pytest.fixture
async def ledger(place: LedgerPlace) -> AsyncIterator[Ledger]:
    """Return an open ledger."""
    ledger = place.make()
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture
async def table(ledger: Ledger) -> Table:
    """Return two players with money. The first has lost 30 units, won 10, and lost 5."""
    table = Table(ledger)
    await table.sit()
    await table.sit(player="q", session="s-q")
    for order in (bet("t", 30), win("w", 10), bet("u", 5, round_id="r2")):
        await table.ask(order)
    return table


NUMBERS = {
    ":t": "(SELECT id FROM transactions WHERE external_id = 't')",
    ":q": "(SELECT id FROM account WHERE player_id = 'q')",
}
"""What stands for the bet and for the second player in a change."""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE account SET real = 76 WHERE player_id = 'p'", "account"),
        ("UPDATE account SET sequence = 3 WHERE player_id = 'p'", "it is at sequence 3"),
        ("UPDATE account SET held = 1 WHERE player_id = 'q'", "account"),
        ("INSERT INTO entry VALUES (:t, NULL, 'HOUSE', 1, NULL)", "sequence 2"),
        (
            "INSERT INTO entry VALUES (:t, NULL, 'HOUSE', 1, NULL), (:t, :q, 'REAL', -1, 99)",
            "sequence 2: it has an entry of REAL of account",
        ),
        ("INSERT INTO entry VALUES (4711, NULL, 'HOUSE', 5, NULL)", "transaction 4711"),
        ("INSERT INTO entry VALUES (-1, NULL, 'HOUSE', 5, NULL)", "transaction -1"),
        ("UPDATE entry SET balance_after = 1 WHERE transaction_id = :t", "sequence 2"),
        ("UPDATE entry SET amount = 2 * amount WHERE transaction_id = :t", "sequence 2"),
        ("UPDATE entry SET name = 'POCKET' WHERE transaction_id = :t", "sequence 2"),
        ("DELETE FROM entry WHERE transaction_id = :t", "sequence 2"),
        ("UPDATE transactions SET real_after = 1 WHERE external_id = 't'", "sequence 2"),
        ("UPDATE transactions SET held_after = 1 WHERE external_id = 't'", "sequence 2"),
        ("UPDATE transactions SET at_us = 1 WHERE external_id = 't'", "sequence 2"),
        ("UPDATE transactions SET sequence = 9 WHERE external_id = 't'", "expected sequence 2"),
        ("UPDATE transactions SET sequence = NULL WHERE external_id = 't'", "not booked"),
        ("UPDATE transactions SET kind = NULL WHERE external_id = 't'", "half booked"),
    ],
)
async def test_change_by_hand_is_found(
    table: Table, place: LedgerPlace, change: str, told: str
) -> None:
    """With the place where the books do not fit."""
    assert await faults_of(table.ledger) == []
    for short, number in NUMBERS.items():
        change = change.replace(short, number)
    await place.forge(change)
    assert any(told in f"{one.where} {one.what}" for one in await faults_of(table.ledger))


async def test_missing_transaction_is_found(table: Table, place: LedgerPlace) -> None:
    """Also if it is the last one, and whatever had belonged to it is gone too."""
    await place.forge(
        "DELETE FROM entry WHERE transaction_id IN (SELECT max(id) FROM transactions)"
    )
    await place.forge("DELETE FROM transactions WHERE external_id = 'u'")
    found = await faults_of(table.ledger)
    assert [one.what.partition(",")[0] for one in found] == ["expected {'REAL': 80"]


async def test_fault_is_told_once(table: Table, place: LedgerPlace) -> None:
    """The transactions behind it still fit to each other."""
    await place.forge("UPDATE transactions SET real_after = 71 WHERE external_id = 't'")
    whats = [one.what.partition(":")[0] for one in await faults_of(table.ledger)]
    assert whats == ["sequence 2", "sequence 2", "sequence 3"]


async def test_next_run_begins_at_the_checkpoint(table: Table, place: LedgerPlace) -> None:
    """It looks only at what is new. Old faults are found from the start."""
    verifier = Verifier(table.ledger)
    assert (await verifier.run(1)).transactions_count == 5
    assert (await verifier.run(2)).transactions_count == 0
    await table.ask(win("x", 1, round_id="r2"))
    assert (await verifier.run(3)).transactions_count == 1
    await place.forge("UPDATE transactions SET real_after = 71 WHERE external_id = 't'")
    assert (await verifier.run(4)).faults_count == 0
    assert (await verifier.run(5, from_start=True)).faults_count == 3


async def test_fault_is_found_by_each_run_until_it_is_mended(
    table: Table, place: LedgerPlace
) -> None:
    """No checkpoint is set behind it."""
    await place.forge("UPDATE account SET real = 76 WHERE player_id = 'p'")
    verifier = Verifier(table.ledger)
    assert [(await verifier.run(number)).faults_count for number in (1, 2)] == [1, 1]
    await place.forge("UPDATE account SET real = 75 WHERE player_id = 'p'")
    assert (await verifier.run(3)).faults_count == 0


async def test_what_moves_nothing_fits(table: Table) -> None:
    """Refusals, tombstones, repeated rollbacks and ends of rounds have no entries."""
    await refused(table.ask(bet("v", 1000)))
    for order in (back("b1", "gone"), back("b2", "u"), back("b3", "u")):
        await table.ask(order)
    assert await faults_of(table.ledger) == []


async def test_bets_that_come_meanwhile_do_no_harm(table: Table, place: LedgerPlace) -> None:
    """From another process, while this one looks again and again."""
    await table.deposit(BETS_COUNT)
    other = place.make()
    await other.open()
    playing = True

    async def play() -> None:
        nonlocal playing
        for number in range(BETS_COUNT):
            await other.call_back(table.caller, bet(f"n{number}", 1, round_id=f"n{number}"))
        playing = False

    async with asyncio.TaskGroup() as group:
        group.create_task(play())
        while playing:
            assert (await Verifier(table.ledger).run(1)).faults == []
    assert await faults_of(table.ledger) == []
    await other.close()
