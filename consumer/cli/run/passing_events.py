"""Shows what the sink stores while a block runs, for the verbs that run a daemon of their own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from nats.js.api import DeliverPolicy
from rich.console import Console

from consumer.cli.terminal.limited_lines import LimitedLines
from consumer.dead_letters.plan import dead_letter_plan
from consumer.nats.connection import connected
from consumer.nats.stream import prepare_stream
from consumer.sinks.plans import event_plan
from consumer.tools.replay.read import stored_letter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.msg import Msg

    from consumer.config.load import Config


@contextlib.asynccontextmanager
async def passing_events_shown(config: Config) -> AsyncIterator[LimitedLines]:
    """Show the events and dead letters that the sink stores from now on, during the block.

    The streams are read, not the subjects. A subscriber of a subject also hears the copies that the
    server then recognises and does not store.

    Raises:
        Unavailable: The sink's server is away.
    """
    lines = LimitedLines(Console())

    async def on_event(msg: Msg) -> None:
        lines.show(msg.subject, msg.data)

    async def on_letter(msg: Msg) -> None:
        lines.show_letter(stored_letter(msg))

    async with connected(config.sink, name="consumer show") as client:
        letters = dead_letter_plan(config.dead_letters, config.sink)
        events = event_plan(config.sink, config.routes)
        for plan, callback in ((events, on_event), (letters, on_letter)):
            # The daemon prepares the same streams in the same way. The first of the two creates a
            # stream, and the second finds it fit.
            await prepare_stream(client, plan)
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
