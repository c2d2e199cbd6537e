"""Writes and reads a dead letter: the original bytes, and in headers all that is known of them.

The subject is `<prefix>.<listener>.<reason>`. The names of the headers are a contract with all who
read the stream without this program: docs/dead-letters.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import msgspec

from consumer.deliveries.origin import Environment, Sender
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
HEADERS_MAX_BYTES: Final = 48 * 1024
"""The limits of what a letter keeps in its headers. JetStream refuses more than 64 KiB of headers
(error 10097), and a refused letter would hold its lane for ever. An escaped character takes three
bytes if it is ASCII, and up to twelve if it is not. `ORIGINALS_MAX_BYTES` is the size of the
sender's headers after they are escaped. `HEADERS_MAX_BYTES` is more than all headers of a letter
have together (46,357 bytes in tests/integration/test_large_letters.py).
"""

_SAFE: Final = " !#$&'()*+,-./:;<=>?@[\\]^_`{|}~\""
"""All printable ASCII characters except letters, digits, and the percent sign, which begins an
escape."""
_COORDINATE: Final = "Source-"
_ORIGINAL: Final = "Original-"


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """A failed attempt to make an event of a delivery, which another attempt followed.

    Attributes:
        number: The number of the attempt. Attempt 1 is the delivery itself; each replay adds one.
        reason, error: Why it failed. The error is cut to `HISTORY_ERROR_CHARACTERS`.
        until: The time at which the next attempt failed too, RFC 3339, UTC.
    """

    number: int
    reason: str
    error: str
    until: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that can never become an event.

    Attributes:
        reason: The class of the error.
        error: The exact error: the field, what was found, what was expected.
        listener: The listener that took the delivery in.
        brand, environment: The sender: a brand, and whether the delivery is live or a test.
        message_type, content_encoding: The text that the sender wrote. It is empty if there was
            none.
        coordinates: The place of the delivery at its source.
        headers: The sender's own headers.
        arrived: When the delivery arrived, RFC 3339, UTC.
        attempt: The number of attempts to make an event of it. Each replay adds 1.
        history: The last earlier attempts, at most `HISTORY_MAX_COUNT`, the oldest first.
        earlier_numbers: The numbers that the letters of earlier attempts had in the stream, as many
            as the history has. These letters are removed.
        body: The bytes as they arrived. It is empty if they are in the object store.
        body_object: The name of the body in the object store, if it is over the server's limit.
        body_bytes: The length of the body in the object store, in bytes. It is 0 if the body is
            not there, or if the length is not known.
    """

    reason: Reason
    error: str
    listener: str
    brand: str
    environment: Environment = Environment.LIVE
    message_type: str
    content_encoding: str
    coordinates: dict[str, str]
    headers: dict[str, str]
    arrived: str
    attempt: int = 1
    history: tuple[Attempt, ...] = ()
    earlier_numbers: tuple[int, ...] = ()
    body: bytes
    body_object: str = ""
    body_bytes: int = 0

    @property
    def body_id(self) -> str:
        """The hash of sender, message type and bytes, which names the body in the object store."""
        return dead_letter_id(self.body, self.sender.namespace, self.message_type)

    @property
    def sender(self) -> Sender:
        """Who sent the delivery."""
        return Sender(self.brand, self.environment)

    @property
    def message_id(self) -> str:
        """The id by which the server recognises a copy of this letter.

        For the first attempt it is a hash of all that decides what the delivery means, so that a
        broken event that is sent ten times makes one letter. The same bytes with another content
        encoding, from another listener or with another reason make a letter of their own, because
        a replay reads them in another way.

        The letter of a later attempt has another id. Otherwise the server would take it for a copy
        of the letter before it, which the replay is about to remove. The time of arrival in the id
        tells apart two letters that have the same body, but were stored in different windows.
        """
        delivery_id = dead_letter_id(
            self.body,
            self.sender.namespace,
            self.message_type,
            self.content_encoding,
            self.listener,
            self.reason.value,
        )
        if self.attempt == 1:
            return delivery_id
        return f"{delivery_id}-{self.attempt}-{_escape(self.arrived)}"

    def again(self, rejected: Rejected, when: str, number: int) -> Letter:
        """Return the letter of a delivery that was rejected once more, with its history.

        Args:
            rejected: Why it was rejected this time.
            when: The time of this attempt, RFC 3339, UTC.
            number: The number of this letter in the stream.
        """
        past = Attempt(self.attempt, self.reason.value, self.error[:HISTORY_ERROR_CHARACTERS], when)
        return msgspec.structs.replace(
            self,
            reason=rejected.reason,
            error=rejected.detail,
            attempt=self.attempt + 1,
            history=(*self.history, past)[-HISTORY_MAX_COUNT:],
            earlier_numbers=(*self.earlier_numbers, number)[-HISTORY_MAX_COUNT:],
        )


LetterOf = Callable[["Delivery", Rejected, "Origin", float], Letter]
"""Writes the letter of a delivery. The arguments are the delivery, the reason, the origin, and the
time of arrival in seconds since 1970."""


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
            environment=delivery.sender.environment,
            message_type=delivery.message_type or "",
            content_encoding=delivery.content_encoding or "",
            coordinates=dict(origin.coordinates),
            headers=dict(origin.headers),
            arrived=from_epoch_s(arrived_s),
            body=delivery.body,
        )

    return letter_of


def to_message(letter: Letter, prefix: str, message_id: str) -> Message:
    """Write a letter as a message. All text of the sender in its headers is printable ASCII."""
    headers = {
        "Dead-Reason": letter.reason.value,
        "Dead-Error": _escape(letter.error, ERROR_MAX_CHARACTERS),
        "Dead-Listener": letter.listener,
        "Dead-Brand": letter.brand,
        "Dead-Environment": "" if letter.environment is Environment.LIVE else letter.environment,
        "Dead-Type": _escape(letter.message_type),
        "Dead-Content-Encoding": _escape(letter.content_encoding),
        "Dead-Arrived": letter.arrived,
        "Dead-Attempt": str(letter.attempt),
        "Dead-History": _encode_history(letter.history),
        "Dead-Earlier-Numbers": " ".join(map(str, letter.earlier_numbers)),
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
        ValueError: The message is not a letter that this program wrote.
    """
    return Letter(
        reason=Reason(headers.get("Dead-Reason", "")),
        error=_unescape(headers.get("Dead-Error")),
        listener=headers.get("Dead-Listener", ""),
        brand=headers.get("Dead-Brand", ""),
        environment=Environment(headers.get("Dead-Environment", Environment.LIVE)),
        message_type=_unescape(headers.get("Dead-Type")),
        content_encoding=_unescape(headers.get("Dead-Content-Encoding")),
        coordinates=_prefixed(headers, _COORDINATE),
        headers=_prefixed(headers, _ORIGINAL),
        arrived=headers.get("Dead-Arrived", ""),
        attempt=int(headers.get("Dead-Attempt", "1")),
        history=_decode_history(_unescape(headers.get("Dead-History"))),
        earlier_numbers=tuple(map(int, headers.get("Dead-Earlier-Numbers", "").split())),
        body=body,
        body_object=headers.get("Dead-Body-Object", ""),
        body_bytes=int(headers.get("Dead-Body-Bytes", "0")),
    )


def _encode_history(history: tuple[Attempt, ...]) -> str:
    # The text is not cut, because a part of it could not be read back. The number of attempts
    # limits its length.
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
    """Percent-encode all but printable ASCII, and spaces at both ends, which NATS would trim."""
    escaped = quote(text[:max_characters], safe=_SAFE, errors="backslashreplace")
    if escaped.startswith(" "):
        escaped = "%20" + escaped[1:]
    return escaped[:-1] + "%20" if escaped.endswith(" ") else escaped


def _unescape(text: str | None) -> str:
    return unquote(text or "", errors="replace")
