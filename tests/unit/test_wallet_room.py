"""A ledger as a part of the process: it opens only if it fits the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.wallet.room import LedgerPart
from consumer.wallet.settings import WalletBrandSettings, WalletSettings
from tests.support.ledger_table import Table

if TYPE_CHECKING:
    from pathlib import Path

BRAND: Final = WalletBrandSettings(origin="www.b.example", exchange_rates={"EUR": "1"})


async def test_ledger_that_does_not_fit_is_never_open(tmp_path: Path) -> None:
    """Not even for a moment, in which an amount could be booked with other digits."""
    file = tmp_path / "wallet.db"
    for digits in ({}, {"EUR": 3}):
        settings = WalletSettings(database="", brands={"b": BRAND}, currencies=digits)
        ledger = SqliteLedger(file)
        part = LedgerPart(ledger, SqliteLedger(file), settings)
        if digits:
            with pytest.raises(LedgerUnavailable, match="EUR: the ledger has amounts with 2"):
                await part.open()
            with pytest.raises(LedgerUnavailable, match="is not open"):
                await Table(ledger).deposit(1)
        else:
            await part.open()
            await Table(ledger).sit()
        await part.close()
