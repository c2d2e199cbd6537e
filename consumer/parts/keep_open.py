"""Keeps sink and store in use: opens again what was lost, asks now and then, tells `/readyz`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from consumer.errors import Unavailable
from consumer.retry import Backoff

if TYPE_CHECKING:
    from consumer.operations.health import Health
    from consumer.sinks.base import Sink

CHECK_EVERY_S: Final = 2.0
OPEN_DEADLINE_S: Final = 30.0
"""More than all deadlines of one opening together; a library that hangs is tried again."""

log = structlog.get_logger()


class Checked(Protocol):
    """Something that can be asked whether it works."""

    async def check(self) -> None:
        """Ask.

        Raises:
            Unavailable: it does not, and what to do.
        """


async def keep_open(part: str, sink: Sink, health: Health) -> None:
    """Open a sink, and again whenever its connection is lost.

    Runs until it is cancelled, which leaves the sink as it is.
    """
    backoff = Backoff(first_s=0.2, longest_s=5.0)
    while True:
        try:
            await _open(sink)
        except Unavailable as error:
            report(part, error, health)
            await asyncio.sleep(backoff.next_s())
            continue
        health.up(part)
        log.info("connected", part=part)
        backoff.reset()
        async with asyncio.TaskGroup() as group:
            checking = group.create_task(keep_checked(part, sink, health), name=f"check {part}")
            why = await sink.wait_lost()
            checking.cancel()
        report(part, Unavailable(why), health)


async def _open(sink: Sink) -> None:
    try:
        async with asyncio.timeout(OPEN_DEADLINE_S):
            await sink.open()
    except TimeoutError as error:
        raise Unavailable(f"not open within {OPEN_DEADLINE_S:g} s") from error


async def keep_checked(part: str, checked: Checked, health: Health) -> None:
    """Ask a part from time to time, so that `/readyz` is right when nothing passes.

    Runs until it is cancelled.
    """
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        try:
            await checked.check()
        except Unavailable as error:
            report(part, error, health)
        else:
            health.up(part)


def report(part: str, error: Unavailable, health: Health) -> None:
    """Tell that a part is away: once for each reason, not for each try."""
    if health.why_down(part) != str(error):
        log.warning("part not available", part=part, why=str(error))
    health.down(part, str(error))
