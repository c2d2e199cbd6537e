"""Sends samples to the stream, or the core subject, of a NATS listener."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import nats.errors

from consumer.errors import Unavailable
from consumer.nats.connection import close, connect
from consumer.tools.sample.sender import CONFIRM_TIMEOUT_S, SampleSender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.client import Client

    from consumer.listeners.nats.listener import NatsListenerSettings
    from consumer.tools.sample.generate import Sample

WILDCARD_FILLER: Final = "sample"
"""The token that replaces a wildcard which does not stand for the message type."""


class NatsSender(SampleSender):
    """Sends messages, and waits for their PubAcks.

    Without a stream there are no PubAcks. Then the sender waits until the server has read all
    messages.
    """

    def __init__(self, settings: NatsListenerSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self.can_omit_type = settings.type_from == "header"

    async def open(self) -> None:
        """See `SampleSender.open`."""
        self._client = await connect(self._settings.connection(), name="consumer send")

    async def send(self, samples: Sequence[Sample]) -> None:
        """See `SampleSender.send`."""
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
                f"the server takes at most {self._client.max_payload} bytes a message: an event "
                "that is too large cannot come this way"
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
        # The messages have no message id. With an id, the server would drop the duplicates that the
        # daemon has to recognise.
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
        """See `SampleSender.close`."""
        if self._client is not None:
            await close(self._client)


def subject_for(settings: NatsListenerSettings, message_type: str | None) -> str:
    """Return a subject that the listener reads.

    If the last token of the listener's subject is a wildcard, the message type replaces it.
    """
    by_subject = settings.type_from == "subject"
    last = (message_type if by_subject else (message_type or "").lower()) or WILDCARD_FILLER
    *parents, final = settings.subject.split(".")
    filled = [WILDCARD_FILLER if parent == "*" else parent for parent in parents]
    return ".".join([*filled, last if final in ("*", ">") else final])
