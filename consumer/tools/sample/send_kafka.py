"""Sends samples to the first topic of a Kafka listener."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from consumer.errors import Unavailable
from consumer.listeners.kafka.connection import explain, login_options, probe
from consumer.tools.sample.sender import CONFIRM_TIMEOUT_S, SampleSender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.listeners.kafka.settings import KafkaSettings
    from consumer.tools.sample.generate import Sample

CLOSE_DEADLINE_S = 3.0
TOPIC_TIMEOUT_S = 5.0
MAX_REQUEST_BYTES = 64 * 1024 * 1024


class KafkaSender(SampleSender):
    """Sends records, and waits until all in-sync replicas have each of them."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._topic = settings.topics[0]
        self._producer: Any = None  # aiokafka has no types

    async def open(self) -> None:
        """See `SampleSender.open`."""
        await probe(self._settings)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap_servers,
            client_id="consumer-send",
            acks="all",
            enable_idempotence=True,
            # This is above the usual limit of a broker, so that the broker refuses a message that
            # is too large, and says why. It is below 100 MiB, because a broker closes the
            # connection if a request is larger (`socket.request.max.bytes`).
            max_request_size=MAX_REQUEST_BYTES,
            # This is below our own deadline, so that aiokafka's error, which says more, comes
            # first.
            request_timeout_ms=round(CONFIRM_TIMEOUT_S * 1000) - 2000,
            **login_options(self._settings),
        )
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await self._producer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unavailable(error) from error
        try:
            # aiokafka would ask for a missing topic until its own time-out, which is longer.
            async with asyncio.timeout(TOPIC_TIMEOUT_S):
                await self._producer.partitions_for(self._topic)
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(f"no topic {self._topic!r}: create it, or allow Describe") from error

    async def send(self, samples: Sequence[Sample]) -> None:
        """See `SampleSender.send`."""
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                confirmations = [await self._append(sample) for sample in samples]
                for confirmation in confirmations:
                    await confirmation
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unavailable(error) from error

    async def _append(self, sample: Sample) -> asyncio.Future[object]:
        values = {"type": sample.message_type, "content-encoding": sample.content_encoding}
        headers = [(name, value.encode()) for name, value in values.items() if value is not None]
        # The key is the player, as at most brands. Kafka keeps the order of messages with the same
        # key, so a conflict comes after the event that it contradicts.
        key = None if sample.ordering_key is None else sample.ordering_key.encode()
        future: asyncio.Future[object] = await self._producer.send(
            self._topic, sample.body, key=key, headers=headers
        )
        return future

    def _unavailable(self, error: BaseException) -> Unavailable:
        if isinstance(error, MessageSizeTooLargeError):
            return Unavailable(
                f"topic {self._topic!r}: a message is over its max.message.bytes: "
                "an event that is too large cannot come this way"
            )
        return Unavailable(f"topic {self._topic!r}: Kafka did not confirm: {explain(error)}")

    async def close(self) -> None:
        """See `SampleSender.close`."""
        if self._producer is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_DEADLINE_S):
                    await self._producer.stop()
