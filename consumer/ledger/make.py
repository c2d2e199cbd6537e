"""Makes the ledger of an environment from the option `database` of `[wallet]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from consumer.deliveries.origin import Environment
from consumer.ledger.postgres.ledger import PostgresLedger
from consumer.ledger.sqlite.ledger import SqliteLedger

if TYPE_CHECKING:
    from consumer.ledger.base import Ledger

SCHEMA: Final = "wallet"
"""The schema of live money in PostgreSQL."""


def make_ledger(database: str, environment: Environment) -> Ledger:
    """Make the ledger of an environment, not open.

    Test money is in another file or another schema: `wallet-test.db` beside `wallet.db`,
    `wallet_test` beside `wallet`.

    Args:
        database: The option `database` of `[wallet]`.
        environment: The environment.
    """
    file = file_of(database, environment)
    if file is None:
        is_test = environment is Environment.TEST
        return PostgresLedger(database, f"{SCHEMA}_test" if is_test else SCHEMA)
    return SqliteLedger(file)


def file_of(database: str, environment: Environment) -> Path | None:
    """Return the file of an environment's ledger; None if it is not in SQLite."""
    kind, _, rest = database.partition(":")
    if kind != "sqlite":
        return None
    path = Path(rest)
    return path.with_stem(f"{path.stem}-test") if environment is Environment.TEST else path
