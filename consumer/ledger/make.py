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
    is_test = environment is Environment.TEST
    kind, _, rest = database.partition(":")
    if kind != "sqlite":
        return PostgresLedger(database, f"{SCHEMA}_test" if is_test else SCHEMA)
    path = Path(rest)
    return SqliteLedger(path.with_stem(f"{path.stem}-test") if is_test else path)
