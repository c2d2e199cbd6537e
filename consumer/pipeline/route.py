"""Third step: makes the messages that subscribers get, on the subjects where they look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.errors import Reason, Rejected
from consumer.events.identity import output_id
from consumer.events.subjects import targets_of
from consumer.sinks.base import Message

if TYPE_CHECKING:
    from consumer.events.normalise import Event
    from consumer.events.subjects import Routes
    from consumer.pipeline.batch import Work

HEADERS: Final = {"Content-Type": "application/cloudevents+json"}
"""The only headers of an event. A sender's headers are never copied: `Nats-Rollup` from outside
would purge a subject, and `Nats-Msg-Id` would make another event vanish."""

HEADER_BYTES: Final = 256
"""An upper bound for the bytes that the headers of an event take on the wire."""


def message_bytes(event: Event) -> int:
    """Return an upper bound for the size of an event's message with its headers, in bytes."""
    return len(event.body) + HEADER_BYTES


def refuse_too_large(work: Work, event: Event, limit_bytes: int) -> bool:
    """End an event as a dead letter if the sink does not take it; returns true if it was too large.

    Args:
        work: The work that has the event. It is not decided yet.
        event: The event.
        limit_bytes: The largest message that the sink takes, in bytes.
    """
    size_bytes = message_bytes(event)
    if size_bytes <= limit_bytes:
        return False
    refuse(work, size_bytes, limit_bytes)
    return True


def refuse(work: Work, size_bytes: int, limit_bytes: int) -> None:
    """End an event as a dead letter, because it is larger than the sink takes."""
    detail = f"event: expected at most {limit_bytes} bytes, got {size_bytes}"
    work.die(Rejected(Reason.TOO_LARGE, detail))


class Router:
    """Addresses events by the operator's routes, with the operator's prefix before all subjects.

    Args:
        prefix: The first token of all subjects. If it is empty, there is no prefix.
        routes: The checked routes, without prefix. Without a route, an event goes to its own
            subject.
    """

    def __init__(self, prefix: str, routes: Routes) -> None:
        self._prefix = f"{prefix}." if prefix else ""
        self._routes = routes
        # The keys of both are subjects of the catalogue, so their number is bounded.
        self._plain: dict[str, str] = {}
        self._targets: dict[str, tuple[str, ...]] = {}

    def messages(self, event: Event) -> list[Message]:
        """Make the messages of an event: one for each of its outputs, and at least one.

        A message id depends only on the identity and the target. On the event's own subject, it is
        the identity's key. So the sink recognises each output that comes again after a crash, even
        if the operator added or reordered routes meanwhile.
        """
        whole = self._plain.get(event.subject)
        if whole is not None:
            return [Message(whole, event.body, event.identity.key, HEADERS)]
        return self._routed(event)

    def _routed(self, event: Event) -> list[Message]:
        own, key = event.subject, event.identity.key
        targets = self._targets.get(own) or self._prepare(own)
        return [
            Message(
                self._prefix + target,
                event.body,
                key if target == own else output_id(key, target),
                HEADERS,
            )
            for target in targets
        ]

    def _prepare(self, subject: str) -> tuple[str, ...]:
        targets = targets_of(subject, self._routes)
        if targets == (subject,):
            self._plain[subject] = self._prefix + subject
        else:
            self._targets[subject] = targets
        return targets
