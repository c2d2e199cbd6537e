"""Opens a part, opens it again after each loss, and reports its state to `/readyz`.

Responsible also for asking the part from time to time whether it works.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from consumer.cancel import end_tasks, raise_swallowed
from consumer.errors import Unavailable
from consumer.operations.outage import Outage
from consumer.retry import Backoff

if TYPE_CHECKING:
    from consumer.operations.health import Health
    from consumer.parts.base import Part

CHECK_EVERY_S: Final = 2.0
OPEN_DEADLINE_S: Final = 30.0
"""With the default options, more than all deadlines of an opening together. If a library hangs, the
opening ends after this time and is tried again."""

log = structlog.get_logger()


class KeptOpen:
    """One part that is kept open.

    Args:
        name: The part's name in `/readyz` and in the log.
        part: The part, not opened.
        health: The states of all parts, which `/readyz` shows.
        group: The word before the name in the log. Empty if there is only one part of this name.

    Attributes:
        opened: The event that is set once the part has been open for the first time.
    """

    def __init__(self, name: str, part: Part, health: Health, group: str = "") -> None:
        self.name = name
        self._logged_name = f"{group} {name}".strip()
        self.opened = asyncio.Event()
        self._part = part
        self._health = health
        self._outage = Outage()
        health.down(name, "not opened yet")

    async def run(self) -> None:
        """Open the part, and open it again whenever its connection is lost.

        Runs until it is cancelled, which leaves the part as it is.
        """
        backoff = Backoff(first_s=0.2, longest_s=5.0)
        while True:
            try:
                await self._open()
            except Unavailable as error:
                self._report(error)
                raise_swallowed()
                await asyncio.sleep(backoff.next_s())
                continue
            raise_swallowed()
            backoff.reset()
            async with asyncio.TaskGroup() as group:
                checking = group.create_task(self._keep_checked(), name=f"check {self.name}")
                why = await self._part.wait_lost()
                await end_tasks([checking])
            self._report(Unavailable(why))

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(OPEN_DEADLINE_S):
                caveats = await self._part.open()
        except TimeoutError as error:
            raise Unavailable(f"not open within {OPEN_DEADLINE_S:g} s") from error
        for caveat in caveats:
            log.warning(caveat.what, **caveat.facts)
        self._outage.over()
        self._report_up()
        self.opened.set()

    async def _keep_checked(self) -> None:
        """Ask the part from time to time, so that `/readyz` is right even if no events pass."""
        while True:
            raise_swallowed()
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await self._part.check()
            except Unavailable as error:
                self._report(error)
            else:
                # The same connection works again, so nothing was opened that would say so.
                if self._outage.over():
                    self._report_up()

    def _report(self, error: Unavailable) -> None:
        """Report that the part is away."""
        self._outage.report(log, "part not available", error, part=self._logged_name)
        self._health.down(self.name, str(error))

    def _report_up(self) -> None:
        self._health.up(self.name)
        log.info("connected", part=self._logged_name)


async def all_opened(parts: list[KeptOpen]) -> None:
    """Return once every part has been open. Each part is opened by its `KeptOpen.run`."""
    for part in parts:
        await part.opened.wait()
