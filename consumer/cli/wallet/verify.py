"""Checks the books: `consumer wallet verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from consumer.cli.wallet.opened import opened_ledger
from consumer.clock import SYSTEM_CLOCK
from consumer.ledger.verify.run import Verifier

if TYPE_CHECKING:
    from consumer.cli.wallet.options import VerifyOptions

SHOWN_COUNT: Final = 100


async def verify(options: VerifyOptions) -> int:
    """Print where the books do not fit; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        LedgerUnavailable: The database is away.
    """
    async with opened_ledger(options) as ledger:
        now_us = int(SYSTEM_CLOCK.now_s() * 1e6)
        verdict = await Verifier(ledger).run(now_us, from_start=options.from_start)
    for fault in verdict.faults[:SHOWN_COUNT]:
        click.echo(f"{fault.where}: {fault.what}")
    looked_at = f"{verdict.transactions_count:,} transactions were looked at"
    if verdict.faults_count:
        click.echo(f"the books do not fit in {verdict.faults_count:,} places; {looked_at}")
        return 1
    click.echo(f"the books fit; {looked_at}")
    return 0
