"""Listens to one queue of RabbitMQ.

Responsible for consuming, settling and asking for the backlog, over one connection. It uses the
modules in its folder: `connection.py` opens the connection, `reader.py` takes the deliveries that
arrive, `settle.py` makes the acknowledgements, and `origin.py` describes a delivery for its dead
letter.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from aio_pika.exceptions import ChannelNotFoundEntity

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener
from consumer.listeners.failure import FirstFailure
from consumer.listeners.rabbitmq.connection import AmqpConnection
from consumer.listeners.rabbitmq.frames import CONSUMING_CHANNEL, read_message_id, token_of
from consumer.listeners.rabbitmq.origin import describe
from consumer.listeners.rabbitmq.settings import RabbitmqSettings
from consumer.listeners.rabbitmq.settle import Settlement
from consumer.listeners.rabbitmq.transport import watch_consumers
from consumer.operations.caveat import Caveat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
    from pamqp.commands import Queue
    from pamqp.common import Arguments

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin
    from consumer.listeners.rabbitmq.reader import DeliveryReader

ANSWER_TIMEOUT_S = 4.5
"""Less than the 5 s that a listener has for an answer."""
NO_STREAM: Final[Arguments] = {"x-priority": 0}
"""An argument of `basic.consume` that changes nothing, 0 being the default, and that a stream
refuses (seen with RabbitMQ 3.10). A stream would begin at what comes next, and keep no progress."""
HOLD_RATIO = 0.8
"""The share of the broker's consumer timeout for which a delivery may stay unsettled."""


class RabbitmqListener(Listener[RabbitmqSettings]):
    """Consumes one queue, over one connection with one consuming channel."""

    kind = "rabbitmq"
    settings_type: ClassVar[type[RabbitmqSettings]] = RabbitmqSettings

    def __init__(self, name: str, settings: RabbitmqSettings) -> None:
        super().__init__(name, settings)
        self.max_hold_s = settings.consumer_timeout_s * HOLD_RATIO
        self._label = f"consumer.{name}"
        self._connection = AmqpConnection(settings, self.sender, name=self._label)
        self._settlement = Settlement()
        self._failure = FirstFailure(self._wake)
        self._asked: AbstractQueue | None = None
        """The queue whose length is asked for. It has a channel of its own, because the broker
        closes the channel on which a question fails."""

        self._before_count = 0
        self._is_counted = False

    async def open(self) -> None:
        """Connect and consume. See `Listener.open`."""
        with self._connection.translated():
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._connect()

    async def look(self) -> str:
        """See `Listener.look`. The broker tells the length of a queue to every user.

        It has no question about the right to read a queue: only a consumer shows it.
        """
        with self._connection.translated():
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._connection.open()
                found = await self._foresee()
        return f"{found}; only --open tests the permission to read"

    async def _foresee(self) -> str:
        try:
            answer = await self._look()
        except ChannelNotFoundEntity:
            if not self.settings.declare:
                raise
            return f"queue {self.settings.queue} will be created"
        return f"{answer.message_count} messages wait"

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return what has arrived. See `Listener.receive`."""
        reader = self._usable_reader()
        if not reader.arrived.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await reader.arrived.wait()
            except TimeoutError:
                return []
            self._failure.check()
        self._is_counted = True
        return reader.take(max_count, max_bytes)

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Write the acknowledgements. The broker does not answer them. See `Listener.settle`."""
        self._usable_reader()
        frames = self._settlement.frames(deliveries)
        if not frames:
            return
        with self._connection.translated():
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._connection.write(frames)
        self._failure.check()

    async def backlog(self) -> int | None:
        """Return the number of ready messages. See `Listener.backlog`.

        The number is None while the socket is not read because too much is held here: the answer
        would arrive behind deliveries for which there is no room.
        """
        reader = self._usable_reader()
        if reader.paused:
            return None
        pauses_count = reader.pauses_count
        try:
            with self._connection.translated():
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return await self._count_ready()
        except ListenerUnavailable:
            if not self._failure.happened and reader.pauses_count != pauses_count:
                return None  # the reading was paused after the question was asked
            raise

    def origin(self, delivery: Delivery) -> Origin:
        """Describe a delivery. See `Listener.origin`."""
        return describe(self.settings.queue, token_of(delivery))

    def occurrence(self, delivery: Delivery) -> str:
        """See `Listener.occurrence`. Uses the sender's message id: RabbitMQ numbers no messages."""
        message_id = read_message_id(token_of(delivery).header)
        return f"{self.name} {message_id}" if message_id else ""

    async def close(self) -> None:
        """Close the connection. The broker then puts unsettled deliveries back into the queue."""
        self._failure.remember(ListenerUnavailable("this listener was closed"))
        await self._connection.close()

    async def _connect(self) -> None:
        connection = self._connection
        await connection.open(self._failure.remember)
        channel = await connection.channel(CONSUMING_CHANNEL, on_lost=self._failure.remember)
        await watch_consumers(channel, self._note_cancelled)
        if self.settings.declare:
            await self._declare()
        await channel.set_qos(prefetch_count=self.settings.prefetch_count)
        self._before_count = (await self._look()).consumer_count or 0
        queue = await channel.get_queue(self.settings.queue, ensure=False)
        await queue.consume(_never, consumer_tag=self._label, arguments=NO_STREAM)

    async def _declare(self) -> None:
        """Create the queue if it is missing. A queue that exists is used unchanged."""
        name = self.settings.queue
        channel = await self._connection.channel()
        try:
            self._asked = await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            # This needs another channel, because the broker has closed the channel that asked.
            channel = await self._connection.channel()
            await channel.declare_queue(
                name, durable=True, arguments={"x-queue-type": self.settings.queue_type}
            )
            self._asked = await channel.get_queue(name, ensure=False)
            why = "it was missing. It has no bindings: messages for an exchange do not arrive"
            self.caveats.append(Caveat("queue created", {"queue": name, "why": why}))

    async def _count_ready(self) -> int | None:
        answer = await self._look()
        count = answer.consumer_count or 0
        # Only if we are alone, what waits has to come to us. A quorum queue with one active
        # consumer (x-single-active-consumer) does not count the others. We are counted if the
        # number grew with us, or if something came.
        self._is_counted = self._is_counted or count > self._before_count
        is_shared = count > 1 or not self._is_counted
        self.withheld = "another consumer shares it" if is_shared else None
        return answer.message_count

    async def _look(self) -> Queue.DeclareOk:
        if self._asked is None or self._asked.channel.is_closed:
            channel = await self._connection.channel()
            self._asked = await channel.get_queue(self.settings.queue, ensure=False)
        return await self._asked.declare()  # passive: it asks, and creates nothing

    def _usable_reader(self) -> DeliveryReader:
        """Return the reader of the connection, if the connection can be used.

        Raises:
            ListenerUnavailable: The connection was lost or closed, or was never opened.
        """
        self._failure.check()
        reader = self._connection.reader
        if reader is None:
            raise ListenerUnavailable("this listener is not open")
        return reader

    def _wake(self) -> None:
        """Wake `receive`, so that it learns of a failure."""
        if self._connection.reader is not None:
            self._connection.reader.arrived.set()

    def _note_cancelled(self) -> None:
        """Remember that the broker ended our consumer, although the connection is still open."""
        self._failure.remember(
            ListenerUnavailable(
                f"RabbitMQ cancelled the consumer: was queue {self.settings.queue!r} deleted, "
                "or did its leader move?",
                reason="refused",
            )
        )


async def _never(_message: AbstractIncomingMessage) -> None:
    """Do nothing. aio-pika needs a callback, but our reader takes all deliveries before it."""
