"""One RabbitMQ queue of its own, with a publisher that waits for the broker's confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiormq
import msgspec
from pamqp.commands import Basic

from consumer.listeners.rabbitmq.listener import RabbitmqListener, RabbitmqSettings
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiormq.abc import AbstractChannel


class RabbitmqSource(Source):
    """A durable classic queue on the broker behind a URL."""

    def __init__(
        self,
        url: str,
        *,
        proxied_url: str | None = None,
        cut: Callable[[], None] | None = None,
    ) -> None:
        """Choose a name. No I/O.

        Args:
            url: for sending and counting.
            proxied_url: for the listeners; the same where absent.
            cut: breaks every connection through the proxy.
        """
        self.queue = f"test.{uuid4().hex}"
        self.url = url
        self._listener_url = proxied_url or url
        self._cut = cut
        self._connection: aiormq.Connection | None = None
        self._channel: AbstractChannel | None = None

    async def open(self) -> None:
        """Declare the queue; an earlier connection is closed."""
        if self._connection is not None:
            await self._connection.close()
        self._connection = await aiormq.connect(self.url)
        self._channel = await self._connection.channel(publisher_confirms=True)
        await self.channel.queue_declare(self.queue, durable=True)

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
        properties = Basic.Properties(
            delivery_mode=2,
            message_type=message_type,
            headers=dict(headers) if headers else None,
            content_encoding=content_encoding,
        )
        await self.channel.basic_publish(body, routing_key=self.queue, properties=properties)

    def listener(self, **settings: Any) -> RabbitmqListener:  # noqa: ANN401  # as in Source
        """Make a listener on the queue."""
        options = {"kind": "rabbitmq", "url": self._listener_url, "queue": self.queue, **settings}
        return RabbitmqListener("test", msgspec.convert(options, RabbitmqSettings))

    async def remaining(self) -> int:
        """Count the ready messages; with every listener closed those are all."""
        answer = await self.channel.queue_declare(self.queue, passive=True)
        return answer.message_count or 0

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
