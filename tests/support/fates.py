"""Deliveries as tests make them, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.deliveries.delivery import Dead, Delivery, Fate, Forwarded
from consumer.deliveries.origin import Sender
from consumer.errors import Reason, Rejected
from consumer.events.identity import Identity
from consumer.events.normalise import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.pipeline.batch import Work

SENDER: Final = Sender("brand")
STORED: Final = Forwarded(Event("a", Identity("0" * 32, "0" * 16), "game.bet", b"{}", None, ()))
"""The sink has stored the event."""
REJECTED: Final = Dead(Rejected(Reason.INVALID, "amount: expected number"))
"""The dead letter is stored."""


def sent(
    body: bytes = b"",
    message_type: str | None = None,
    *,
    token: object = None,
    content_encoding: str | None = None,
) -> Delivery:
    """Return a delivery of the brand `brand`."""
    return Delivery(body, message_type, token, SENDER, content_encoding)


def end_all(deliveries: Iterable[Delivery], fate: Fate = STORED) -> None:
    """Let all deliveries end in one way."""
    for delivery in deliveries:
        delivery.fate = fate


def rejected(work: Work) -> Rejected | None:
    """Return why a work died; None: it did not."""
    end = work.delivery.end
    return end.rejected if isinstance(end, Dead) else None


def reason(work: Work) -> Reason | None:
    """Return the reason why a work died; None: it did not."""
    died = rejected(work)
    return died.reason if died else None
