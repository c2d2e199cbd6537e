"""`consumer send`: be a brand for a while."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Share
from consumer.sample.events import SAMPLES
from consumer.sample.generate import Mix, Role, Sample, generate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from consumer.sample.sender import Sender

BATCH_COUNT: Final = 500
BATCHES_PER_S: Final = 10
"""With `--rate`: batches so small that the stream looks even."""


@click.command()
@click.argument("types", metavar="TYPE...", nargs=-1, required=True)
@config_option
@click.option(
    "--to", metavar="NAME", help="The listener whose source gets them. [default: the first]"
)
@click.option(
    "--count",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Messages in all, duplicates and broken ones included.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    help="Messages a second. [default: as fast as the broker confirms]",
)
@click.option(
    "--duplicates", type=Share(), default="0%", show_default=True, help="Share of honest resends."
)
@click.option(
    "--broken", type=Share(), default="0%", show_default=True, help="Share of broken events."
)
@click.option("--seed", type=int, help="The same seed makes the same events. [default: random]")
@click.option(
    "--file",
    "source",
    type=click.File("rb"),
    help="Send the lines of this file as they are; - for standard input.",
)
def send(  # noqa: PLR0913  # one parameter an option
    types: tuple[str, ...],
    config_file: Path | None,
    *,
    to: str | None,
    count: int,
    rate: float | None,
    duplicates: float,
    broken: float,
    seed: int | None,
    source: BinaryIO | None,
) -> None:
    """Make events of each TYPE, in equal shares, and send them to the source of a listener.

    Ends when the broker has confirmed them all. The broken ones are cut JSON, wrong UTF-8, a
    missing or unknown type, a missing id, and text where a number belongs, in turn.

    \b
    Examples:
      consumer send CASINO
      consumer send CASINO PAYMENT --count 10000 --duplicates 10% --broken 1% --seed 7
      consumer send CASINO --to partners --rate 50
      consumer send CASINO --file events.ndjson
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    if source is None:
        types = tuple(_known(name) for name in types)
        if duplicates + broken >= 1:
            raise click.UsageError(
                "--duplicates and --broken leave no event: expected less than 100%"
            )
    elif len(types) > 1:
        raise click.UsageError("--file: expected one TYPE, that of all its lines")
    from consumer.sample.senders import make_sender  # noqa: PLC0415  # `--help` is quick

    sender = make_sender(load_config(config_file), to)
    if source is not None:
        asyncio.run(_send_all(sender, _lines(source, types[0]), None, rate, _count_lines))
        return
    mix = Mix(
        types=types,
        count=count,
        duplicates_ratio=duplicates,
        broken_ratio=broken,
        seed=secrets.randbits(32) if seed is None else seed,
        can_omit_type=sender.can_omit_type,
    )
    asyncio.run(_send_all(sender, generate(mix), count, rate, summary))


def _known(name: str) -> str:
    if name.upper() not in SAMPLES:
        known = ", ".join(sorted(SAMPLES))
        raise click.BadParameter(
            f"{name!r}: there are samples of {known}; others with --file", param_hint="TYPE"
        )
    return name.upper()


def _lines(source: BinaryIO, message_type: str) -> Iterator[Sample]:
    for line in source:
        body = line.rstrip(b"\r\n")
        if body:
            yield Sample(body, message_type, Role.EVENT)


def summary(sent: Counter[Role]) -> str:
    """Say what was sent, in one line."""
    return (
        f"sent {sent.total()}: {sent[Role.EVENT]} distinct events, "
        f"{sent[Role.DUPLICATE]} duplicates, {sent[Role.BROKEN]} broken"
    )


def _count_lines(sent: Counter[Role]) -> str:
    return f"sent {sent.total()} lines"


async def _send_all(
    sender: Sender,
    samples: Iterable[Sample],
    total_count: int | None,
    rate: float | None,
    say: Callable[[Counter[Role]], str],
) -> None:
    """Send everything beside a progress bar; what was confirmed is told in any case."""
    sent: Counter[Role] = Counter()
    try:
        await sender.open()
    except BaseException:
        await sender.close()
        raise
    try:
        with _progress(total_count) as advance:
            async for batch in send_paced(sender, samples, rate):
                sent.update(sample.role for sample in batch)
                advance(len(batch))
    finally:
        await sender.close()
        click.echo(say(sent))


async def send_paced(
    sender: Sender, samples: Iterable[Sample], rate: float | None
) -> AsyncIterator[Sequence[Sample]]:
    """Send in batches at so many a second; yields each batch once it is confirmed.

    Raises:
        Unavailable: not confirmed.
    """
    loop = asyncio.get_running_loop()
    started_s, sent_count = loop.time(), 0
    size = BATCH_COUNT if rate is None else max(1, min(BATCH_COUNT, round(rate / BATCHES_PER_S)))
    source = iter(samples)
    while batch := list(islice(source, size)):
        await sender.send(batch)
        sent_count += len(batch)
        yield batch
        if rate is not None:
            await asyncio.sleep(max(0.0, started_s + sent_count / rate - loop.time()))


@contextlib.contextmanager
def _progress(total_count: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # noqa: PLC0415  # `--help` is quick
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415  # as above

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("sending", total=total_count)
        yield lambda count: bar.advance(task, count)
