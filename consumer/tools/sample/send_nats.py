"""Sends samples to what a NATS listener listens to: a stream, or a core subject."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import nats.errors

from consumer.errors import Unavailable
from consumer.nats.connection import close, connect
from consumer.tools.sample.sender import CONFIRM_TIMEOUT_S, Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.client import Client

    from consumer.listeners.nats.listener import NatsListenerSettings
    from consumer.tools.sample.generate import Sample

DEFAULT_TOKEN = "sample"  # noqa: S105  # a subject's token
"""Fills a wildcard where the message type does not belong."""


class NatsSender(Sender):
    """Waits for PubAcks; without a stream, for the server to have read everything."""

    def __init__(self, settings: NatsListenerSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self.can_omit_type = settings.type_from == "header"

    async def open(self) -> None:
        """See `Sender.open`."""
        self._client = await connect(
            self._settings.connection(),
            name="consumer send",
            on_lost=lambda _: None,  # the next send fails with a reason of its own
            on_error=lambda _: None,
        )

    async def send(self, samples: Sequence[Sample]) -> None:
        """See `Sender.send`."""
        if self._client is None:
            raise Unavailable("not open")
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                if self._settings.stream is None:
                    await self._flush(self._client, samples)
                else:
                    await self._store(self._client, samples, self._settings.stream)
        except nats.errors.MaxPayloadError as error:
            raise Unavailable(
                f"the server takes at most {self._client.max_payload} bytes a message: too large "
                "an event cannot come this way"
            ) from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise Unavailable(
                f"NATS did not confirm ({str(error) or type(error).__name__}): does a stream store "
                f"{subject_for(self._settings, samples[0].message_type)}?"
            ) from error

    async def _flush(self, client: Client, samples: Sequence[Sample]) -> None:
        for sample in samples:
            subject = subject_for(self._settings, sample.message_type)
            await client.publish(subject, sample.body, headers=self._headers(sample))
        await client.flush()

    async def _store(self, client: Client, samples: Sequence[Sample], stream: str) -> None:
        jetstream = client.jetstream()
        # Without a message id: the server would swallow the duplicates that we are to recognise.
        confirmations = [
            await jetstream.publish_async(
                subject_for(self._settings, sample.message_type),
                sample.body,
                headers=self._headers(sample),
            )
            for sample in samples
        ]
        for confirmation in confirmations:
            stored_in = (await confirmation).stream
            if stored_in != stream:
                raise Unavailable(f"the events went to stream {stored_in}, expected {stream}")

    def _headers(self, sample: Sample) -> dict[str, str] | None:
        headers = {}
        if self._settings.type_from == "header" and sample.message_type is not None:
            headers["type"] = sample.message_type
        if sample.content_encoding is not None:
            headers["Content-Encoding"] = sample.content_encoding
        return headers or None

    async def close(self) -> None:
        """See `Sender.close`."""
        if self._client is not None:
            await close(self._client)


def subject_for(settings: NatsListenerSettings, message_type: str | None) -> str:
    """Choose a subject that the listener's subscription matches."""
    by_subject = settings.type_from == "subject"
    last = (message_type if by_subject else (message_type or "").lower()) or DEFAULT_TOKEN
    *parents, final = settings.subject.split(".")
    tokens = [DEFAULT_TOKEN if token == "*" else token for token in parents]  # noqa: S105  # a subject's token
    return ".".join([*tokens, last if final in ("*", ">") else final])
