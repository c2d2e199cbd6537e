"""Looks at all processes in each interval, and shows what it finds."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.live import Live

from consumer.cli.terminal.closed_pipe import ended_by_closed_pipe
from consumer.cli.top.port import PortRow, port_row
from consumer.cli.top.rates import ListenerRow, rows
from consumer.cli.top.read import ProcessAwayError, ProcessReading, read
from consumer.cli.top.table import table
from consumer.cli.top.wallet import WalletRow, wallet_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Group

    from consumer.cli.top.command import TopOptions


class _WatchedProcess:
    """One process, and what its last reading says.

    Attributes:
        name: The address of the process.
        rows: A row for each listener, or a single row that says that the process is away.
        further: The rows of its public port and of its wallet, as far as they are in use.
        others: What is wrong with parts that are not listeners, by process and part.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._before: ProcessReading | None = None
        self.name = url.partition("://")[2]
        self.rows: list[ListenerRow] = []
        self.further: list[PortRow | WalletRow] = []
        self.others: dict[str, str] = {}

    async def look(self) -> None:
        """Take a reading."""
        try:
            now = await asyncio.to_thread(read, self._url)
        except ProcessAwayError as error:
            self._before, self.further, self.others = None, [], {}
            away = ListenerRow(process=self.name, listener=None, state="away", why=str(error))
            self.rows = [away]
            return
        self.rows = rows(self.name, self._before, now)
        found = (make(self.name, self._before, now) for make in (port_row, wallet_row))
        self.further = [row for row in found if row is not None]
        self.others = {
            f"{self.name} {part}": why
            for part, why in now.whys.items()
            if part.partition(" ")[0] not in ("listener", "lane")
        }
        self._before = now


async def watch(options: TopOptions) -> None:
    """Show the processes at the given URLs until the wanted number of intervals has passed.

    Raises:
        BrokenPipeError: Nobody reads standard output any more.
    """
    processes = [_WatchedProcess(url) for url in options.urls]
    console = Console()
    loop = asyncio.get_running_loop()
    with ended_by_closed_pipe(), _live(console) as live:
        await _look(processes)
        if live is not None:
            live.update(_table(processes), refresh=True)
        done_count, due_s = 0, loop.time()
        while done_count != options.count:
            due_s = max(due_s + options.every_s, loop.time())
            await asyncio.sleep(due_s - loop.time())
            await _look(processes)
            if live is not None:
                live.update(_table(processes), refresh=True)
            else:
                _write(processes)
            done_count += 1


@contextlib.contextmanager
def _live(console: Console) -> Iterator[Live | None]:
    """Keep a place on the terminal up to date during the block. In a pipe, yield None."""
    if not console.is_terminal:
        yield None
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield live


def _table(processes: Sequence[_WatchedProcess]) -> Group:
    found = [row for process in processes for row in process.rows]
    others = {where: why for process in processes for where, why in process.others.items()}
    further = [row for process in processes for row in process.further]
    return table(found, further, others, several=len(processes) > 1)


def _write(processes: Sequence[_WatchedProcess]) -> None:
    for process in processes:
        for row in (*process.rows, *process.further):
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
    sys.stdout.buffer.flush()


async def _look(processes: Sequence[_WatchedProcess]) -> None:
    async with asyncio.TaskGroup() as group:
        for process in processes:
            group.create_task(process.look(), name=f"look at {process.name}")
