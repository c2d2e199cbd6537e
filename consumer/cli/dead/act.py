"""`consumer dead replay` and `dead drop`: what is done with dead letters."""

from __future__ import annotations

import contextlib
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.delivery import Dead
from consumer.operations.log import LogSettings, configure
from consumer.tools.replay.opened import Decoders, opened_replayer
from consumer.tools.replay.read import NoSuchBodyError, NoSuchLetterError, open_reader
from consumer.tools.replay.replay import (
    WITHOUT_BODY,
    Replayer,
    chunks,
    decode,
    paced,
    several,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from consumer.config.load import Config
    from consumer.tools.replay.query import Query, StoredLetter
    from consumer.tools.replay.read import LetterReader


class Chosen:
    """The letters that something is done with.

    Args:
        reader: open.
        query: which letters.
        numbers: these and no others; empty: the query decides.
        last: the highest number to look at.
        advance: moves the progress bar.
    """

    def __init__(
        self,
        reader: LetterReader,
        query: Query,
        numbers: Sequence[int],
        last: int,
        advance: Callable[[int], None],
    ) -> None:
        self.reader = reader
        self.advance = advance
        self._query = query
        self._numbers = numbers
        self._last = last

    def chunks(self) -> AsyncIterator[list[StoredLetter]]:
        """Give them, without their bodies."""
        return chunks(self.reader, self._query, self._numbers, self._last)

    async def count(self) -> int:
        """Count them."""
        return sum([len(letters) async for letters in self.chunks()])


@contextlib.asynccontextmanager
async def chosen(
    config: Config, query: Query, numbers: Sequence[int], deed: str, *, ask: bool
) -> AsyncIterator[Chosen]:
    """Choose letters, and on a terminal ask first, beside a progress bar for the time of the block.

    Raises:
        Unavailable: the server is away.
        click.Abort: the user did not agree.
    """
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
    task = bar.add_task(deed, total=None)
    async with open_reader(config.sink, config.dead_letters) as reader:
        last = await reader.last_number()
        found = Chosen(reader, query, numbers, last, lambda count: bar.advance(task, count))
        if ask or console.is_terminal:
            total = await found.count()
            bar.update(task, total=total)
            if ask and total:
                letters = "1 dead letter" if total == 1 else f"{total:,} dead letters"
                click.confirm(f"{deed} {letters}?", abort=True, err=True)
        with bar:
            yield found


async def replay(
    config: Config, query: Query, numbers: Sequence[int], rate: float | None, *, ask: bool
) -> bool:
    """Replay letters and say what became of them; False: some failed again."""
    if config.dedupe.store == "memory":
        click.echo(
            "consumer: [dedupe] store is memory, which only the daemon can see: a copy is "
            f"recognised for {config.sink.duplicate_window_s:g} s only, by the sink",
            err=True,
        )
    configure(LogSettings(format="console", level="warning"))
    replayer: Replayer | None = None
    try:
        async with (
            chosen(config, query, numbers, "Replay", ask=ask) as letters,
            opened_replayer(config, letters.reader) as replayer,
        ):
            async for chunk in paced(letters.chunks(), rate, SYSTEM_CLOCK):
                await replayer.replay(chunk)
                letters.advance(len(chunk))
    finally:
        if replayer is not None:  # behind the progress bar, which is gone by now
            click.echo(replayer.said)
    return not replayer.failed_count


async def would_replay(config: Config, query: Query, numbers: Sequence[int]) -> bool:
    """Decode letters and say what a replay would do; True: all would pass."""
    decoder_of, fitting, failing = Decoders(config).of, 0, Counter[str]()
    async with chosen(config, query, numbers, "Decode", ask=False) as letters:
        async for chunk in letters.chunks():
            found = await several(partial(_whole, letters.reader), chunk)
            bodies = [stored for stored in found if stored is not None]
            ends = [work.delivery.end for work in decode(decoder_of, bodies)]
            fitting += ends.count(None)
            failing.update(end.rejected.reason.value for end in ends if isinstance(end, Dead))
            failing[WITHOUT_BODY] += len(found) - len(bodies)
            letters.advance(len(chunk))
    reasons = ", ".join(f"{reason} {count}" for reason, count in failing.most_common() if count)
    click.echo(
        f"would forward or recognise {fitting}, "
        f"would fail again {failing.total()}{f': {reasons}' if reasons else ''}"
    )
    return not failing.total()


async def _whole(reader: LetterReader, stored: StoredLetter) -> StoredLetter | None:
    try:
        return await whole(reader, stored.number)
    except (NoSuchBodyError, NoSuchLetterError):
        return None


async def would_drop(config: Config, query: Query, numbers: Sequence[int]) -> None:
    """Say how many letters a drop would delete."""
    async with chosen(config, query, numbers, "Count", ask=False) as letters:
        click.echo(f"would drop {await letters.count()}")


async def drop(
    config: Config, query: Query, numbers: Sequence[int], *, ask: bool, erase: bool
) -> None:
    """Delete letters and say how many."""
    ended = Counter[bool]()
    try:
        async with chosen(config, query, numbers, "Drop for ever", ask=ask) as letters:
            async for chunk in letters.chunks():
                ended.update(await several(partial(_remove, letters.reader, erase), chunk))
                letters.advance(len(chunk))
    finally:
        click.echo(f"dropped {ended[True]}, {ended[False]} gone")


async def _remove(reader: LetterReader, erase: bool, stored: StoredLetter) -> bool:  # noqa: FBT001  # for partial()
    return await reader.remove(stored.number, erase=erase)
