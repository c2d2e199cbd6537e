"""A JetStream stream of its own as a source."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import nats
from nats.js.errors import NotFoundError

from consumer.listeners.nats.listener import NatsListener, NatsListenerSettings
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from nats.aio.client import Client


class NatsSource(Source):
    """A stream with one durable consumer.

    Args:
        url: of the server.
        proxied_url: where listeners connect to; None: directly.
        cut: breaks the listeners' connections.
    """

    def __init__(
        self, url: str, *, proxied_url: str | None = None, cut: Callable[[], None] | None = None
    ) -> None:
        self._url = url
        self._proxied_url = proxied_url or url
        self._cut = cut
        self._client: Client | None = None
        self.stream = f"SOURCE_{secrets.token_hex(4)}"
        self.subject = f"source{secrets.token_hex(4)}.in"

    async def open(self) -> None:
        """See `Source.open`."""
        if self._client is not None:
            await self._client.close()
        self._client = await nats.connect(self._url, allow_reconnect=False)
        self._jetstream = self._client.jetstream()
        await self._jetstream.add_stream(name=self.stream, subjects=[self.subject])

    async def send(
        self,
        body: bytes,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
    ) -> None:
        """See `Source.send`."""
        all_headers = dict(headers or {})
        if message_type is not None:
            all_headers["type"] = message_type
        if content_encoding is not None:
            all_headers["Content-Encoding"] = content_encoding
        await self._jetstream.publish(self.subject, body, headers=all_headers or None)

    def listener(self, **settings: object) -> NatsListener:
        """See `Source.listener`."""
        options: dict[str, Any] = {
            "url": self._proxied_url,
            "stream": self.stream,
            "subject": self.subject,
            # What a lost connection held comes again after this; a test does not wait 30 s.
            "ack_wait_s": 1.0,
        }
        options.update(settings)
        return NatsListener("nats", NatsListenerSettings(**options))

    async def delete_durable(self) -> None:
        """Delete the listener's consumer."""
        await self._jetstream.delete_consumer(self.stream, "consumer")

    async def pause_durable(self, until: datetime) -> None:
        """Let the listener's consumer deliver nothing for a time."""
        await self._jetstream.pause_consumer(self.stream, "consumer", until.isoformat())

    async def keep_at_most(self, count: int) -> None:
        """Let the stream delete its oldest messages, read or not."""
        await self._jetstream.update_stream(
            name=self.stream, subjects=[self.subject], max_msgs=count
        )

    async def remaining(self) -> int:
        """See `Source.remaining`."""
        try:
            info = await self._jetstream.consumer_info(self.stream, "consumer")
        except NotFoundError:
            return (await self._jetstream.stream_info(self.stream)).state.messages
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0)

    def cut(self) -> None:
        """See `Source.cut`."""
        assert self._cut is not None
        self._cut()

    async def close(self) -> None:
        """See `Source.close`."""
        await self._jetstream.delete_stream(self.stream)
        if self._client is not None:
            await self._client.close()
