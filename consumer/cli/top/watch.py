"""Looks at all processes at once, again and again, and shows what it finds."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.live import Live

from consumer.cli.terminal import ended_by_closed_pipe
from consumer.cli.top.read import Away, Reading, Row, read, rows
from consumer.cli.top.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Group


class _Process:
    """One process, and its last reading."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = url.partition("://")[2]
        self._before: Reading | None = None
        self.rows: list[Row] = []
        self.others: dict[str, str] = {}

    async def look(self) -> None:
        """Take a reading."""
        try:
            now = await asyncio.to_thread(read, self._url)
        except Away as error:
            self._before, self.others = None, {}
            self.rows = [Row(process=self.name, listener=None, state="away", why=str(error))]
            return
        self.rows = rows(self.name, self._before, now)
        self.others = {
            f"{self.name} {part}": why
            for part, why in now.whys.items()
            if part.partition(" ")[0] not in ("listener", "lane")
        }
        self._before = now


async def watch(urls: Sequence[str], every_s: float, count: int | None) -> None:
    """Show all processes until there were `count` intervals; None: for ever."""
    processes = [_Process(url) for url in urls]
    console = Console()
    loop = asyncio.get_running_loop()
    with ended_by_closed_pipe(), _shown(console) as live:
        await _look(processes)
        if live is not None:
            live.update(_table(processes), refresh=True)
        done, due_s = 0, loop.time()
        while done != count:
            due_s = max(due_s + every_s, loop.time())
            await asyncio.sleep(due_s - loop.time())
            await _look(processes)
            if live is not None:
                live.update(_table(processes), refresh=True)
            else:
                _write(processes)
            done += 1


@contextlib.contextmanager
def _shown(console: Console) -> Iterator[Live | None]:
    """Keep a place on the terminal up to date; None in a pipe."""
    if not console.is_terminal:
        yield None
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield live


def _table(processes: Sequence[_Process]) -> Group:
    found = [row for process in processes for row in process.rows]
    others = {where: why for process in processes for where, why in process.others.items()}
    return table(found, others, several=len(processes) > 1)


def _write(processes: Sequence[_Process]) -> None:
    for process in processes:
        for row in process.rows:
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
    sys.stdout.buffer.flush()


async def _look(processes: Sequence[_Process]) -> None:
    async with asyncio.TaskGroup() as group:
        for process in processes:
            group.create_task(process.look(), name=f"look at {process.name}")
