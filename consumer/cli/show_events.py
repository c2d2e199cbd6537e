"""Shows events as they pass: coloured lines on a terminal, NDJSON in a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Final

from nats.js.api import DeliverPolicy
from rich.console import Console
from rich.text import Text

from consumer.cli.event_line import (
    event_line,
    json_of_event,
    letter_line,
    print_line,
    read_envelope,
)
from consumer.dead_letters.plan import dead_letter_plan
from consumer.nats.connection import connected
from consumer.nats.stream import prepare_stream
from consumer.sinks.plans import event_plan
from consumer.tools.replay.read import stored_letter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.msg import Msg

    from consumer.config.load import Config
    from consumer.tools.replay.query import StoredLetter

LINES_PER_S: Final = 60
"""More than a person reads; the rest of a second's events is counted in one line."""
CATCH_UP_DEADLINE_S: Final = 5.0


class EventLines:
    """Prints events; on a terminal at most so many lines a second.

    Args:
        console: where to; its being a terminal decides the form.

    Attributes:
        seen_count: events that have passed.
    """

    def __init__(self, console: Console, lines_per_s: int = LINES_PER_S) -> None:
        self._console = console
        self._lines_per_s = lines_per_s
        self._second = 0
        self._lines_count = 0
        self._hidden_count = 0
        self._passed = asyncio.Event()
        self.seen_count = 0

    def show(self, subject: str, body: bytes) -> None:
        """Print one event, if there is room in this second."""
        self.seen_count += 1
        self._passed.set()
        if self._console.is_terminal:
            self._print(event_line(subject, read_envelope(body)))
        else:
            sys.stdout.buffer.write(json_of_event(body) + b"\n")

    def show_letter(self, stored: StoredLetter) -> None:
        """Print one dead letter; a pipe gets events only."""
        if self._console.is_terminal:
            self._print(letter_line(stored))

    def _print(self, line: Text) -> None:
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self.finish()
            self._second, self._lines_count = second, 0
        self._lines_count += 1
        if self._lines_count > self._lines_per_s:
            self._hidden_count += 1
            return
        print_line(self._console, line)

    async def catch_up(self, count: int) -> None:
        """Wait until so many events have passed; not for ever, it is only for show."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_DEADLINE_S):
                while self.seen_count < count:
                    self._passed.clear()
                    await self._passed.wait()

    def finish(self) -> None:
        """Tell how many were not shown, or hand over what a pipe has not got yet."""
        if self._hidden_count:
            self._console.print(Text(f"… and {self._hidden_count} more", "dim"))
            self._hidden_count = 0
        sys.stdout.flush()


@contextlib.asynccontextmanager
async def shown_events(config: Config) -> AsyncIterator[EventLines]:
    """Show what the sink stores from now on, events and dead letters, for the time of the block.

    Reads the streams, not the subjects: a plain subscriber also hears the copies that the server
    then recognises and does not store.

    Raises:
        Unavailable: the sink's server is away.
    """
    lines = EventLines(Console())

    async def on_event(msg: Msg) -> None:
        lines.show(msg.subject, msg.data)

    async def on_letter(msg: Msg) -> None:
        lines.show_letter(stored_letter(msg))

    async with connected(config.sink, name="consumer show") as client:
        letters = dead_letter_plan(config.dead_letters, config.sink)
        events = event_plan(config.sink, config.routes)
        for plan, callback in ((events, on_event), (letters, on_letter)):
            await prepare_stream(client, plan)  # as the daemon does, whoever comes first
            await client.jetstream().subscribe(
                ">",
                stream=plan.name,
                cb=callback,
                ordered_consumer=True,
                deliver_policy=DeliverPolicy.NEW,
            )
        try:
            yield lines
        finally:
            lines.finish()
