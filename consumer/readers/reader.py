"""Serves one reader: its subscriptions, what it is sent, and the reasons to let it go.

The two forms of a stream, WebSocket and Server-Sent Events, are subclasses: `socket.py` and
`event_source.py`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from consumer.http.outlet import StreamSession
from consumer.readers.readers import LetGo

if TYPE_CHECKING:
    from consumer.http.outlet import Outlet
    from consumer.readers.cursor import Cursor, CursorExpired
    from consumer.readers.place import ReadEvent
    from consumer.readers.readers import Readers
    from consumer.readers.selection import Rights
    from consumer.readers.subscription import Subscription

ROOM_S: Final = 10.0
"""A reader that catches up has so long to take most of what waits for it, in seconds. If it takes
less, it is let go."""


CLOSE_CODES: Final = {
    LetGo.SLOW: 4408,
    LetGo.MEMORY: 4408,
    LetGo.KEY: 4401,
    LetGo.MESSAGES: 1008,
}
RESTART_CODE: Final = 1012


class Reader(StreamSession):
    """One reader of a stream.

    Args:
        readers: All readers of the process.
        rights: What it may read.

    Attributes:
        sent_s: The time at which it was last sent something, on the loop's clock.
    """

    def __init__(self, readers: Readers, rights: Rights) -> None:
        self._rights = rights
        self.sent_s = 0.0
        self._readers = readers
        self._loop = asyncio.get_running_loop()
        self._outlet: Outlet | None = None

    @property
    def rights(self) -> Rights:
        """What it may read."""
        return self._rights

    @property
    def outlet(self) -> Outlet:
        """The way to the client, since `run`."""
        if self._outlet is None:
            raise TypeError("the stream has not begun")  # a bug of ours
        return self._outlet

    @property
    def buffered_bytes(self) -> int:
        """The size of what waits to be sent, in bytes."""
        return 0 if self._outlet is None else self._outlet.buffered_bytes

    async def run(self, outlet: Outlet) -> None:
        """See `StreamSession.run`."""
        self._outlet = outlet
        self.sent_s = self._loop.time()
        with self._readers.admitted(self):
            await self.serve()

    @abstractmethod
    async def serve(self) -> None:
        """Serve the reader until the stream ends. Ends all of its subscriptions."""

    @property
    @abstractmethod
    def cursor(self) -> Cursor:
        """The cursor with which the reader may come back, and misses nothing."""

    @abstractmethod
    def beat(self) -> None:
        """Send a heartbeat."""

    @abstractmethod
    def tell_why(self, why: LetGo) -> None:
        """Tell the reader in a message why it is let go, if its form has such a message."""

    @abstractmethod
    def send_event(self, subscription: Subscription, event: ReadEvent, tail: bytes, /) -> None:
        """Send an event."""

    def event(self, subscription: Subscription, event: ReadEvent, tail: bytes) -> None:
        """See `Receiver.event`. Lets the reader go if too much waits."""
        outlet = self.outlet
        if not outlet.is_open:
            return
        self.send_event(subscription, event, tail)
        self.sent_s = self._loop.time()
        self._readers.sent_count += 1
        if outlet.buffered_bytes > self._readers.max_buffered_bytes:
            self.let_go(LetGo.SLOW)

    async def room(self) -> None:
        """See `Receiver.room`."""
        outlet = self.outlet
        if outlet.buffered_bytes * 4 <= self._readers.max_buffered_bytes:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(ROOM_S):
                await outlet.drained()
        except TimeoutError:
            self.let_go(LetGo.SLOW)

    def let_go(self, why: LetGo) -> None:
        """Close the stream, and tell the reader the cursor with which it may come back."""
        outlet = self.outlet
        if not outlet.is_open:
            return
        self._readers.count_let_go(why)
        self.tell_why(why)
        cursor = self.cursor
        reason = str(cursor) if cursor.is_known else ""
        outlet.close(CLOSE_CODES[why], reason)

    def shut_down(self) -> None:
        """See `StreamSession.shut_down`."""
        if self._outlet is not None and self._outlet.is_open:
            self.say_shutdown()
            self._outlet.close(RESTART_CODE, "the server restarts; come back")

    @abstractmethod
    def say_shutdown(self) -> None:
        """Tell the reader that the process ends."""

    @abstractmethod
    def expired(self, subscription: Subscription, error: CursorExpired) -> None:
        """See `Receiver.expired`."""
