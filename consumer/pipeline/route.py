"""Third step: the message that a subscriber gets, on the subject where it is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.sinks.base import Message

if TYPE_CHECKING:
    from consumer.events.normalise import Event

HEADERS: Final = {"Content-Type": "application/cloudevents+json"}
"""The only headers of an event. None of a sender's is ever copied: `Nats-Rollup` from outside
would purge a subject, `Nats-Msg-Id` would make another event vanish."""

HEADER_BYTES: Final = 256
"""More than message id and content type take on the wire."""


class Router:
    """Puts the operator's prefix before the subjects of the catalogue.

    Args:
        prefix: empty, or one token.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}." if prefix else ""

    def message(self, event: Event) -> Message:
        """Address one event."""
        return Message(
            subject=self._prefix + event.subject,
            body=event.body,
            message_id=event.identity.key,
            headers=HEADERS,
        )
