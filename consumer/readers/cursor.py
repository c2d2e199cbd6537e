"""Defines a cursor: a place in a stream, which a reader keeps to go on reading later.

A sequence number alone is not enough. A stream that was deleted and created again begins with 1, so
an old number would silently skip events. The server also says nothing if a number is too old or too
high (measured with nats-server 2.15). So a cursor has the epoch of its stream as well, and is
compared with the stream before anything is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import ConsumerError, SinkUnavailable
from consumer.nats.explain import explained

if TYPE_CHECKING:
    from nats.aio.client import Client

STATE_TIMEOUT_S: Final = 5.0
_is_cursor: Final = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})").fullmatch


class Cursor(msgspec.Struct, frozen=True):
    """The place behind an event.

    Attributes:
        epoch_us: The time at which the stream was created, in microseconds since 1970.
        sequence: The sequence number of the event in the stream. 0 means before the first event.
    """

    epoch_us: int
    sequence: int

    @property
    def is_known(self) -> bool:
        """False for the cursor of a subscription that has not looked at its stream yet."""
        return self.epoch_us != 0

    def __str__(self) -> str:
        """Write the cursor as readers see it. Its form may change."""
        return f"{self.epoch_us:x}-{self.sequence:x}"


def read_cursor(text: str) -> Cursor | None:
    """Read a cursor; returns None for another text."""
    found = _is_cursor(text)
    return None if found is None else Cursor(int(found[1], 16), int(found[2], 16))


class CursorExpired(ConsumerError):
    """A cursor that cannot be used any more: events behind it are gone, or it is of another stream.

    Attributes:
        earliest: The cursor from which everything can be read that the stream still has.
    """

    def __init__(self, why: str, earliest: Cursor) -> None:
        super().__init__(why)
        self.earliest = earliest


class StreamState(msgspec.Struct, frozen=True):
    """What a stream holds now.

    Attributes:
        epoch_us: See `Cursor`.
        first_number: The sequence number of its first message. If the stream is empty, that of the
            next message.
        last_number: The sequence number of its last message. 0 if it never had a message.
    """

    epoch_us: int
    first_number: int
    last_number: int

    @property
    def end(self) -> Cursor:
        """The cursor behind the last message."""
        return Cursor(self.epoch_us, self.last_number)

    def check(self, cursor: Cursor) -> None:
        """Refuse a cursor behind which events may be missing.

        Raises:
            CursorExpired: The text says why.
        """
        earliest = Cursor(self.epoch_us, self.first_number - 1)
        if cursor.epoch_us != self.epoch_us:
            raise CursorExpired("the cursor is of a stream that was deleted since", earliest)
        if cursor.sequence > self.last_number:
            raise CursorExpired("the cursor is ahead of the stream", earliest)
        if cursor.sequence < self.first_number - 1:
            raise CursorExpired("events behind the cursor are gone", earliest)


async def state_of(client: Client, stream: str) -> StreamState:
    """Ask the server what a stream holds.

    Raises:
        SinkUnavailable: There is no such stream, or no answer.
    """
    with explained(stream, missing="was it deleted?", request=f"$JS.API.STREAM.INFO.{stream}"):
        info = await client.jetstream(timeout=STATE_TIMEOUT_S).stream_info(stream)
    if info.created is None:
        raise SinkUnavailable("the server does not say when the stream was created")
    epoch_us = round(info.created.timestamp() * 1_000_000)
    return StreamState(epoch_us, max(1, info.state.first_seq), info.state.last_seq)
