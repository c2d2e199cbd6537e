"""Reads what the daemon has stored, and holds it against what was sent."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

if TYPE_CHECKING:
    from types import TracebackType

    from nats.aio.msg import Msg
    from nats.js.api import StreamConfig
    from nats.js.client import JetStreamContext


class SinkReader:
    """Everything in the sink's two streams, through a connection of its own.

    Args:
        url: of the sink's server.
        events, dead_letters: the streams' names.
    """

    def __init__(self, url: str, events: str, dead_letters: str) -> None:
        self._url = url
        self._events = events
        self._dead_letters = dead_letters

    async def __aenter__(self) -> Self:
        self._client = await nats.connect(self._url, max_reconnect_attempts=-1)
        self._jetstream = self._client.jetstream()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for stream in (self._events, self._dead_letters):
            try:
                await self._jetstream.delete_stream(stream)
            except NotFoundError:
                continue
        await self._client.close()

    async def count(self) -> int:
        """Return how many events are stored."""
        return await self._count(self._events)

    async def dead_count(self) -> int:
        """Return how many dead letters are stored."""
        return await self._count(self._dead_letters)

    async def _count(self, stream: str) -> int:
        try:
            return (await self._jetstream.stream_info(stream)).state.messages
        except (NotFoundError, nats.errors.Error, TimeoutError):
            return 0

    async def ids(self) -> Counter[str]:
        """Return every activity_id with the number of its events."""
        return Counter(json.loads(msg.data)["data"]["activity_id"] for msg in await self.events())

    async def events(self) -> list[Msg]:
        """Return all events, oldest first."""
        return await self._all(self._events)

    async def bodies(self) -> list[bytes]:
        """Return the bodies of all events, oldest first."""
        return [message.data for message in await self.events()]

    async def letters(self) -> list[Msg]:
        """Return all dead letters, oldest first."""
        return await self._all(self._dead_letters)

    async def large_body(self, name: str) -> bytes:
        """Return a body that was too large for its letter."""
        objects = await self._jetstream.object_store(f"{self._dead_letters}_BODIES")
        body = (await objects.get(name)).data or b""
        await self._jetstream.delete_object_store(f"{self._dead_letters}_BODIES")
        return body

    async def make_dead_letter_stream(self, prefix: str) -> JetStreamContext:
        """Create the stream of dead letters before the daemon does."""
        await self._jetstream.add_stream(
            name=self._dead_letters, subjects=[f"{prefix}.>"], duplicate_window=600
        )
        return self._jetstream

    async def make_stream(self, subject: str, **settings: Any) -> None:  # noqa: ANN401  # any setting
        """Create the stream of events before the daemon does."""
        await self._jetstream.add_stream(name=self._events, subjects=[subject], **settings)

    async def config(self) -> StreamConfig:
        """Return what the stream of events is like."""
        config: StreamConfig = (await self._jetstream.stream_info(self._events)).config
        return config

    async def change_stream(self, **settings: object) -> None:
        """Change settings of the stream of events, as its operator would."""
        await self._jetstream.update_stream((await self.config()).evolve(**settings))

    async def delete_stream(self) -> None:
        """Delete the stream of events."""
        await self._jetstream.delete_stream(self._events)

    async def delete_dead_letters(self) -> None:
        """Delete the stream of dead letters."""
        await self._jetstream.delete_stream(self._dead_letters)

    async def _all(self, stream: str) -> list[Msg]:
        count = await self._count(stream)
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL)
        subscription = await self._jetstream.pull_subscribe(">", stream=stream, config=config)
        found: list[Msg] = []
        while len(found) < count:
            found += await subscription.fetch(min(1000, count - len(found)), timeout=10)
        await subscription.unsubscribe()
        return found
