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
        opened = await asyncio.to_thread(_open, path)
        if isinstance(opened, LedgerLook):
            yield opened
            return
        try:
            yield await asyncio.to_thread(_look, opened, path)
        finally:
            opened.close()
    except (apsw.Error, OSError) as error:
        raise LedgerUnavailable(f"the ledger's database: {error}") from error


def _refuse_unwritable(path: Path) -> None:
    """Refuse a file, or a folder, that this user may not write to.

    Raises:
        LedgerUnavailable: This user may not write to it, or the folder does not exist.
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


def _open(path: Path) -> apsw.Connection | LedgerLook:
    """Open a file so that the file does not change. If that cannot be done, return why.

    SQLite would make two files beside a file that nobody has open, and would leave them. With
    `immutable`, it makes no files and takes no locks. Where both files are there, because a process
    has the file open or was killed, they are needed, and are not changed for good.
    """
    _refuse_unwritable(path)
    if not path.exists():
        return LedgerLook(f"{path} will be created")
    log_file, memory_file = _wal_files(path)
    if log_file.exists() and log_file.stat().st_size and not memory_file.exists():
        # It comes from a backup or another machine. To read it is to write to it.
        return LedgerLook(
            f"{path} was not looked into: a process has to take in {log_file.name} first"
        )
    is_used = log_file.exists() and memory_file.exists()
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
