"""One daemon's surroundings: its sources, a sink of its own, and who reads it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Self

import msgspec

from consumer.dead_letters.stream import DeadLetterSettings
from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.sink_reader import SinkReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from tests.support.mixed import Mix, Sent
    from tests.support.sources import Source

SENDERS = 200
"""So many sends are under way at once for each source."""


class Scene:
    """Sources, sink and configuration of one test.

    Attributes:
        sources: by the listener's name.
        sink: what has been stored.
        tables: the daemon's configuration.
    """

    def __init__(
        self, folder: Path, sources: dict[str, Source], redis_url: str, nats_url: str
    ) -> None:
        self._folder = folder
        self.sources = sources
        self.name = f"t{secrets.token_hex(4)}"
        names = {"events": f"EVENTS_{self.name}", "dead_letters": f"DEAD_{self.name}"}
        self.sink = SinkReader(nats_url, **names)
        self.tables: dict[str, Any] = {
            "brand": self.name,
            "listeners": {name: self._options(source) for name, source in sources.items()},
            "dedupe": {"url": redis_url, "key_prefix": f"{self.name}:"},
            "sink": {"url": nats_url, "stream": names["events"], "subject_prefix": self.name},
            "dead_letters": {"stream": names["dead_letters"], "subject_prefix": f"dead{self.name}"},
            "log": {"format": "json"},
        }

    @property
    def dead_letter_settings(self) -> DeadLetterSettings:
        """The table `[dead_letters]`."""
        return DeadLetterSettings(**self.tables["dead_letters"])

    @staticmethod
    def _options(source: Source) -> dict[str, Any]:
        """Return the options of the source's own listener, as the file would have them."""
        settings = source.listener().settings
        fields: dict[str, Any] = msgspec.to_builtins(settings)
        return {name: value for name, value in fields.items() if value is not None}

    async def __aenter__(self) -> Self:
        await self.reconnect()
        await self.sink.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.sink.__aexit__(kind, error, traceback)
        for source in self.sources.values():
            await source.close()

    async def reconnect(self) -> None:
        """Connect the sources' senders, once more after their broker has been away."""
        for source in self.sources.values():
            await source.open()

    def daemon(self) -> Daemon:
        """Return the daemon, not started."""
        return Daemon(self._folder, self.tables)

    async def send(self, mix: Mix) -> None:
        """Send a third of a mix to each source, all at the same time."""
        async with asyncio.TaskGroup() as group:
            for index, source in enumerate(self.sources.values()):
                group.create_task(send_all(source, mix.third(index)))

    def events_are(self, count: int) -> Callable[[], Awaitable[bool]]:
        """Return a condition for `eventually`: at least so many events are stored."""
        return _at_least(self.sink.count, count)

    def letters_are(self, count: int) -> Callable[[], Awaitable[bool]]:
        """Return a condition for `eventually`: at least so many dead letters are stored."""
        return _at_least(self.sink.dead_count, count)

    async def drained(self, within_s: float = 120.0) -> None:
        """Wait until every source is empty, nothing unsettled included."""
        for name, source in self.sources.items():
            await eventually(source.remaining_is(0), within_s=within_s, what=f"{name} empty")


def _at_least(counted: Callable[[], Awaitable[int]], count: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return await counted() >= count

    return condition


async def send_all(source: Source, deliveries: Sequence[Sent]) -> None:
    """Send many, several at once, each confirmed."""
    waiting = list(reversed(deliveries))

    async def sender() -> None:
        while waiting:
            one = waiting.pop()
            await source.send(one.body, one.message_type)

    async with asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(sender())
