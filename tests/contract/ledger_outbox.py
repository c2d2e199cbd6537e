"""What every ledger tells of its outbox, from which the events go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.ledger.reads import LedgerReads
from tests.support.ledger_table import back, bet

if TYPE_CHECKING:
    from tests.support.ledger_table import Table


class LedgerOutboxRules:
    """A part of the suite."""

    async def test_the_outbox_has_each_movement_in_order(self, table: Table) -> None:
        """At most one of each account at a time; what moves nothing is not there."""
        await table.ask(bet("t", 30))
        await table.ask(bet("u", 0))
        await table.ask(back("b", "unknown"))
        await table.ask(back("b2", "t"))
        assert len(await table.ledger.outbox(100)) == 1
        assert await table.moved() == [
            *((1, "DEPOSIT", 100, 0), (2, "BET", -30, 0)),
            *((3, "BET", 0, 0), (4, "ROLLBACK", 30, 0)),
        ]

    async def test_waiting_events_of_an_account_are_told(self, table: Table) -> None:
        """By their sequences, without those of other accounts."""
        await table.sit(player="q", session="s-q")
        await table.ask(bet("t", 30))
        reads = LedgerReads(table.ledger)
        assert await reads.waiting("b", "p", "EUR") == [1, 2]
        await table.outbox()
        assert await reads.waiting("b", "p", "EUR") == []

    async def test_rows_of_the_outbox_are_counted_up_to_a_number(self, table: Table) -> None:
        """A long outbox takes long to count."""
        await table.ask(bet("t", 30))
        await table.ask(bet("u", 30))
        assert await table.ledger.outbox_count() == 3
        assert await table.ledger.outbox_count(2) == 2
