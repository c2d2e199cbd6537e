"""Asks whether the ledgers of `[wallet]` would work, and creates or changes none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.cli.check.answer import PartAnswer
from consumer.config.render import mask_url
from consumer.ledger.digits import compared
from consumer.ledger.make import file_of, make_ledger

if TYPE_CHECKING:
    from consumer.deliveries.origin import Environment
    from consumer.wallet.settings import WalletSettings


async def ledger(settings: WalletSettings, environment: Environment) -> PartAnswer:
    """Look at the database of an environment, and compare its currencies with the configuration.

    Raises:
        LedgerUnavailable: The wallet would stay closed. The text says what to do.
    """
    async with make_ledger(settings.database, environment).looked_at() as look:
        if look.rows is not None:
            misfits, _ = await compared(look.rows, settings.digits(), settings.rates())
            if misfits:
                return PartAnswer(ok=False, text="; ".join(misfits))
    is_file = file_of(settings.database, environment) is not None
    text = look.told if is_file else f"{mask_url(settings.database)}, {look.told}"
    return PartAnswer(ok=True, text=text)
