"""Serves a reader over a WebSocket: the client subscribes and unsubscribes by messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from consumer.clock import SYSTEM_CLOCK
from consumer.errors import SinkUnavailable
from consumer.events.moments import WORDS, since_s
from consumer.readers import messages
from consumer.readers.cursor import Cursor, read_cursor
from consumer.readers.messages import StreamError, Subscribe, Unsubscribe, read_message
from consumer.readers.reader import Reader
from consumer.readers.readers import LetGo
from consumer.readers.selection import SelectionRefused, select
from consumer.readers.subscription import Subscription

if TYPE_CHECKING:
    from consumer.readers.cursor import CursorExpired
    from consumer.readers.place import ReadEvent
    from consumer.readers.readers import Readers
    from consumer.readers.selection import Rights

SUBSCRIPTIONS_MAX_COUNT: Final = 32
WAITING_MAX_COUNT: Final = 100
"""So many messages of a client may wait to be answered."""
AWAY: Final = "events cannot be read at this moment; subscribe again"


class SocketReader(Reader):
    """A reader over a WebSocket with the subprotocol `consumer.v1`."""

    def __init__(self, readers: Readers, rights: Rights) -> None:
        super().__init__(readers, rights)
        self._subscriptions: dict[str, Subscription] = {}
        self._heads: dict[str, bytes] = {}
        self._starting: dict[Subscription, asyncio.Task[None]] = {}
        self._received: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX_COUNT)

    @property
    def cursor(self) -> Cursor:
        """See `Reader.cursor`. Of several subscriptions, the one furthest behind counts."""
        places = (one.behind for one in self._subscriptions.values())
        begun = [place for place in places if place is not None]
        pushed = self._readers.source_of(self.rights.key).feed.pushed
        return min(begun, key=lambda one: one.sequence, default=pushed)

    def received(self, text: bytes) -> None:
        """See `StreamSession.received`."""
        try:
            self._received.put_nowait(text)
        except asyncio.QueueFull:
            self.let_go(LetGo.MESSAGES)

    async def serve(self) -> None:
        """See `Reader.serve`."""
        try:
            async with asyncio.TaskGroup() as group:
                while self.outlet.is_open:
                    text = await self._received.get()
                    self._answer(text, group)
                    await self.room()
        finally:
            for subscription in self._subscriptions.values():
                subscription.end()

    def _answer(self, text: bytes, group: asyncio.TaskGroup) -> None:
        try:
            message = read_message(text)
            if isinstance(message, Unsubscribe):
                self._unsubscribe(message)
            else:
                self._subscribe(message, group)
        except StreamError as error:
            self._send(error.message())

    def _subscribe(self, message: Subscribe, group: asyncio.TaskGroup) -> None:
        """Begin a subscription.

        Raises:
            StreamError: It cannot begin.
        """
        name = message.id
        if name in self._subscriptions:
            raise StreamError("id_in_use", "there is a subscription with this id", name=name)
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX_COUNT:
            text = f"a stream may have {SUBSCRIPTIONS_MAX_COUNT} subscriptions"
            raise StreamError("too_many_subscriptions", text, name=name)
        start = start_of(message.after, message.since, name)
        try:
            selection = select(self.rights, message.subjects, message.user)
        except SelectionRefused as refused:
            raise StreamError(refused.reason, str(refused), name=name) from refused
        source = self._readers.source_of(self.rights.key)
        subscription = Subscription(name, selection, source, self, self.rights.key.id)
        self._subscriptions[name] = subscription
        self._heads[name] = messages.event_head(name)
        task = group.create_task(self._run(subscription, start), name="subscribe")
        self._starting[subscription] = task

    async def _run(self, subscription: Subscription, start: Cursor | float | None) -> None:
        try:
            await subscription.run(start)
        except SinkUnavailable:
            told = StreamError("unavailable", AWAY, name=subscription.name, temporary=True)
            self._send(told.message())
            self._forget(subscription)
        finally:
            self._starting.pop(subscription, None)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        subscription = self._subscriptions.get(message.id)
        if subscription is None:
            text = "there is no subscription with this id"
            raise StreamError("unknown_id", text, name=message.id)
        starting = self._starting.pop(subscription, None)
        if starting is not None:
            starting.cancel()
        self._forget(subscription)
        self._send(messages.unsubscribed(message.id))

    def _forget(self, subscription: Subscription) -> None:
        subscription.end()
        # One that was unsubscribed may end later, and its id may be in use again.
        if self._subscriptions.get(subscription.name) is subscription:
            del self._subscriptions[subscription.name], self._heads[subscription.name]

    def _send(self, message: bytes) -> None:
        self.sent_s = self._loop.time()
        self.outlet.send(message)

    def send_event(self, subscription: Subscription, _: ReadEvent, tail: bytes, /) -> None:
        """See `Reader.send_event`."""
        self.outlet.send(self._heads[subscription.name], tail)

    def subscribed(self, subscription: Subscription, *, caught_up: bool) -> None:
        """See `Receiver.subscribed`."""
        self._send(messages.subscribed(subscription.name, subscription.cursor, caught_up=caught_up))

    def caught_up(self, subscription: Subscription) -> None:
        """See `Receiver.caught_up`."""
        self._send(messages.caught_up(subscription.name, subscription.cursor))

    def expired(self, subscription: Subscription, error: CursorExpired) -> None:
        """See `Receiver.expired`. The subscription is gone, and the stream goes on."""
        self._forget(subscription)
        self._send(messages.expired(subscription.name, error))

    def beat(self) -> None:
        """See `Reader.beat`."""
        self._send(messages.heartbeat(self.cursor))

    def tell_why(self, why: LetGo) -> None:
        """See `Reader.tell_why`. The close code tells it."""

    def say_shutdown(self) -> None:
        """See `Reader.say_shutdown`."""
        self._send(messages.SHUTDOWN)


def start_of(after: str | None, since: str | None, name: str = "") -> Cursor | float | None:
    """Return where a subscription begins.

    Raises:
        StreamError: Both are given, or one of them cannot be read.
    """
    if after and since:
        raise StreamError("invalid", "expected after or since, not both", name=name)
    if after:
        cursor = read_cursor(after)
        if cursor is None:
            raise StreamError("invalid", "after: expected a cursor, as it was sent", name=name)
        return cursor
    if since:
        try:
            return since_s(since, SYSTEM_CLOCK.now_s())
        except ValueError:
            raise StreamError("invalid", f"since: expected {WORDS}", name=name) from None
    return None
