"""Listens to NATS: to a durable JetStream consumer, or to a core subscription (at most once).

Responsible for receiving, settling and asking for the backlog, over one connection. It uses the
modules in its folder: `settings.py` has the options, `durable.py` makes the durable consumer,
`progress.py` knows what its stream has lost, `message.py` makes deliveries, and `drops.py` reports
what a core subscription dropped.
`consumer.nats` connects, and asks the durable consumer for messages.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

import nats.errors
import structlog

from consumer.errors import ListenerUnavailable, Unavailable
from consumer.listeners.base import Listener, ListenerSettings
from consumer.listeners.failure import FirstFailure
from consumer.listeners.nats.drops import Drops
from consumer.listeners.nats.durable import Durable
from consumer.listeners.nats.message import (
    Buffer,
    describe,
    memory_bytes,
    stored_place,
    to_delivery,
    token_of,
)
from consumer.listeners.nats.rights import missing_right, source_rights
from consumer.listeners.nats.settings import NatsListenerSettings
from consumer.nats.connection import close, connect
from consumer.nats.message import SIZE_HEADER
from consumer.nats.pull import UNLIMITED, PullRequests
from consumer.nats.rights import USER_INFO, ask_rights, said
from consumer.operations.caveat import Caveat

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin

__all__ = ["NatsListener", "NatsListenerSettings"]

ANSWER_DEADLINE_S: Final = 5
"""The time to wait for an answer, in seconds. nats-py's `flush` needs a whole number."""
GIVE_BACK_DEADLINE_S: Final = 1.5
"""The time for giving back messages, in seconds. Together with the connection's `CLOSE_DEADLINE_S`,
it is less than the 5 s that a listener has for closing."""
KEEPS_PER_ACK_WAIT_COUNT: Final = 3
"""The number of calls of `keep` while the server waits for an acknowledgement: two may fail."""
BATCHES_AHEAD_COUNT: Final = 4
"""The number of batches that may be asked for or held at the same time."""

log = structlog.get_logger()


class NatsListener(Listener[NatsListenerSettings]):
    """One connection to NATS, and the messages that arrive over it."""

    kind: ClassVar[str] = "nats"
    settings_type: ClassVar[type[ListenerSettings]] = NatsListenerSettings

    def __init__(self, name: str, settings: NatsListenerSettings) -> None:
        super().__init__(name, settings)
        self.source_keeps = settings.stream is not None
        self.keep_every_s = (
            settings.ack_wait_s / KEEPS_PER_ACK_WAIT_COUNT if self.source_keeps else None
        )
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._requests: PullRequests | None = None
        self._durable: Durable | None = None
        self._buffer = Buffer()
        self._drops = Drops(name)
        self._unsettled: dict[str, None] = {}
        """The reply subjects of the messages that are not acknowledged, in order of arrival. When
        the messages are given back, the server delivers them again in the same order."""
        self._doubtful_count = 0
        """The number of messages that arrived without a body, as if for a `headers_only`."""
        self._judged_count = 0
        """So many of them were looked into."""
        self._failure = FirstFailure(self._wake)
        self._preparing: asyncio.Timeout | None = None

    async def open(self) -> None:
        """Connect and subscribe. See `Listener.open`."""
        client = await self._connect()
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S) as self._preparing:
                await self._subscribe(client)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            self._failure.check()  # the server's complaint is a better reason than a time-out
            raise ListenerUnavailable(f"cannot subscribe: {str(error) or 'no answer'}") from error
        finally:
            self._preparing = None

    async def look(self) -> str:
        """See `Listener.look`. A consumer that is missing is not made."""
        settings = self.settings
        client = await self._connect()
        told, makes = "", False
        if settings.stream is not None:
            waiting_count = await self._foresee(client)
            makes = waiting_count is None
            told = f"{waiting_count} messages wait"
            if makes:
                told = f"durable consumer {settings.durable} will be made"
        held = await ask_rights(client)
        if held is None:
            self.caveats.append(Caveat("permissions were not tested", {"allow": USER_INFO}))
            return told
        missing = held.lacks(source_rights(settings, makes=makes))
        if missing:
            raise ListenerUnavailable(said(missing), reason="refused")
        return told

    async def _foresee(self, client: Client) -> int | None:
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S) as self._preparing:
                return await self._make_durable(client).foresee()
        except ListenerUnavailable:
            self._failure.check()  # as in `open`
            raise
        except (nats.errors.Error, OSError, TimeoutError) as error:
            self._failure.check()
            raise ListenerUnavailable(f"cannot look: {str(error) or 'no answer'}") from error
        finally:
            self._preparing = None

    async def _connect(self) -> Client:
        try:
            client = self._client = await connect(
                self.settings.connection(),
                name=f"consumer {self.name}",
                on_lost=self._lose,
                on_error=self._complain,
            )
        except Unavailable as error:
            reason = "refused" if error.refused else "lost"
            raise ListenerUnavailable(str(error), reason=reason) from error
        return client

    def _make_durable(self, client: Client) -> Durable:
        jetstream = client.jetstream(timeout=ANSWER_DEADLINE_S)
        return Durable(self.name, self.settings, jetstream, self.passed_over)

    async def _subscribe(self, client: Client) -> None:
        settings = self.settings
        if settings.stream is None:
            # nats-py's limits are switched off. Our own limit, `max_buffered_bytes`, reports what
            # it drops.
            self._subscription = await client.subscribe(
                settings.subject,
                queue=settings.queue_group or "",
                cb=self._on_core_message,
                pending_msgs_limit=UNLIMITED,
                pending_bytes_limit=UNLIMITED,
            )
            self.caveats = [Caveat("listener is at most once", {"instead": "set stream"})]
        else:
            durable = self._make_durable(client)
            await durable.open()
            if durable.never:
                self.caveats = [Caveat("listener's subject never comes", {"why": durable.never})]
            self._durable = durable
            self.keep_every_s = durable.ack_wait_s / KEEPS_PER_ACK_WAIT_COUNT
            self._requests = PullRequests(
                client,
                settings.stream,
                settings.durable,
                max_count=settings.max_batch_count * BATCHES_AHEAD_COUNT,
                max_bytes=settings.max_buffered_bytes,
            )
            self._subscription = await self._requests.subscribe(self._on_message)
            await self._ask()
        # The server complains about a missing permission before it answers this `flush`.
        await client.flush(ANSWER_DEADLINE_S)
        self._failure.check()

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return what has arrived. See `Listener.receive`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait_for_news()
        except TimeoutError:
            if self._requests is not None:
                self._requests.check_silence()
            return []
        await self._refuse_without_bodies()
        taken = self._buffer.take(max_count, max_bytes)
        await self._ask()
        return taken

    async def _wait_for_news(self) -> None:
        """Return when a delivery is held."""
        while True:
            self._failure.check()
            await self._ask()
            if self._buffer.held:
                return
            self._buffer.news.clear()
            await self._buffer.news.wait()

    async def _ask(self) -> None:
        if self._requests is not None:
            buffer = self._buffer
            await self._guarded(self._requests.ask(len(buffer.held), buffer.held_bytes))

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Write the acknowledgements. The server does not answer them. See `Listener.settle`."""
        for delivery in deliveries:
            reply = token_of(delivery).reply
            if reply in self._unsettled:
                del self._unsettled[reply]
                await self._answer(reply, b"+ACK")

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Restart the server's wait for an acknowledgement. See `Listener.keep`.

        The wait is also restarted for the messages in the buffer, which the lane does not know yet.
        """
        for delivery in (*deliveries, *self._buffer.held):
            reply = token_of(delivery).reply
            if reply in self._unsettled:
                await self._answer(reply, b"+WPI")

    async def backlog(self) -> int | None:
        """Return how many messages the consumer has for us. See `Listener.backlog`.

        The number is None for core NATS, which keeps nothing. In this case the call only checks
        that the server answers.
        """
        self._failure.check()
        client = self._connected()
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                if self._durable is not None:
                    waiting_count = await self._durable.look()
                    self.withheld = self._durable.withheld
                    return waiting_count
                await client.flush(ANSWER_DEADLINE_S)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            why = str(error) or f"silent for {ANSWER_DEADLINE_S} s"
            raise ListenerUnavailable(f"no answer about the backlog: {why}") from error
        return None

    def origin(self, delivery: Delivery) -> Origin:
        """Describe a delivery. See `Listener.origin`."""
        return describe(token_of(delivery))

    def occurrence(self, delivery: Delivery) -> str:
        """See `Listener.occurrence`. Core NATS never delivers a message twice."""
        if self.settings.stream is None:  # the reply subject comes from the sender
            return ""
        place = stored_place(token_of(delivery).reply)
        return f"{self.name} {place}" if place else ""

    async def close(self) -> None:
        """Give back unsettled messages, so that they come again at once. See `Listener.close`."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await self._give_back(client)
        finally:
            self._drops.report()  # messages may also be dropped during `_give_back`
            self._failure.remember(ListenerUnavailable("this listener was closed"))
            await close(client)

    async def _give_back(self, client: Client) -> None:
        try:
            async with asyncio.timeout(GIVE_BACK_DEADLINE_S):
                # Messages that are still on their way have to arrive first, to be given back too.
                if self._subscription is not None:
                    await self._subscription.drain()  # type: ignore[no-untyped-call]  # nats-py's
                # Our last request is still valid at the server, although nobody waits for its
                # messages. The server would answer it with the first message that we give back, and
                # would deliver that message again behind the others. A question about the consumer
                # makes the server drop the request.
                if self._unsettled and self._durable is not None:
                    await self._durable.info()
                await _publish_all(client, self._unsettled, b"-NAK")
                # The acknowledgements that were written before have to arrive too.
                await client.flush(ANSWER_DEADLINE_S)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            log.debug("giving back failed", listener=self.name, why=str(error))

    async def _on_message(self, msg: Msg) -> None:
        if self._requests is None:
            return
        if not msg.reply:  # a status; a message of JetStream always has a reply subject
            failure = self._requests.read_status(msg)
            if failure is not None:
                self._failure.remember(failure)
            self._buffer.news.set()
            return
        self._requests.arrived()
        if not msg.data and SIZE_HEADER in (msg.headers or {}):
            self._doubtful_count += 1
        self._unsettled[msg.reply] = None
        self._store(msg, memory_bytes(msg))

    async def _refuse_without_bodies(self) -> None:
        """Ask whether somebody has set `headers_only`, if a message that we hold looks like that.

        Any sender can make such a message, so one question is asked for all that have arrived.

        Raises:
            ListenerUnavailable: It was set, or the server does not answer. The messages come again.
        """
        while self._durable is not None and self._judged_count < self._doubtful_count:
            asked_count = self._doubtful_count
            try:
                config = (await self._durable.info()).config
            except (nats.errors.Error, OSError, TimeoutError) as error:
                why = str(error) or "no answer in time"
                raise ListenerUnavailable(f"no answer about the consumer: {why}") from error
            if config.headers_only:
                raise ListenerUnavailable("messages come without their bodies")
            self._judged_count = asked_count

    async def _on_core_message(self, msg: Msg) -> None:
        held_bytes, size_bytes = self._buffer.held_bytes, memory_bytes(msg)
        if held_bytes and held_bytes + size_bytes > self.settings.max_buffered_bytes:
            self._drops.add()
        else:
            self._store(msg, size_bytes)

    def _store(self, msg: Msg, size_bytes: int) -> None:
        by_subject = self.settings.type_from == "subject"
        self._buffer.put(to_delivery(msg, self.sender, type_from_subject=by_subject), size_bytes)

    async def _answer(self, reply: str, answer: bytes) -> None:
        await self._guarded(self._connected().publish(reply, answer))

    async def _guarded(self, sending: Awaitable[None]) -> None:
        """Await a sending, and translate the errors of the connection."""
        try:
            await sending
        except (nats.errors.Error, OSError) as error:
            raise ListenerUnavailable(f"connection lost: {error}") from error

    def _connected(self) -> Client:
        """Return the connection, even if it has failed.

        Raises:
            ListenerUnavailable: The listener was not opened, or was closed.
        """
        if self._client is None:
            raise ListenerUnavailable("this listener is not open")
        return self._client

    def _wake(self) -> None:
        """Wake `receive`, and `open` where it waits for an answer."""
        self._buffer.news.set()
        if self._preparing is not None and not self._preparing.expired():
            self._preparing.reschedule(asyncio.get_running_loop().time())

    def _lose(self, why: str) -> None:
        self._failure.remember(ListenerUnavailable(f"connection lost: {why}"))

    def _complain(self, error: Exception) -> None:
        """Take an error that nats-py reports. A missing permission is reported in no other way."""
        text = str(error)
        if "permissions violation" in text.lower():
            why = missing_right(self.settings, text)
            self._failure.remember(ListenerUnavailable(why, reason="refused"))
        elif not isinstance(error, (nats.errors.Error, OSError)):
            # Most likely a bug of ours in the code that takes a message. JetStream delivers the
            # message again after the ack wait; in core NATS the message is lost.
            log.error("taking a message failed", listener=self.name, exc_info=error)


async def _publish_all(client: Client, subjects: Iterable[str], payload: bytes) -> None:
    for subject in tuple(subjects):
        await client.publish(subject, payload)
