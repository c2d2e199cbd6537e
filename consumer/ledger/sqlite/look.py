"""Looks whether the ledger of a file could be opened and used, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import apsw

from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.look import LedgerLook, steps_told
from consumer.ledger.sqlite.connection import BUSY_MS, MIGRATIONS, refuse_newer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from consumer.ledger.look import FoundRows


def outbox_lock_of(path: Path) -> Path:
    """Return the file whose lock lets one process take from the outbox of a ledger's file."""
    return path.with_name(f"{path.name}.outbox")


@contextlib.asynccontextmanager
async def look(path: Path) -> AsyncIterator[LedgerLook]:
    """See `Ledger.looked_at`.

    Args:
        path: The file, as an absolute path.
    """
    try:
        log_file, memory_file = _wal_files(path)
        if log_file.exists() and log_file.stat().st_size and not memory_file.exists():
            _refuse_unwritable(path)
            # It comes from a backup or another machine. To read it is to write to it.
            told = f"{path} was not looked into: a process has to take in {log_file.name} first"
            yield LedgerLook(told)
            return
        connection = await asyncio.to_thread(_open, path)
        if connection is None:
            yield LedgerLook(f"{path} will be created")
            return
        try:
            yield await asyncio.to_thread(_look, connection, path)
        finally:
            connection.close()
    except (apsw.Error, OSError) as error:
        raise LedgerUnavailable(f"the ledger's database: {error}") from error


def _refuse_unwritable(path: Path) -> None:
    """Refuse a file, or a folder, that this user may not write to.

    Raises:
        LedgerUnavailable: It is so, or there is no such folder.
    """
    folder = path.parent
    if not folder.is_dir():
        raise LedgerUnavailable(f"there is no folder {folder}: make it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LedgerUnavailable(f"this user may not make files in {folder}: give it the folder")
    for file in (path, *_wal_files(path), outbox_lock_of(path)):
        if file.exists() and not os.access(file, os.R_OK | os.W_OK):
            raise LedgerUnavailable(f"this user may not write to {file}: give it the file")


def _wal_files(path: Path) -> tuple[Path, Path]:
    """Return the two files that SQLite has beside a file that is open."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _open(path: Path) -> apsw.Connection | None:
    """Open a file so that nothing of it changes. Return None if there is no file yet.

    SQLite would make two files beside a file that nobody has open, and would leave them. With
    `immutable`, it makes no files and takes no locks. Where both files are there, because a process
    has the file open or was killed, they are needed, and are not changed for good.
    """
    _refuse_unwritable(path)
    if not path.exists():
        return None
    is_used = all(file.exists() for file in _wal_files(path))
    uri = f"{path.as_uri()}?mode=ro{'' if is_used else '&immutable=1'}"
    connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    connection.set_busy_timeout(BUSY_MS)
    return connection


def _look(connection: apsw.Connection, path: Path) -> LedgerLook:
    async def rows(statement: str, parameters: Sequence[object]) -> FoundRows:
        asked: Any = tuple(parameters)
        return await asyncio.to_thread(lambda: connection.execute(statement, asked).fetchall())

    done_count = int(connection.pragma("user_version"))
    refuse_newer(done_count)
    told = steps_told(str(path), done_count, len(MIGRATIONS))
    return LedgerLook(told, rows if done_count else None)
