"""Where a sink under test stores, and how a test looks into it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from nats.js.api import StreamConfig

from consumer.nats.connection import NatsSettings
from consumer.nats.stream import StreamPlan
from consumer.sinks.base import Message
from consumer.sinks.core import CoreSink
from consumer.sinks.jetstream import JetStreamSink
from tests.contract.sink_suite import (
    PUBLISH_TIMEOUT_S,
    WITHIN_S,
    Place,
)
from tests.support.eventually import eventually
from tests.support.memory_sink import MemorySink

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from consumer.sinks.base import Sink
    from tests.support.proxy import Proxy

WINDOW_S = 120.0
NOBODY = "nats://127.0.0.1:1"


def _message(msg: Msg) -> Message:
    headers = dict(msg.headers or {})
    message_id = headers.pop("Nats-Msg-Id", "")
    return Message(msg.subject, msg.data, message_id, headers)


class MemoryPlace(Place):
    """The fake's own list; its sinks are one object, for what it knows is in it."""

    def __init__(self) -> None:
        self.prefix = "game"
        self._sink = MemorySink(subjects=(self.prefix,))

    def sink(self) -> Sink:
        """See `Place.sink`."""
        return self._sink

    async def stored(self, count: int) -> list[Message]:
        """See `Place.stored`."""
        assert len(self._sink.stored) == count
        return self._sink.stored

    async def drop(self, number: int) -> None:
        """See `Place.drop`."""
        del self._sink.stored[number - 1]

    def cut(self) -> None:
        """See `Place.cut`."""
        self._sink.lose()


class NatsPlace(Place):
    """What the places on a server share: a proxy for the sinks and a connection beside it."""

    def __init__(self, proxy: Proxy, client: Client) -> None:
        self.prefix = f"t{secrets.token_hex(4)}"
        self.proxy = proxy
        self.client = client
        self.connection = NatsSettings(url=f"nats://{proxy.address}", connect_timeout_s=2.0)

    def cut(self) -> None:
        """See `Place.cut`."""
        self.proxy.cut()


class JetStreamPlace(NatsPlace):
    """A stream of its own."""

    def plan(self, **changes: object) -> StreamPlan:
        """Return the wanted stream."""
        options: dict[str, Any] = {
            "name": f"TEST_{self.prefix}",
            "subjects": (f"{self.prefix}.*",),
            "create": True,
            "max_age_s": 3600.0,
            "duplicate_window_s": WINDOW_S,
        }
        options.update(changes)
        return StreamPlan(**options)

    def sink(self, **changes: object) -> JetStreamSink:
        """See `Place.sink`."""
        return JetStreamSink(
            self.connection,
            self.plan(**changes),
            name="test",
            publish_timeout_s=PUBLISH_TIMEOUT_S,
        )

    async def create(self, **changes: object) -> None:
        """Create the stream as another operator would."""
        options: dict[str, Any] = {
            "name": self.plan().name,
            "subjects": list(self.plan().subjects),
            "duplicate_window": WINDOW_S,
        }
        options.update(changes)
        await self.client.jetstream().add_stream(StreamConfig(**options))

    async def config(self) -> StreamConfig:
        """Return what the stream is like."""
        info = await self.client.jetstream().stream_info(self.plan().name)
        config: StreamConfig = info.config
        return config

    async def stored(self, count: int) -> list[Message]:
        """See `Place.stored`."""
        jetstream = self.client.jetstream()
        found = await jetstream.stream_info(self.plan().name)
        assert found.state.messages == count
        subscription = await jetstream.subscribe(
            ">", stream=self.plan().name, ordered_consumer=True
        )
        stored = [_message(await subscription.next_msg(WITHIN_S)) for _ in range(count)]
        await subscription.unsubscribe()
        return stored

    async def drop(self, number: int) -> None:
        """See `Place.drop`."""
        await self.client.jetstream().delete_msg(self.plan().name, number)

    async def has_stored(self) -> bool:
        """Tell whether anything is stored."""
        info = await self.client.jetstream().stream_info(self.plan().name)
        return bool(info.state.messages)

    async def delete(self) -> None:
        """Leave nothing on the server."""
        name = self.plan().name
        if name in {info.config.name for info in await self.client.jetstream().streams_info()}:
            await self.client.jetstream().delete_stream(name)


class CorePlace(NatsPlace):
    """A subscriber that has been there from the beginning."""

    async def listen(self) -> None:
        """Begin to receive."""
        self.heard: list[Message] = []
        await self.client.subscribe(f"{self.prefix}.*", cb=self._hear)
        await self.client.flush()

    async def _hear(self, msg: Msg) -> None:
        self.heard.append(_message(msg))

    def sink(self) -> Sink:
        """See `Place.sink`."""
        return CoreSink(self.connection, name="test", publish_timeout_s=PUBLISH_TIMEOUT_S)

    async def stored(self, count: int) -> list[Message]:
        """See `Place.stored`."""
        await eventually(lambda: len(self.heard) >= count)
        assert len(self.heard) == count
        return self.heard
