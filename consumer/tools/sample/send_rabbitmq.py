"""Sends samples to the queue of a RabbitMQ listener."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aio_pika import DeliveryMode, Message
from aio_pika.exceptions import AMQPError, PublishError

from consumer.deliveries.origin import Sender
from consumer.errors import Unavailable
from consumer.listeners.rabbitmq.connection import AmqpConnection
from consumer.tools.sample.sender import CONFIRM_TIMEOUT_S, SampleSender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_pika.abc import AbstractExchange

    from consumer.listeners.rabbitmq.settings import RabbitmqSettings
    from consumer.tools.sample.generate import Sample


class RabbitmqSender(SampleSender):
    """Publishes persistent messages to the default exchange, and waits for their confirms."""

    def __init__(self, settings: RabbitmqSettings) -> None:
        self._settings = settings
        sender = Sender(settings.brand or "")
        self._connection = AmqpConnection(settings, sender, name="consumer send")
        self._exchange: AbstractExchange | None = None

    async def open(self) -> None:
        """See `SampleSender.open`."""
        with self._connection.translated():
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await self._connection.open()
                # With confirms, a message that no queue takes is an error. Without confirms, it
                # would be lost, and nothing would tell us.
                channel = await self._connection.channel(confirms=True)
                self._exchange = channel.default_exchange

    async def send(self, samples: Sequence[Sample]) -> None:
        """See `SampleSender.send`."""
        exchange = self._exchange
        if exchange is None:
            raise Unavailable("not open")
        errors: list[Exception] = []
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S), asyncio.TaskGroup() as group:
                for sample in samples:
                    group.create_task(self._publish(exchange, sample, errors), name="publish")
        except TimeoutError as error:
            raise Unavailable("RabbitMQ did not confirm in time: is it out of memory?") from error
        if errors:
            raise Unavailable(self._explain(errors[0])) from errors[0]

    async def _publish(
        self, exchange: AbstractExchange, sample: Sample, errors: list[Exception]
    ) -> None:
        message = Message(
            sample.body,
            delivery_mode=DeliveryMode.PERSISTENT,
            type=sample.message_type,
            content_encoding=sample.content_encoding,
        )
        try:
            await exchange.publish(message, self._settings.queue, mandatory=True)
        except (AMQPError, OSError) as error:
            # The error is kept and not raised. An error that is raised would cancel the other
            # tasks, and aiormq would then log each message that comes back, with its body.
            errors.append(error)

    def _explain(self, error: Exception) -> str:
        if isinstance(error, PublishError):
            return (
                f"no queue {self._settings.queue!r}: create it, or set declare = true and start "
                "the daemon once"
            )
        return f"RabbitMQ did not confirm: {error}"

    async def close(self) -> None:
        """See `SampleSender.close`."""
        await self._connection.close()
