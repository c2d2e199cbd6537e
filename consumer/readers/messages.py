"""Defines the messages of a stream: what a client sends, and what it gets.

The protocol is described in docs/subscribing.md and in `/asyncapi.json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.errors import ConsumerError
from consumer.options.check import shown

if TYPE_CHECKING:
    from consumer.readers.cursor import Cursor, CursorExpired

ID_MAX_CHARACTERS: Final = 64
PATTERNS_MAX_COUNT: Final = 100
PATTERN_MAX_CHARACTERS: Final = 128
"""A longer subject takes long to compare with the catalogue, and is in none."""

SubscriptionId = Annotated[str, Meta(min_length=1, max_length=ID_MAX_CHARACTERS)]
SubjectPatterns = Annotated[
    tuple[Annotated[str, Meta(max_length=PATTERN_MAX_CHARACTERS)], ...],
    Meta(
        max_length=PATTERNS_MAX_COUNT,
        description="up to 100 subjects, perhaps with wildcards (`game.*`); none means all",
    ),
]


class Subscribe(
    msgspec.Struct, frozen=True, tag="subscribe", tag_field="op", forbid_unknown_fields=True
):
    """Asks for events.

    Attributes:
        id: The name of the subscription, which the client chooses.
        subjects: The subjects, which may have wildcards. Empty: all that the key may read.
        user: The player whose events are asked for. None means all players.
        after: The cursor behind which the events begin.
        since: The time from which on the events were stored.
    """

    id: SubscriptionId
    subjects: SubjectPatterns = ()
    user: str | None = None
    after: str | None = None
    since: str | None = None


class Unsubscribe(
    msgspec.Struct, frozen=True, tag="unsubscribe", tag_field="op", forbid_unknown_fields=True
):
    """Ends a subscription.

    Attributes:
        id: The name of the subscription.
    """

    id: SubscriptionId


class StreamError(ConsumerError):
    """An error that a client is told in a message of its stream.

    Attributes:
        reason: A word for programs.
        name: The id of the subscription. Empty if the error is about the stream.
        temporary: If true, the same message may succeed later.
        earliest: The cursor from which everything can be read that is left, after
            `cursor_expired`.
    """

    def __init__(
        self,
        reason: str,
        text: str,
        *,
        name: str = "",
        temporary: bool = False,
        earliest: Cursor | None = None,
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.name = name
        self.temporary = temporary
        self.earliest = earliest

    def message(self) -> bytes:
        """Write the error."""
        told: dict[str, object] = {"op": "error"}
        if self.name:
            told["id"] = self.name
        told |= {"reason": self.reason, "temporary": self.temporary, "message": str(self)}
        if self.earliest is not None:
            told["earliest"] = str(self.earliest)
        return _encode(told)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Subscribe | Unsubscribe).decode


class _Addressed(msgspec.Struct):
    id: str = ""


def read_message(text: bytes) -> Subscribe | Unsubscribe:
    """Read a message of a client.

    Raises:
        StreamError: The text is no such message.
    """
    try:
        message: Subscribe | Unsubscribe = _decode(text)
    except msgspec.ValidationError as error:
        raise StreamError("invalid", str(error), name=_id_in(text)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        held = shown(text[:40].decode("utf-8", "replace"))
        raise StreamError("malformed", f"expected a JSON object, got {held}") from error
    return message


def _id_in(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=_Addressed).id[:ID_MAX_CHARACTERS]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def event_head(name: str) -> bytes:
    """Return the part of an event's message that is the same for all events of a subscription."""
    return b'{"op":"event","id":%b,' % _encode(name)


def subscribed(name: str, cursor: Cursor, *, caught_up: bool) -> bytes:
    """Write that a subscription has begun."""
    return _encode({"op": "subscribed", "id": name, "cursor": str(cursor), "caught_up": caught_up})


def unsubscribed(name: str) -> bytes:
    """Write that a subscription has ended as the client wished."""
    return _encode({"op": "unsubscribed", "id": name})


def caught_up(name: str, cursor: Cursor) -> bytes:
    """Write that the live part of a subscription begins."""
    return _encode({"op": "caught_up", "id": name, "cursor": str(cursor)})


def heartbeat(cursor: Cursor) -> bytes:
    """Write that the stream still works, although no event came.

    The cursor is left out while it is not known. A client would come back with it in vain.
    """
    if not cursor.is_known:
        return _encode({"op": "heartbeat"})
    return _encode({"op": "heartbeat", "cursor": str(cursor)})


def expired(name: str, error: CursorExpired) -> bytes:
    """Write that a subscription has ended, because events are missing behind its cursor."""
    told = StreamError("cursor_expired", str(error), name=name, earliest=error.earliest)
    return told.message()


SHUTDOWN: Final = _encode({"op": "shutdown"})
