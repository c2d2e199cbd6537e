"""Checks the books: `consumer wallet verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from consumer.cli.wallet.opened import opened_ledger

if TYPE_CHECKING:
    from consumer.cli.wallet.options import WalletOptions

SHOWN_COUNT: Final = 100


async def verify(options: WalletOptions) -> int:
    """Print where the books do not fit; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        LedgerUnavailable: The database is away.
    """
    async with opened_ledger(options) as ledger:
        faults = await ledger.faults()
    for fault in faults[:SHOWN_COUNT]:
        click.echo(f"{fault.where}: {fault.what}")
    if faults:
        click.echo(f"the books do not fit in {len(faults)} places")
        return 1
    click.echo("the books fit")
    return 0
