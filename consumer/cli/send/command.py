"""`consumer send`: be a brand for a while."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, BinaryIO, Final

import click
import msgspec

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Share
from consumer.errors import Reason
from consumer.tools.sample.broken import USUAL, WAYS
from consumer.tools.sample.generate import (
    SEEDED_START_S,
    Intent,
    Sample,
    SentCounts,
    TrafficMix,
    can_conflict,
    generate,
)
from consumer.tools.sample.pace import send_paced
from consumer.tools.sample.registry import RECIPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from consumer.config.load import Config
    from consumer.tools.sample.sender import Sender

ALL: Final = "all"


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
@click.option(
    "--reason",
    "reasons",
    metavar="NAME",
    multiple=True,
    type=click.Choice([reason.value for reason in WAYS]),
    help=f"Of the broken ones: {', '.join(WAYS)}. Repeatable. [default: all but too_large]",
)
@click.option(
    "--seed",
    type=int,
    help="The same seed makes the same bytes, so whatever is sent twice with one seed is a resend, "
    "and the daemon drops it. [default: random]",
)
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
    reasons: tuple[str, ...],
    seed: int | None,
    source: BinaryIO | None,
) -> None:
    """Make events of each TYPE, in equal shares, and send them to the source of a listener.

    TYPE `all` is every type, each as often as in a casino. Ends when the broker has confirmed
    everything. The broken ones take turns in all the reasons for a dead letter that a sender can
    cause; with several consumers on one queue a conflict may overtake the event it contradicts.
    too_large needs the sink's limit, which its server is asked for, and a source that can carry
    so much.

    \b
    Examples:
      consumer send CASINO
      consumer send all --count 10000 --duplicates 10% --broken 1% --seed 7
      consumer send CASINO PAYMENT --to partners --rate 50
      consumer send CASINO --broken 50% --reason conflict --reason invalid
      consumer send CASINO --file events.ndjson
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    if source is not None:
        if len(types) > 1 or types[0].lower() == ALL:
            raise click.UsageError("--file: expected one TYPE, that of all its lines")
        sender = _sender(load_config(config_file), to)
        asyncio.run(_send_all(sender, _lines(source, types[0]), None, rate, _count_lines))
        return
    mix = TrafficMix(
        types=_known(types),
        weighted=ALL in map(str.lower, types),
        count=count,
        duplicates_ratio=duplicates,
        broken_ratio=broken,
        reasons=tuple(map(Reason, reasons)) or USUAL,
        seed=secrets.randbits(32) if seed is None else seed,
        start_s=None if seed is None else SEEDED_START_S,
    )
    _check(mix, picked=bool(reasons))
    config = load_config(config_file)
    sender = _sender(config, to)
    asyncio.run(_send_mix(config, sender, possible(mix, sender, picked=bool(reasons)), rate))


def _sender(config: Config, to: str | None) -> Sender:
    from consumer.tools.sample.senders import make_sender  # noqa: PLC0415  # `--help` is quick

    return make_sender(config, to)


def _known(names: tuple[str, ...]) -> list[str]:
    if ALL in map(str.lower, names):
        return list(RECIPES)
    for name in names:
        if name.upper() not in RECIPES:
            known = ", ".join([ALL, *sorted(RECIPES)])
            raise click.BadParameter(
                f"{name!r}: there are samples of {known}; others with --file", param_hint="TYPE"
            )
    return [name.upper() for name in names]


def _check(mix: TrafficMix, *, picked: bool) -> None:
    """Refuse what cannot be made."""
    if mix.duplicates_ratio + mix.broken_ratio >= 1:
        raise click.UsageError("--duplicates and --broken leave no event: expected less than 100%")
    if picked and not mix.broken_ratio:
        raise click.UsageError("--reason: no event is broken, expected --broken PERCENT with it")
    if picked and Reason.CONFLICT in mix.reasons and not can_conflict(mix.types):
        raise click.UsageError(
            f"--reason conflict: no two events of {', '.join(mix.types)} can contradict each other"
        )


def possible(mix: TrafficMix, sender: Sender, *, picked: bool) -> TrafficMix:
    """Leave out the reason that a source cannot cause; refuse it where it was asked for."""
    if sender.can_omit_type or Reason.MISSING_TYPE not in mix.reasons:
        return mix
    if picked:
        raise click.UsageError("--reason missing_type: here the subject is the type")
    reasons = [reason for reason in mix.reasons if reason is not Reason.MISSING_TYPE]
    return msgspec.structs.replace(mix, reasons=reasons)


def _lines(source: BinaryIO, message_type: str) -> Iterator[Sample]:
    for line in source:
        body = line.rstrip(b"\r\n")
        if body:
            yield Sample(body, message_type, Intent.EVENT)


def summary(sent: SentCounts) -> str:
    """Say what was sent, in one line."""
    roles = sent.by_intent
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(sent.by_reason.items()))
    return (
        f"sent {roles.total()}: {roles[Intent.EVENT]} distinct events, "
        f"{roles[Intent.DUPLICATE]} duplicates, {roles[Intent.BROKEN]} broken"
        + (f" ({reasons})" if reasons else "")
    )


def _count_lines(sent: SentCounts) -> str:
    return f"sent {sent.by_intent.total()} lines"


async def _send_mix(config: Config, sender: Sender, mix: TrafficMix, rate: float | None) -> None:
    if Reason.TOO_LARGE in mix.reasons:
        from consumer.tools.sample.large import too_large_bytes  # noqa: PLC0415  # `--help` is quick

        mix = msgspec.structs.replace(mix, large_bytes=await too_large_bytes(config))
    await _send_all(sender, generate(mix), mix.count, rate, summary)


async def _send_all(
    sender: Sender,
    samples: Iterable[Sample],
    total_count: int | None,
    rate: float | None,
    say: Callable[[SentCounts], str],
) -> None:
    """Send everything beside a progress bar; what was confirmed is told in any case."""
    sent = SentCounts()
    try:
        await sender.open()
    except BaseException:
        await sender.close()
        raise
    try:
        with _progress(total_count) as advance:
            async for batch in send_paced(sender, samples, rate):
                sent.add(batch)
                advance(len(batch))
    finally:
        await sender.close()
        click.echo(say(sent))


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
