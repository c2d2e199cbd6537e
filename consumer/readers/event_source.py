"""Serves a reader over Server-Sent Events: one subscription, which the address describes.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html. A browser that loses the
connection comes back by itself, with the last `id` in the header `Last-Event-ID`. A page does not
see the status of the answer then. So if the cursor in this header has expired, an event says so,
and the live part follows.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from consumer.errors import SinkUnavailable
from consumer.readers import messages
from consumer.readers.cursor import Cursor, CursorExpired
from consumer.readers.messages import StreamError
from consumer.readers.reader import Reader
from consumer.readers.readers import LetGo
from consumer.readers.subscription import Subscription

if TYPE_CHECKING:
    from consumer.readers.place import ReadEvent
    from consumer.readers.readers import Readers
    from consumer.readers.selection import Rights, Selection

NAME: Final = "stream"
"""The id of the only subscription."""
RETRY_MS: Final = 3000
JITTER_MS: Final = 2000
"""A client comes back after `RETRY_MS`, and up to `JITTER_MS` later, in milliseconds. So not all
clients come back at the same moment."""
WHY: Final = {
    LetGo.SLOW: StreamError("too_slow", "the stream is read too slowly", temporary=True),
    LetGo.MEMORY: StreamError("too_slow", "the streams are read too slowly", temporary=True),
    LetGo.KEY: StreamError("unauthorized", "the key was revoked, or has expired"),
    LetGo.MESSAGES: StreamError("invalid", "a client of this stream sends nothing"),
}


class EventSourceReader(Reader):
    """A reader over Server-Sent Events.

    Args:
        readers: All readers of the process.
        rights: What it may read.
        selection: What it asks for.
        start: Where it begins.
    """

    def __init__(
        self,
        readers: Readers,
        rights: Rights,
        selection: Selection,
        start: Cursor | float | None,
    ) -> None:
        super().__init__(readers, rights)
        source = readers.source_of(rights.key)
        self._subscription = Subscription(NAME, selection, source, self, rights.key.id)
        self._start = start
        self._was_expired = asyncio.Event()
        self._head = messages.event_head(NAME)

    @property
    def cursor(self) -> Cursor:
        """See `Reader.cursor`."""
        return self._subscription.behind or Cursor(0, 0)

    async def serve(self) -> None:
        """See `Reader.serve`."""
        retry_ms = RETRY_MS + random.randrange(JITTER_MS)  # noqa: S311  # spreads clients
        self.outlet.send(b"retry: %d\n\n" % retry_ms)
        try:
            start = self._start
            while True:
                self._was_expired.clear()
                await self._subscription.run(start)
                await self._was_expired.wait()
                start = None  # the client knows that events are missing: go on live
        except SinkUnavailable:
            away = StreamError("unavailable", "events cannot be read now", temporary=True)
            self._send(away.message(), b"error")
            self.outlet.close(0, "")
        finally:
            self._subscription.end()

    def _send(self, message: bytes, name: bytes, cursor: Cursor | None = None) -> None:
        self.sent_s = self._loop.time()
        # Without an id, a browser keeps the one that it has.
        has_place = cursor is not None and cursor.is_known
        place = b"id: %b\n" % str(cursor).encode() if has_place else b""
        self.outlet.send(b"event: %b\n%bdata: %b\n\n" % (name, place, message))

    def send_event(self, subscription: Subscription, _: ReadEvent, tail: bytes, /) -> None:
        """See `Reader.send_event`. The name of the event is the default: `message`."""
        place = str(subscription.cursor).encode()
        self.outlet.send(b"id: ", place, b"\ndata: ", self._head, tail, b"\n\n")

    def subscribed(self, subscription: Subscription, *, caught_up: bool) -> None:
        """See `Receiver.subscribed`."""
        cursor = subscription.cursor
        self._send(messages.subscribed(NAME, cursor, caught_up=caught_up), b"subscribed", cursor)

    def caught_up(self, subscription: Subscription) -> None:
        """See `Receiver.caught_up`."""
        cursor = subscription.cursor
        self._send(messages.caught_up(NAME, cursor), b"caught_up", cursor)

    def expired(self, _: Subscription, error: CursorExpired, /) -> None:
        """See `Receiver.expired`. The empty `id` makes a browser forget the cursor."""
        self.sent_s = self._loop.time()
        message = messages.expired(NAME, error)
        self.outlet.send(b"event: cursor_expired\nid: \ndata: %b\n\n" % message)
        self._was_expired.set()

    def beat(self) -> None:
        """See `Reader.beat`."""
        self._send(messages.heartbeat(self.cursor), b"heartbeat", self.cursor)

    def tell_why(self, why: LetGo) -> None:
        """See `Reader.tell_why`."""
        self._send(WHY[why].message(), b"error", self.cursor)

    def say_shutdown(self) -> None:
        """See `Reader.say_shutdown`."""
        self._send(messages.SHUTDOWN, b"shutdown", self.cursor)

    def received(self, text: bytes) -> None:
        """See `StreamSession.received`. There are no messages of the client."""
