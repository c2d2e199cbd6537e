"""Makes events, duplicates and broken events as the options ask, and sends them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click
import msgspec

from consumer.cli.input.configuration import load_config
from consumer.cli.send.agree import agree
from consumer.cli.send.command import ALL
from consumer.cli.send.deliver import deliver
from consumer.cli.send.source import asked_sender
from consumer.errors import Reason
from consumer.tools.sample.broken import USUAL
from consumer.tools.sample.generate import (
    SEEDED_START_S,
    Intent,
    TrafficMix,
    can_conflict,
    generate,
)
from consumer.tools.sample.large import too_large_bytes
from consumer.tools.sample.registry import RECIPES

if TYPE_CHECKING:
    from consumer.cli.send.command import SendOptions
    from consumer.tools.sample.generate import SentCounts
    from consumer.tools.sample.sender import SampleSender


async def send_mix(options: SendOptions) -> None:
    """Make the events that the options ask for, and send them.

    Raises:
        ConfigError: The configuration is wrong, or has no listener with the name of `--to`.
        Unavailable: The broker or the sink is away, or the broker did not confirm a batch.
        click.UsageError: The events cannot be made, or nobody can be asked.
        click.Abort: The user did not agree.
    """
    mix = asked_mix(options)
    config = load_config(options.config_file)
    sender = asked_sender(config, options)
    agree(options, config)
    mix = possible_mix(mix, sender, picked=bool(options.reasons))
    if Reason.TOO_LARGE in mix.reasons:
        mix = msgspec.structs.replace(mix, large_bytes=await too_large_bytes(config))
    await deliver(
        sender,
        generate(mix),
        total_count=mix.count,
        rate_per_s=options.rate_per_s,
        summary=summary,
    )


def asked_mix(options: SendOptions) -> TrafficMix:
    """Return the mix that the options ask for.

    Raises:
        click.UsageError: The mix cannot be made for any source.
    """
    mix = TrafficMix(
        types=_known_types(options),
        weighted=options.is_all,
        count=options.count,
        duplicates_ratio=options.duplicates_ratio,
        broken_ratio=options.broken_ratio,
        reasons=options.reasons or USUAL,
        seed=secrets.randbits(32) if options.seed is None else options.seed,
        start_s=None if options.seed is None else SEEDED_START_S,
    )
    if mix.duplicates_ratio + mix.broken_ratio >= 1:
        raise click.UsageError("--duplicates and --broken leave no event: expected less than 100%")
    if options.reasons and not mix.broken_ratio:
        raise click.UsageError("--reason: no event is broken, expected --broken PERCENT with it")
    if Reason.CONFLICT in options.reasons and not can_conflict(mix.types):
        raise click.UsageError(
            f"--reason conflict: no two events of {', '.join(mix.types)} can contradict each other"
        )
    return mix


def _known_types(options: SendOptions) -> list[str]:
    if options.is_all:
        return list(RECIPES)
    for name in options.types:
        if name.upper() not in RECIPES:
            known = ", ".join([ALL, *sorted(RECIPES)])
            raise click.BadParameter(
                f"{name!r}: there are samples of {known}; others with --file", param_hint="TYPE"
            )
    return [name.upper() for name in options.types]


def possible_mix(mix: TrafficMix, sender: SampleSender, *, picked: bool) -> TrafficMix:
    """Leave out the reason `missing_type` if the source cannot cause it.

    Args:
        mix: The mix that the options ask for.
        sender: The sender to the source.
        picked: If true, the user has picked the reasons, and no reason may be left out in silence.

    Raises:
        click.UsageError: The user has picked this reason, and the source cannot cause it.
    """
    if sender.can_omit_type or Reason.MISSING_TYPE not in mix.reasons:
        return mix
    if picked:
        raise click.UsageError("--reason missing_type: here the subject of a message is its type")
    reasons = [reason for reason in mix.reasons if reason is not Reason.MISSING_TYPE]
    return msgspec.structs.replace(mix, reasons=reasons)


def summary(sent: SentCounts) -> str:
    """Say in one line what was sent."""
    counts = sent.by_intent
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(sent.by_reason.items()))
    return (
        f"sent {counts.total()}: {counts[Intent.EVENT]} distinct events, "
        f"{counts[Intent.DUPLICATE]} duplicates, {counts[Intent.BROKEN]} broken"
        + (f" ({reasons})" if reasons else "")
    )
