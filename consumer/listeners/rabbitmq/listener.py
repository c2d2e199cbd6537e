"""The listener on one RabbitMQ queue.

Responsible for consuming, settling and asking for the backlog, over one connection. The modules
beside it do the parts: `connection.py` options and errors, `reader.py` the stream,
`frames.py` its frames, `settle.py` acks, `origin.py` dead letters.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from aiormq.exceptions import ChannelNotFoundEntity

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener
from consumer.listeners.rabbitmq.connection import RabbitmqSettings, Transport, make_connection
from consumer.listeners.rabbitmq.frames import CONSUMING_CHANNEL, token_of
from consumer.listeners.rabbitmq.origin import describe
from consumer.listeners.rabbitmq.settle import Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiormq
    from aiormq.abc import AbstractChannel, DeliveredMessage
    from pamqp.commands import Basic
    from pamqp.common import FieldTable

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin
    from consumer.listeners.rabbitmq.reader import DeliveryReader

__all__ = ["RabbitmqListener", "RabbitmqSettings"]

ANSWER_TIMEOUT_S = 4.5
"""Below the 5 s that a listener has for an answer."""
CLOSE_GRACE_S = 3.0
"""aiormq waits 2 s for the broker's answer to its close; a frozen broker gives none."""
CLOSE_TIMEOUT_S = 4.5
CLOSE_TURNS_COUNT = 20
"""aiormq's last tasks end by themselves a few turns of the loop after its close has returned."""
HOLD_RATIO = 0.8


class RabbitmqListener(Listener[RabbitmqSettings]):
    """Consumes one queue, over one connection with one consuming channel."""

    kind = "rabbitmq"
    settings_type: ClassVar[type[RabbitmqSettings]] = RabbitmqSettings

    def __init__(self, name: str, settings: RabbitmqSettings) -> None:
        super().__init__(name, settings)
        self.max_hold_s = settings.consumer_timeout_s * HOLD_RATIO
        self._transport = Transport(settings, self.sender)
        self._settlement = Settlement()
        self._connection: aiormq.Connection | None = None
        self._asking: AbstractChannel | None = None
        self._failure: ListenerUnavailable | None = None

    async def open(self) -> None:
        """Connect and consume. See `Listener.open`."""
        with self._transport.translated():
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._connect()

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return what has arrived. See `Listener.receive`."""
        reader = self._usable_reader()
        if not reader.arrived.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await reader.arrived.wait()
            except TimeoutError:
                return []
            self._usable_reader()
        return reader.take(max_count, max_bytes)

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Write acks and nacks; AMQP has no answer to them. See `Listener.settle`."""
        self._usable_reader()
        frames = self._settlement.frames(deliveries)
        writer = self._transport.writer
        if writer is None or not frames:
            return
        with self._transport.translated():
            # Not through aiormq's queue: what is still in there when it closes is never sent.
            writer.write(frames)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await writer.drain()
        self._usable_reader()

    async def backlog(self) -> int | None:
        """Return the number of ready messages. See `Listener.backlog`.

        None while the socket is not read because too much is held here: the answer would stand
        behind deliveries for which there is no room.
        """
        reader = self._usable_reader()
        if reader.paused:
            return None
        pauses_count = reader.pauses_count
        try:
            with self._transport.translated():
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return await self._count_ready()
        except ListenerUnavailable:
            if self._failure is None and reader.pauses_count != pauses_count:
                return None
            raise

    def origin(self, delivery: Delivery) -> Origin:
        """Describe a delivery. See `Listener.origin`."""
        return describe(self.settings.queue, token_of(delivery))

    async def close(self) -> None:
        """Close the connection; the broker then requeues what is not settled."""
        self._fail(ListenerUnavailable("this listener was closed"))
        connection, transport = self._connection, self._transport
        if connection is None or transport.reader is None or transport.writer is None:
            return
        transport.reader.discard()
        socket = transport.writer.transport
        # To abort, unlike to cancel, lets aiormq end all of its tasks in order.
        abort = asyncio.get_running_loop().call_later(CLOSE_GRACE_S, socket.abort)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await connection.close()
        except TimeoutError:
            pass  # nothing more can be done for it than the abort below
        finally:
            abort.cancel()
            socket.abort()
        for _ in range(CLOSE_TURNS_COUNT):
            await asyncio.sleep(0)

    async def _connect(self) -> None:
        settings = self.settings
        label = f"consumer.{self.name}"
        connection = make_connection(settings, self._transport, name=label)
        self._connection = connection
        await connection.connect()
        self._usable_reader().watch(settings.heartbeat_s)
        connection.closing.add_done_callback(self._lost)
        channel = await connection.channel(CONSUMING_CHANNEL, publisher_confirms=False)
        channel.closing.add_done_callback(self._lost)
        channel.on_consumer_cancel_callbacks.add(self._cancelled)
        if settings.declare:
            await self._declare(connection)
        await channel.basic_qos(prefetch_count=settings.prefetch_count)
        await channel.basic_consume(settings.queue, _never, consumer_tag=label)

    async def _declare(self, connection: aiormq.Connection) -> None:
        """Create the queue where it is missing; one that is there is right as it is."""
        queue = self.settings.queue
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.queue_declare(queue, passive=True)
        except ChannelNotFoundEntity:  # and the broker has closed that channel
            channel = await connection.channel(publisher_confirms=False)
            arguments: FieldTable = {"x-queue-type": self.settings.queue_type}
            await channel.queue_declare(queue, durable=True, arguments=arguments)
        self._asking = channel

    async def _count_ready(self) -> int | None:
        if self._connection is None:
            return None
        # A channel of its own: a question that fails closes the channel it was asked on.
        if self._asking is None or self._asking.is_closed:
            self._asking = await self._connection.channel(publisher_confirms=False)
        answer = await self._asking.queue_declare(self.settings.queue, passive=True)
        return answer.message_count

    def _usable_reader(self) -> DeliveryReader:
        """Return the reader of the living connection.

        Raises:
            ListenerUnavailable: there is none.
        """
        if self._failure is not None:
            # A new one: several tasks raise it, and each adds its own traceback.
            raise ListenerUnavailable(str(self._failure), reason=self._failure.reason)
        if self._transport.reader is None:
            raise ListenerUnavailable("this listener is not open")
        return self._transport.reader

    def _fail(self, failure: ListenerUnavailable) -> None:
        """Remember the first failure, which is the cause of the others, and wake `receive`."""
        if self._failure is None:
            self._failure = failure
        if self._transport.reader is not None:
            self._transport.reader.arrived.set()

    def _lost(self, closing: asyncio.Future[None]) -> None:
        """Note that the broker closed the connection or the channel."""
        cause = None if closing.cancelled() else closing.exception()
        self._fail(self._transport.unavailable(cause))

    def _cancelled(self, _frame: Basic.Cancel) -> None:
        """Note that the broker took the consumer away and left the connection open."""
        self._fail(
            ListenerUnavailable(
                f"RabbitMQ cancelled the consumer: was queue {self.settings.queue!r} deleted, "
                "or did its leader move?",
                reason="refused",
            )
        )


async def _never(_message: DeliveredMessage) -> None:
    """Stand where aiormq wants a callback; no delivery gets past our reader."""
