"""Sends dead letters through the pipeline again, or tells what would become of them."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from consumer.cli.dead.chosen import chosen_letters
from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.safe_text import printable
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.delivery import Dead
from consumer.lanes.outside import make_store
from consumer.operations.log import LogSettings, configure
from consumer.pipeline.batch import Batch
from consumer.pipeline.dedupe import group, judge
from consumer.pipeline.mode import Enforce
from consumer.stores.base import Memory
from consumer.tools.replay.opened import Decoders, opened_replayer
from consumer.tools.replay.read import NoSuchBodyError, NoSuchLetterError
from consumer.tools.replay.replay import WITHOUT_BODY, decoded, paced, several, whole

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadReplayOptions
    from consumer.config.load import Config
    from consumer.pipeline.batch import Work
    from consumer.pipeline.dedupe import SameKey
    from consumer.stores.base import Mark
    from consumer.tools.replay.query import StoredLetter
    from consumer.tools.replay.replay import Ended, Replayer

FAILURES_SHOWN_COUNT: Final = 20


class Failures:
    """Says why letters failed again, on standard error, for the first of them."""

    def __init__(self) -> None:
        self._count = 0

    def tell(self, ended: Ended) -> None:
        """Say what became of a letter, if it failed again."""
        if not isinstance(ended.end, Dead):
            return
        self._count += 1
        if self._count <= FAILURES_SHOWN_COUNT:
            rejected = ended.end.rejected
            click.echo(
                f"letter {ended.number} is now {ended.next_number}: {rejected.reason.value}: "
                f"{printable(rejected.detail)}",
                err=True,
            )
        elif self._count == FAILURES_SHOWN_COUNT + 1:
            click.echo("more failed: consumer dead list shows them", err=True)


async def replay(options: DeadReplayOptions) -> int:
    """Replay letters, and say what became of them; returns exit code 1 if a letter failed again.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server of the dead letters is away.
        click.Abort: The user did not agree.
    """
    config = load_config(options.config_file)
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
            chosen_letters(config, options, "replaying", "Replay {letters}?") as letters,
            opened_replayer(config, letters.reader, Failures().tell) as replayer,
        ):
            async for chunk in paced(letters.chunks(), options.rate_per_s, SYSTEM_CLOCK):
                await replayer.replay(chunk)
                letters.advance(len(chunk))
    finally:
        # The summary is printed here, after the progress bar is removed. `replayer` is None if the
        # letters could not be read, or if the user did not agree.
        if replayer is not None:
            click.echo(replayer.said)
    return 1 if replayer.failed_count else 0


async def would_replay(options: DeadReplayOptions) -> int:
    """Say what a replay would do, and change nothing; returns exit code 1 if a letter would fail.

    The store is asked which events it knows. The sink is not asked, so an event that only the sink
    knows counts as forwarded.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server of the dead letters or the store is away.
    """
    config = load_config(options.config_file)
    foresight = Foresight(config)
    async with (
        contextlib.aclosing(foresight),
        chosen_letters(config, options, "decoding") as letters,
    ):
        # The sink is not opened here. Usually it is on the server that has the letters.
        decoder_of = Decoders(config, lambda: letters.reader.max_message_bytes).of

        async def with_body(stored: StoredLetter) -> StoredLetter | None:
            try:
                return await whole(letters.reader, stored.number)
            except NoSuchLetterError:  # somebody removed it meanwhile: nothing is left to replay
                return None
            except NoSuchBodyError:
                foresight.failing[WITHOUT_BODY] += 1
                return None

        async for chunk in letters.chunks():
            found = await several(with_body, chunk)
            bodies = [stored for stored in found if stored is not None]
            async for works in decoded(decoder_of, bodies):
                await foresight.judge(works)
            letters.advance(len(chunk))
    click.echo(foresight.said)
    return 1 if foresight.failing.total() else 0


class Foresight:
    """Foresees what a replay would do, and leaves the marks in the store as they are.

    It remembers every event that would be forwarded: the key and the fingerprint. So a letter is
    compared with all letters before it, as in a replay, where the store has their marks by then.

    Args:
        config: The configuration, which names the store. A store in memory cannot be asked.

    Attributes:
        failing: The number of letters that would fail again, by reason.
    """

    def __init__(self, config: Config) -> None:
        self._store = None if config.dedupe.store == "memory" else make_store(config)
        self._mode = Enforce()
        self._foreseen: dict[str, Memory] = {}
        self._forwarded_count = self._recognised_count = 0
        self.failing: Counter[str] = Counter()

    async def judge(self, works: list[Work]) -> None:
        """Count what would become of decoded letters.

        Raises:
            StoreUnavailable: The store is away.
        """
        same_keys = group(Batch(works, SYSTEM_CLOCK.now_s(), SYSTEM_CLOCK.monotonic_s()))
        keys = [same_key[0][1].key for same_key in same_keys]
        marks: list[Mark | None] = [None] * len(keys)
        if self._store is not None and keys:
            marks = await self._store.recall(keys)
        for same_key, mark in zip(same_keys, marks, strict=True):
            self._judge(same_key, mark)
        for work in works:
            end = work.delivery.end
            if isinstance(end, Dead):
                self.failing[end.rejected.reason.value] += 1
            elif work.delivery.fate is None:
                self._forwarded_count += 1
            else:
                self._recognised_count += 1

    def _judge(self, same_key: SameKey, mark: Mark | None) -> None:
        identity = same_key[0][1]
        known = self._foreseen.get(identity.key)
        if known is None and mark is not None:
            known = Memory(mark.done, mark.fingerprint, mark.age_s)
        if judge(same_key, known, self._mode, None):
            fingerprint = identity.fingerprint if known is None else known.fingerprint
            self._foreseen[identity.key] = Memory(done=True, fingerprint=fingerprint, age_s=0.0)

    @property
    def said(self) -> str:
        """A line that says what would become of the letters."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.failing.most_common())
        return (
            f"would forward {self._forwarded_count}, recognise {self._recognised_count}, "
            f"fail again {self.failing.total()}{f': {reasons}' if reasons else ''}"
        )

    async def aclose(self) -> None:
        """Close the connection to the store."""
        if self._store is not None:
            await self._store.close()
