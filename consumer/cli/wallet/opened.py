"""Opens the ledger of a configuration for a verb."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from consumer.cli.input.configuration import load_config
from consumer.errors import ConfigError
from consumer.ledger.make import file_of, make_ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.cli.wallet.options import WalletOptions
    from consumer.ledger.base import Ledger
    from consumer.wallet.settings import WalletSettings


def wallet_settings(options: WalletOptions) -> WalletSettings:
    """Return the table `[wallet]`.

    Raises:
        ConfigError: The configuration is wrong, or has no such table.
    """
    settings = load_config(options.config_file).wallet
    if settings is None:
        raise ConfigError("wallet: is missing, expected a table [wallet]")
    return settings


@contextlib.asynccontextmanager
async def opened_ledger(
    options: WalletOptions, *, may_create: bool = False
) -> AsyncIterator[Ledger]:
    """Open the ledger of the environment for the time of the block.

    Args:
        options: The options of the verb.
        may_create: If true, a SQLite file is created where there is none. Otherwise a verb in the
            wrong folder would find an empty ledger, whose books fit.

    Raises:
        ConfigError: The configuration is wrong, it has no table `[wallet]`, or the file of the
            ledger does not exist.
        LedgerUnavailable: The database is away.
    """
    database = wallet_settings(options).database
    file = file_of(database, options.environment)
    if file is not None and not may_create and not file.exists():
        raise ConfigError(f"wallet.database: the file {file.resolve()} does not exist")
    ledger = make_ledger(database, options.environment)
    try:
        await ledger.open()
        yield ledger
    finally:
        await ledger.close()
