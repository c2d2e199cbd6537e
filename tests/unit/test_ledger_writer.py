"""The writer of a SQLite ledger: nobody waits for ever, and nothing is half done."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import apsw
import pytest

from consumer.ledger.answers import LedgerRefusal, LedgerUnavailable, OrderRefused
from consumer.ledger.sqlite.connection import connect
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.ledger.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSERT = "INSERT INTO game VALUES ('b', 'acme', ?, 'n', 'Slots', NULL)"


def insert(name: str, db: apsw.Connection) -> None:
    """Store a game."""
    db.execute(INSERT, (name,))


def games(db: apsw.Connection) -> list[object]:
    """Return the games that are stored."""
    return [row[0] for row in db.execute("SELECT game_id FROM game ORDER BY game_id")]


async def test_writer_that_could_not_open_can_be_opened_later(tmp_path: Path) -> None:
    """A file whose folder is made later, as a disk that is mounted late."""
    ledger = SqliteLedger(tmp_path / "later" / "wallet.db")
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            await ledger.open()
        with pytest.raises(LedgerUnavailable):
            await ledger.outbox_count()
        await ledger.close()
    (tmp_path / "later").mkdir()
    await ledger.open()
    async with asyncio.timeout(5):
        assert await ledger.outbox_count() == 0
    await ledger.close()


async def test_refused_order_leaves_nothing_and_harms_no_other(tmp_path: Path) -> None:
    """Three orders in one commit: the second changes something, and is then refused."""
    writer = Writer(lambda: connect(tmp_path / "wallet.db"))
    await writer.open()

    def refuse(db: apsw.Connection) -> None:
        db.execute(INSERT, ("second",))
        raise OrderRefused(LedgerRefusal.BAD_AMOUNT)

    def wrong(db: apsw.Connection) -> None:
        db.execute(INSERT, ("third",))
        db.execute("SELECT no_such_column FROM game")

    async def outcome(step: Callable[[apsw.Connection], object]) -> object:
        try:
            return await writer.do(step)
        except (OrderRefused, LedgerUnavailable) as error:
            return type(error)

    first = partial(insert, "first")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(outcome(step)) for step in (first, refuse, wrong, games)]
    assert [task.result() for task in tasks] == [None, OrderRefused, LedgerUnavailable, ["first"]]
    await writer.close()


async def test_step_that_misses_an_item_is_answered(tmp_path: Path) -> None:
    """With any error. `next` raises StopIteration, which an `async` function cannot raise."""
    writer = Writer(lambda: connect(tmp_path / "wallet.db"))
    await writer.open()
    try:
        with pytest.raises((RuntimeError, LedgerUnavailable)):
            async with asyncio.timeout(1):
                await writer.do(lambda _: next(iter(())))
    finally:
        await writer.close()


class Failing:
    """A connection whose commits fail, as on a full disk."""

    def __init__(self, real: apsw.Connection) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def execute(self, statement: str, *arguments: tuple[str, ...]) -> object:
        """Run a statement, unless it is a commit."""
        if statement == "COMMIT":
            raise apsw.FullError("full")
        return self._real.execute(statement, *arguments)


async def test_order_whose_commit_fails_is_not_answered_as_carried_out(tmp_path: Path) -> None:
    """And has changed nothing. Later orders are answered as well."""
    writer = Writer(lambda: Failing(connect(tmp_path / "wallet.db")))  # type: ignore[arg-type, return-value]  # a stand-in
    await writer.open()
    for _ in range(2):
        with pytest.raises(LedgerUnavailable, match="full"):
            async with asyncio.timeout(5):
                await writer.do(lambda db: db.execute(INSERT, ("x",)))
    await writer.close()
    assert games(apsw.Connection(str(tmp_path / "wallet.db"))) == []


async def test_end_of_the_thread_is_told_to_all_who_wait(tmp_path: Path) -> None:
    """A bug of ours in the thread itself."""

    class Broken(Failing):
        def execute(self, statement: str, *arguments: tuple[str, ...]) -> object:
            if statement == "BEGIN IMMEDIATE":
                raise RuntimeError("a bug")
            return self._real.execute(statement, *arguments)

    writer = Writer(lambda: Broken(connect(tmp_path / "wallet.db")))  # type: ignore[arg-type, return-value]  # a stand-in
    await writer.open()
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            async with asyncio.timeout(5):
                await writer.do(games)
    await writer.close()


@pytest.mark.parametrize(
    "statement",
    [
        "REPLACE INTO transactions SELECT * FROM transactions",
        "REPLACE INTO entry (rowid, transaction_id, name, amount) VALUES (1, 1, 'REAL', 7)",
        "ALTER TABLE entry DROP COLUMN balance_after",
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_master",
        "DROP TRIGGER entries_stay",
        "DROP TABLE entry",
    ],
)
async def test_append_only_holds_on_the_own_connection(tmp_path: Path, statement: str) -> None:
    """Whatever this program would try by mistake."""
    connection = connect(tmp_path / "wallet.db")
    connection.execute(
        "INSERT INTO transactions (brand, source, external_id, verb, game_id, round_id, amount,"
        " currency, reference, at_us, real, bonus) VALUES ('b','s','e','v','','',1,'','',1,0,0)"
    )
    connection.execute("INSERT INTO entry VALUES (1, NULL, 'HOUSE', 1, NULL)")
    with pytest.raises(apsw.Error):
        connection.execute(statement).fetchall()
    assert len(connection.execute("SELECT * FROM entry").fetchall()) == 1


async def test_thread_that_has_ended_is_told(tmp_path: Path) -> None:
    """So that somebody opens the ledger again."""
    connection = connect(tmp_path / "wallet.db")
    writer = Writer(lambda: connection)
    await writer.open()
    lost = asyncio.get_running_loop().create_task(writer.wait_lost())
    connection.close()
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            await writer.do(games)
    async with asyncio.timeout(5):
        assert await lost
    await writer.close()
