"""Sends dead letters through the pipeline again, or tells what would become of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from consumer.cli.dead.chosen import chosen_letters
from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.safe_text import printable
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.delivery import Dead
from consumer.operations.log import LogSettings, configure
from consumer.tools.replay.opened import Decoders, opened_replayer
from consumer.tools.replay.read import NoSuchBodyError, NoSuchLetterError
from consumer.tools.replay.replay import WITHOUT_BODY, decoded, paced, several, whole

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadReplayOptions
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
    """Decode letters, and say what a replay would do; returns exit code 1 if a letter would fail.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server of the dead letters is away.
    """
    config = load_config(options.config_file)
    fitting_count, failing = 0, Counter[str]()
    async with chosen_letters(config, options, "decoding") as letters:
        # The sink is not opened here. Usually it is on the server that has the letters.
        decoder_of = Decoders(config, lambda: letters.reader.max_message_bytes).of

        async def with_body(stored: StoredLetter) -> StoredLetter | None:
            try:
                return await whole(letters.reader, stored.number)
            except NoSuchLetterError:  # somebody removed it meanwhile: nothing is left to replay
                return None
            except NoSuchBodyError:
                failing[WITHOUT_BODY] += 1
                return None

        async for chunk in letters.chunks():
            found = await several(with_body, chunk)
            bodies = [stored for stored in found if stored is not None]
            async for works in decoded(decoder_of, bodies):
                ends = [work.delivery.end for work in works]
                fitting_count += ends.count(None)
                failing.update(end.rejected.reason.value for end in ends if isinstance(end, Dead))
            letters.advance(len(chunk))
    reasons = ", ".join(f"{reason} {count}" for reason, count in failing.most_common() if count)
    click.echo(
        f"would forward or recognise {fitting_count}, "
        f"would fail again {failing.total()}{f': {reasons}' if reasons else ''}"
    )
    return 1 if failing.total() else 0
