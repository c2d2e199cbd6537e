"""What every ledger remembers of the currencies in which it has booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.ledger.digits import misfits_of

if TYPE_CHECKING:
    from tests.support.ledger_table import Table

DIGITS = {"EUR": 2, "JPY": 0}
RATES = {"b": {"EUR": "1", "JPY": "0.006"}}


class LedgerDigits:
    """A part of the suite."""

    async def test_configured_currencies_fit(self, table: Table) -> None:
        """Also at the second start, and with a currency more."""
        for digits in (DIGITS, DIGITS, DIGITS | {"USD": 2}):
            assert await misfits_of(table.ledger, digits, RATES) == []

    async def test_changed_digits_are_told(self, table: Table) -> None:
        """All stored amounts would mean something else."""
        await misfits_of(table.ledger, DIGITS, RATES)
        (told,) = await misfits_of(table.ledger, DIGITS | {"JPY": 2}, RATES)
        assert told == (
            "wallet.currencies.JPY: the ledger has amounts with 0 digits, the configuration says 2"
        )

    async def test_missing_rate_and_brand_are_told(self, table: Table) -> None:
        """Players could not get back what is theirs."""
        await misfits_of(table.ledger, DIGITS, RATES)
        (told,) = await misfits_of(table.ledger, DIGITS, {"b": {"JPY": "1"}})
        assert told.startswith("wallet.brands.b.exchange_rates.EUR: is missing")
        (told,) = await misfits_of(table.ledger, DIGITS, {"c": {"EUR": "1"}})
        assert told == "wallet.brands.b: is missing, and it has players"

    async def test_currency_without_accounts_may_go(self, table: Table) -> None:
        """Nobody has anything in it."""
        await misfits_of(table.ledger, DIGITS, RATES)
        assert await misfits_of(table.ledger, DIGITS, {"b": {"EUR": "1"}}) == []
