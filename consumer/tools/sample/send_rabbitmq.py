"""Sends samples to the queue of a RabbitMQ listener."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiormq.exceptions as amqp
from pamqp.commands import Basic

from consumer.deliveries.origin import Sender
from consumer.errors import Unavailable
from consumer.listeners.rabbitmq.connection import RabbitmqSettings, Transport, make_connection
from consumer.tools.sample.sender import CONFIRM_TIMEOUT_S, SampleSender

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiormq
    from aiormq.abc import AbstractChannel

    from consumer.tools.sample.generate import Sample

PERSISTENT = 2


class RabbitmqSender(SampleSender):
    """Publishes persistent messages to the default exchange, and waits for their confirms."""

    def __init__(self, settings: RabbitmqSettings) -> None:
        self._settings = settings
        self._transport = Transport(settings, Sender(settings.brand or ""))
        self._connection: aiormq.Connection | None = None
        self._channel: AbstractChannel | None = None

    async def open(self) -> None:
        """See `SampleSender.open`."""
        with self._transport.translated():
            async with asyncio.timeout(self._settings.connect_timeout_s):
                self._connection = make_connection(
                    self._settings, self._transport, name="consumer send"
                )
                await self._connection.connect()
                # A message that no queue takes comes back and raises. Otherwise the broker would
                # confirm it and drop it.
                self._channel = await self._connection.channel(
                    publisher_confirms=True, on_return_raises=True
                )

    async def send(self, samples: Sequence[Sample]) -> None:
        """See `SampleSender.send`."""
        channel = self._channel
        if channel is None:
            raise Unavailable("not open")
        errors: list[Exception] = []
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S), asyncio.TaskGroup() as group:
                for sample in samples:
                    group.create_task(self._publish(channel, sample, errors), name="publish")
        except TimeoutError as error:
            raise Unavailable("RabbitMQ did not confirm in time: is it out of memory?") from error
        if errors:
            raise Unavailable(self._explain(errors[0])) from errors[0]

    async def _publish(
        self, channel: AbstractChannel, sample: Sample, errors: list[Exception]
    ) -> None:
        properties = Basic.Properties(
            delivery_mode=PERSISTENT,
            message_type=sample.message_type,
            content_encoding=sample.content_encoding,
        )
        try:
            await channel.basic_publish(
                sample.body, routing_key=self._settings.queue, properties=properties, mandatory=True
            )
        except (amqp.AMQPError, OSError) as error:
            # Kept and not raised: a task group would cancel the other tasks, and aiormq would then
            # log each returned message with its whole body.
            errors.append(error)

    def _explain(self, error: Exception) -> str:
        if isinstance(error, amqp.PublishError):
            return (
                f"no queue {self._settings.queue!r}: create it, or set declare = true and start "
                "the daemon once"
            )
        return f"RabbitMQ did not confirm: {error}"

    async def close(self) -> None:
        """See `SampleSender.close`."""
        if self._connection is not None:
            await self._connection.close()
