"""Reads the messages that `tap` may show, for as long as `tap` runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from consumer.nats.follow import StreamStart, following
from consumer.nats.follow_on import follow, hearing
from consumer.nats.subjects import covers
from consumer.sinks.plans import event_plan

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from nats.aio.msg import Msg

    from consumer.cli.tap.command import TapOptions
    from consumer.config.load import Config


def refuse_what_never_comes(config: Config, options: TapOptions) -> None:
    """Refuse options with which the verb would wait for ever. The server would accept any subject.

    Raises:
        click.UsageError: No message can come. The text says what to change.
    """
    if options.dead:
        return
    if config.sink.kind == "core" and options.since_s is not None:
        raise click.UsageError('--since: the sink is kind = "core", which keeps nothing')
    subject = options.subject
    routed = {target for targets in config.routes.values() for target in targets}
    if "." not in subject and subject not in {">", "*"} | routed:
        raise click.UsageError(f"no event is on {subject!r}: did you mean '{subject}.*'?")


def passing(
    config: Config, options: TapOptions, tell: Callable[[str], None]
) -> AsyncGenerator[Msg]:
    """Yield messages for ever, from the time that the options give.

    Args:
        config: The configuration.
        options: The options of the verb.
        tell: A function that is called with a text when the sink is away, and when it is back.

    Raises:
        Unavailable: The sink, or its stream, is not there at the beginning.
    """
    sink = config.sink
    start = StreamStart(time_s=options.since_s)
    if options.dead:
        letters = partial(
            following,
            stream=config.dead_letters.stream,
            subjects=[f"{config.dead_letters.subject_prefix}.{options.subject}"],
            headers_only=True,
        )
        return follow(sink, letters, start, tell)
    if sink.kind == "core":
        subjects = event_plan(sink, config.routes).subjects
        return follow(sink, partial(hearing, subjects=subjects), start, tell)
    events = partial(following, stream=sink.stream, subjects=[_with_prefix(config, options)])
    return follow(sink, events, start, tell)


def is_on_wanted_subject(config: Config, options: TapOptions, subject: str) -> bool:
    """Tell whether the subject of an event is wanted. On core NATS, events of all subjects come."""
    return covers(_with_prefix(config, options), subject)


def _with_prefix(config: Config, options: TapOptions) -> str:
    prefix = config.sink.subject_prefix
    return f"{prefix}.{options.subject}" if prefix else options.subject
