"""A RabbitMQ queue of its own, with a publisher that waits for the broker's confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aio_pika
import msgspec

from consumer.listeners.rabbitmq.listener import RabbitmqListener
from consumer.listeners.rabbitmq.settings import RabbitmqSettings
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aio_pika.abc import AbstractChannel, AbstractConnection


class RabbitmqSource(Source):
    """A durable classic queue on the broker behind a URL."""

    def __init__(
        self,
        url: str,
        *,
        proxied_url: str | None = None,
        cut: Callable[[], None] | None = None,
    ) -> None:
        """Choose a name. Does no I/O.

        Args:
            url: The broker's URL, for sending and counting.
            proxied_url: The URL for the listeners. None: the same.
            cut: Breaks every connection through the proxy.
        """
        self.queue = f"test.{uuid4().hex}"
        self.url = url
        self._listener_url = proxied_url or url
        self._cut = cut
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def open(self) -> None:
        """Connect and declare the queue. An earlier connection is closed."""
        if self._connection is not None:
            await self._connection.close()
        self._connection = await aio_pika.connect(self.url)
        self._channel = await self._connection.channel()
        await self._channel.declare_queue(self.queue, durable=True)

    @property
    def channel(self) -> AbstractChannel:
        """The publisher's channel, for what only RabbitMQ can do."""
        if self._channel is None:
            raise RuntimeError("not open")
        return self._channel

    async def send(
        self,
        body: bytes,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
    ) -> None:
        """Publish a persistent message and wait for its confirm."""
        message = aio_pika.Message(
            body,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            type=message_type,
            headers=dict(headers or {}),
            content_encoding=content_encoding,
        )
        await self.channel.default_exchange.publish(message, self.queue)

    def listener(self, **settings: Any) -> RabbitmqListener:  # noqa: ANN401  # as in Source
        """Make a listener on the queue."""
        options = {"kind": "rabbitmq", "url": self._listener_url, "queue": self.queue, **settings}
        return RabbitmqListener("test", msgspec.convert(options, RabbitmqSettings))

    async def remaining(self) -> int:
        """Count the ready messages. With every listener closed these are all."""
        queue = await self.channel.declare_queue(self.queue, passive=True)
        return queue.declaration_result.message_count or 0

    def cut(self) -> None:
        """Reset the listeners' connections."""
        if self._cut is None:
            raise RuntimeError("this source has no proxy")
        self._cut()

    async def close(self) -> None:
        """Delete the queue."""
        if self._connection is None:
            return
        await self.channel.queue_delete(self.queue)
        await self._connection.close()
