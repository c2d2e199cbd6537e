"""Opens the file of a ledger: its tables, and the rights of the connection."""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING, Final

import apsw

if TYPE_CHECKING:
    from pathlib import Path

MIGRATIONS: Final = ("0001", "0002")
"""The steps from an empty file to the tables of this version. Steps are only added, at the end."""
KEPT: Final = frozenset({"transactions", "entry"})
"""The tables whose rows are never changed."""
FORBIDDEN: Final = frozenset({apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE, apsw.SQLITE_DROP_TABLE})
"""What may not be done to them."""
NEVER: Final = frozenset({apsw.SQLITE_DROP_TRIGGER, apsw.SQLITE_ALTER_TABLE})
"""What may not be done at all."""
KEPT_PRAGMAS: Final = frozenset(
    {"writable_schema", "ignore_check_constraints", "recursive_triggers"}
)
RETRY_S: Final = 0.02
BUSY_MS: Final = 2000
"""How long the file may be locked by somebody else, in milliseconds."""


def connect(path: Path) -> apsw.Connection:
    """Open a ledger's file, bring its tables up to date, and give up the right to change rows.

    Raises:
        apsw.Error: The file cannot be opened, or a newer version has written it.
    """
    _make_private(path)
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MS)
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")  # so REPLACE counts as a deletion
    _migrate(connection)
    connection.authorizer = _authorize
    return connection


def _make_private(path: Path) -> None:
    """Create the file, if it is new, so that only its owner may read it. Its other files follow it.

    Raises:
        apsw.Error: The file cannot be created.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise apsw.CantOpenError(str(error)) from error


def _use_wal(connection: apsw.Connection) -> None:
    """Switch to WAL. Processes that start together may lock each other out for a moment.

    SQLite does not wait for such a lock by itself.
    """
    until_s = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except apsw.BusyError:
            if time.monotonic() > until_s:
                raise
            time.sleep(RETRY_S)  # in the writer's own thread: SQLite does not wait here by itself
        else:
            return


def refuse_newer(done_count: int) -> None:
    """Refuse a file in which more steps were taken than this version knows.

    Raises:
        apsw.Error: It is so.
    """
    if done_count > len(MIGRATIONS):
        raise apsw.Error(f"a newer version wrote it: {done_count} steps, not {len(MIGRATIONS)}")


def _migrate(connection: apsw.Connection) -> None:
    """Take the steps that the file has not taken yet, in one transaction."""
    folder = resources.files(__package__)
    connection.execute("BEGIN IMMEDIATE")  # another process may start at the same time
    with connection:
        done_count = connection.pragma("user_version")
        refuse_newer(done_count)
        for name in MIGRATIONS[done_count:]:
            connection.execute((folder / f"{name}.sql").read_text())
        connection.pragma("user_version", len(MIGRATIONS))
    connection.execute("COMMIT")


def _authorize(
    action: int, name: str | None, _: str | None, __: str | None, ___: str | None
) -> int:
    """Deny whatever changes a row that is kept, and whatever would take the triggers away."""
    is_denied = (
        action in NEVER
        or (action in FORBIDDEN and name in KEPT)
        or (action == apsw.SQLITE_PRAGMA and name in KEPT_PRAGMAS)
    )
    return apsw.SQLITE_DENY if is_denied else apsw.SQLITE_OK
