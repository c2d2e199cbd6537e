"""A dead letter as a message: the original bytes, and everything known about them in headers.

Subject: `<prefix>.<listener>.<reason>`. The names of the headers are a contract with whoever
reads the stream without us: docs/dead-letters.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import msgspec

from consumer.errors import Reason, Rejected
from consumer.events.identity import dead_letter_id
from consumer.events.timestamp import from_epoch_s
from consumer.sinks.base import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin

ERROR_MAX_CHARACTERS: Final = 1024
VALUE_MAX_CHARACTERS: Final = 256
ORIGINALS_MAX_BYTES: Final = 6 * 1024
HISTORY_MAX_COUNT: Final = 5
HISTORY_ERROR_CHARACTERS: Final = 200
"""Bounds of what is kept, the last one of a sender's headers as they stand on the wire. JetStream
refuses more than 64 KiB of headers (error 10097), and a refused letter would hold its lane for
ever; together these stay below `stream.HEADER_SHARE`, an escaped character counting three bytes.
"""

_SAFE: Final = " !#$&'()*+,-./:;<=>?@[\\]^_`{|}~\""
"""Everything printable in ASCII but the percent sign, which begins an escape."""
_COORDINATE: Final = "Source-"
_ORIGINAL: Final = "Original-"


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """An attempt that a replay repeated.

    Attributes:
        number: 1 is the delivery itself.
        reason, error: why it failed; the error is cut.
        until: when the next attempt failed as well, RFC 3339, UTC.
    """

    number: int
    reason: str
    error: str
    until: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that can never become an event.

    Attributes:
        reason: the class of the error.
        error: field, found, expected.
        listener, brand: which lane it came through.
        message_type, content_encoding: as the sender wrote them; empty: none.
        coordinates: where it was at the source.
        headers: the sender's own.
        arrived: RFC 3339, UTC.
        attempt: how often it has been tried; a replay counts up.
        history: earlier attempts, the oldest first; the last few of them.
        body: the bytes as they arrived; empty where `body_object` says where they are.
        body_object: name in the object store, for a body over the server's limit.
        body_bytes: length of that body; 0: not known.
    """

    reason: Reason
    error: str
    listener: str
    brand: str
    message_type: str
    content_encoding: str
    coordinates: dict[str, str]
    headers: dict[str, str]
    arrived: str
    attempt: int = 1
    history: tuple[Attempt, ...] = ()
    body: bytes
    body_object: str = ""
    body_bytes: int = 0

    @property
    def body_id(self) -> str:
        """Hash of brand, type and bytes."""
        return dead_letter_id(self.brand, self.message_type, self.body)

    @property
    def message_id(self) -> str:
        """The same: a broken event resent ten times is one letter.

        A letter of a later attempt has another id, or the server would take it for the first
        one, which the replay is about to remove. The arrival tells apart two letters of one body,
        which were stored in different windows.
        """
        if self.attempt == 1:
            return self.body_id
        return f"{self.body_id}-{self.attempt}-{_escape(self.arrived)}"

    def again(self, rejected: Rejected, when: str) -> Letter:
        """Return the letter of a delivery that was rejected once more, with its history.

        Args:
            rejected: why this time.
            when: RFC 3339, UTC.
        """
        past = Attempt(self.attempt, self.reason.value, self.error[:HISTORY_ERROR_CHARACTERS], when)
        return msgspec.structs.replace(
            self,
            reason=rejected.reason,
            error=rejected.detail,
            attempt=self.attempt + 1,
            history=(*self.history, past)[-HISTORY_MAX_COUNT:],
        )


LetterOf = Callable[["Delivery", Rejected, "Origin", float], Letter]
"""Writes the letter of a delivery that died: why, where it came from, and when it arrived, in
seconds since 1970."""


def first_letters(listener: str) -> LetterOf:
    """Return the function that writes the letters of a listener's deliveries."""

    def letter_of(
        delivery: Delivery, rejected: Rejected, origin: Origin, arrived_s: float
    ) -> Letter:
        return Letter(
            reason=rejected.reason,
            error=rejected.detail,
            listener=listener,
            brand=delivery.sender.brand,
            message_type=delivery.message_type or "",
            content_encoding=delivery.content_encoding or "",
            coordinates=dict(origin.coordinates),
            headers=dict(origin.headers),
            arrived=from_epoch_s(arrived_s),
            body=delivery.body,
        )

    return letter_of


def to_message(letter: Letter, prefix: str, message_id: str) -> Message:
    """Write a letter. Whatever a sender put into headers comes out as harmless ASCII."""
    headers = {
        "Dead-Reason": letter.reason.value,
        "Dead-Error": _escape(letter.error, ERROR_MAX_CHARACTERS),
        "Dead-Listener": letter.listener,
        "Dead-Brand": letter.brand,
        "Dead-Type": _escape(letter.message_type),
        "Dead-Content-Encoding": _escape(letter.content_encoding),
        "Dead-Arrived": letter.arrived,
        "Dead-Attempt": str(letter.attempt),
        "Dead-History": _encode_history(letter.history),
        "Dead-Body-Object": letter.body_object,
        "Dead-Body-Bytes": str(letter.body_bytes) if letter.body_bytes else "",
    }
    headers |= {f"{_COORDINATE}{name}": _escape(text) for name, text in letter.coordinates.items()}
    headers |= _originals(letter.headers)
    return Message(
        subject=f"{prefix}.{letter.listener}.{letter.reason.value}",
        body=letter.body,
        message_id=message_id,
        headers={name: text for name, text in headers.items() if text},
    )


def from_message(headers: Mapping[str, str], body: bytes) -> Letter:
    """Read a letter back.

    Raises:
        ValueError: this is not one of our letters.
    """
    return Letter(
        reason=Reason(headers.get("Dead-Reason", "")),
        error=_unescape(headers.get("Dead-Error")),
        listener=headers.get("Dead-Listener", ""),
        brand=headers.get("Dead-Brand", ""),
        message_type=_unescape(headers.get("Dead-Type")),
        content_encoding=_unescape(headers.get("Dead-Content-Encoding")),
        coordinates=_prefixed(headers, _COORDINATE),
        headers=_prefixed(headers, _ORIGINAL),
        arrived=headers.get("Dead-Arrived", ""),
        attempt=int(headers.get("Dead-Attempt", "1")),
        history=_decode_history(_unescape(headers.get("Dead-History"))),
        body=body,
        body_object=headers.get("Dead-Body-Object", ""),
        body_bytes=int(headers.get("Dead-Body-Bytes", "0")),
    )


def _encode_history(history: tuple[Attempt, ...]) -> str:
    # Bounded by the attempts it holds; cut in the middle it could not be read back.
    text = msgspec.json.encode(history).decode() if history else ""
    return _escape(text, len(text))


def _decode_history(text: str) -> tuple[Attempt, ...]:
    return msgspec.json.decode(text, type=tuple[Attempt, ...]) if text else ()


def _originals(sent: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    left_bytes = ORIGINALS_MAX_BYTES
    for name, text in sent.items():
        header = _ORIGINAL + quote(name[:VALUE_MAX_CHARACTERS], safe="", errors="replace")
        value = _escape(text)
        left_bytes -= len(header) + len(value)
        if left_bytes < 0:
            break
        kept[header] = value
    return kept


def _prefixed(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        unquote(name.removeprefix(prefix)): _unescape(text)
        for name, text in headers.items()
        if name.startswith(prefix)
    }


def _escape(text: str, max_characters: int = VALUE_MAX_CHARACTERS) -> str:
    """Percent-encode all but printable ASCII; leading and trailing spaces, which NATS trims."""
    escaped = quote(text[:max_characters], safe=_SAFE, errors="backslashreplace")
    if escaped.startswith(" "):
        escaped = "%20" + escaped[1:]
    return escaped[:-1] + "%20" if escaped.endswith(" ") else escaped


def _unescape(text: str | None) -> str:
    return unquote(text or "", errors="replace")
