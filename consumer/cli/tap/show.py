"""What `tap` is asked for, and how it is read, sifted and shown."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console

from consumer.cli.dead.text import json_line
from consumer.cli.event_line import (
    event_line,
    json_of_event,
    letter_line,
    print_line,
    print_whole,
    read_envelope,
)
from consumer.cli.terminal import ended_by_closed_pipe, printable
from consumer.nats.follow import StreamStart, following
from consumer.nats.follow_on import follow, hearing
from consumer.nats.subjects import covers
from consumer.sinks.plans import event_plan
from consumer.tools.replay.read import stored_letter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from nats.aio.msg import Msg

    from consumer.config.load import Config


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; None: any.

    Attributes:
        subject: without prefix, wildcards allowed.
        message_type: compared without case.
        dead: dead letters, not events.
        since_s: from there on, in seconds since 1970; None: from now on.
        count: end after so many.
    """

    subject: str = ">"
    brand: str | None = None
    user: str | None = None
    message_type: str | None = None
    dead: bool = False
    since_s: float | None = None
    count: int | None = None

    def sent(self, brand: str, message_type: str, user: str | None = None) -> bool:
        """Tell what the subject alone cannot tell."""
        wanted_type = (self.message_type or message_type).lower()
        return (
            self.brand in (None, brand)
            and self.user in (None, user)
            and message_type.lower() == wanted_type
        )


async def show(config: Config, wanted: Wanted) -> None:
    """Show what is wanted, for ever or until enough was shown.

    Raises:
        Unavailable: the sink, or its stream, is not there at the beginning.
        BrokenPipeError: nobody reads any more.
    """
    sieve = _Sieve(config, wanted)
    messages = _messages(config, wanted)
    with ended_by_closed_pipe():
        async with contextlib.aclosing(messages):
            await sieve.show_all(messages)


def _messages(config: Config, wanted: Wanted) -> AsyncGenerator[Msg]:
    sink = config.sink
    start = StreamStart(time_s=wanted.since_s)
    if wanted.dead:
        subject = f"{config.dead_letters.subject_prefix}.{wanted.subject}"
        reading = partial(
            following, stream=config.dead_letters.stream, subject=subject, headers_only=True
        )
        return follow(sink, reading, start, _tell)
    if sink.kind == "core":
        subjects = event_plan(sink, config.routes).subjects
        return follow(sink, partial(hearing, subjects=subjects), start, _tell)
    reading = partial(following, stream=sink.stream, subject=_prefixed(config, wanted))
    return follow(sink, reading, start, _tell)


def _prefixed(config: Config, wanted: Wanted) -> str:
    prefix = config.sink.subject_prefix
    return f"{prefix}.{wanted.subject}" if prefix else wanted.subject


def _tell(text: str) -> None:
    click.echo(f"consumer: {text}", err=True)


class _Sieve:
    """Shows the messages that are wanted."""

    def __init__(self, config: Config, wanted: Wanted) -> None:
        self._wanted = wanted
        self._subject = None if wanted.dead else _prefixed(config, wanted)
        self._console = Console()
        self._shown_count = 0
        self._met_foreign = False

    async def show_all(self, messages: AsyncGenerator[Msg]) -> None:
        """Show messages until there were enough."""
        async for msg in messages:
            if self.show(msg) and self._shown_count == self._wanted.count:
                return

    def show(self, msg: Msg) -> bool:
        """Show a message, at once; False: it is not wanted."""
        try:
            shown = self._show_letter(msg) if self._wanted.dead else self._show_event(msg)
        except (ValueError, RecursionError):  # no event of ours, or no letter
            if not self._met_foreign:
                _tell(f"skipping what is none of ours, such as {printable(msg.subject)}")
            self._met_foreign = True
            return False
        self._shown_count += shown
        return shown

    def _show_event(self, msg: Msg) -> bool:
        # Of core NATS every event is heard.
        if self._subject is not None and not covers(self._subject, msg.subject):
            return False
        event = read_envelope(msg.data)
        if not self._wanted.sent(event.brand, event.message_type, event.subject):
            return False
        if self._console.is_terminal:
            print_line(self._console, event_line(msg.subject, event))
        else:
            _write(json_of_event(msg.data))
        return True

    def _show_letter(self, msg: Msg) -> bool:
        stored = stored_letter(msg)
        if not self._wanted.sent(stored.letter.brand, stored.letter.message_type):
            return False
        if self._console.is_terminal:
            print_whole(self._console, letter_line(stored))
        else:
            _write(json_line(stored))
        return True


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
