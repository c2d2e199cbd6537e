"""PAYMENT: deposits and withdrawals, one event for each step of a payment's life.

Facts: https://fast-track.gitbook.io/integration/real-time-data/payments,
https://www.fasttrack.ai/en/resources/integration/real-time-data/payments and the vendor's JSON
Schema; a field is required where all of them require it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET

from consumer.events.base import (
    EventType,
    Fields,
    Id,
    Number,
    OptionalCount,
    OptionalFlag,
    OptionalNumber,
    OptionalObject,
    OptionalText,
    Time,
    choice,
)

TYPES = ("Credit", "Debit", "Authorization", "Capture", "Void")
STATUSES = ("Requested", "Approved", "Rejected", "Rollback", "Cancelled")

Type = Annotated[str, choice(*TYPES, why="Credit is a deposit, Debit a withdrawal")]
Status = Annotated[str, choice(*STATUSES, why="decides the subject")]


class Payment(Fields, kw_only=True, forbid_unknown_fields=True):
    """One step of a payment; amounts in the player's currency, in whole units."""

    amount: Number
    bonus_code: OptionalText = UNSET
    currency: str
    """ISO 4217, or a crypto currency's code."""
    exchange_rate: OptionalNumber = UNSET
    """amount times this is the amount in the brand's base currency."""
    fee_amount: OptionalNumber = UNSET
    """0 when there is none."""
    note: OptionalText = UNSET
    origin: str
    """The brand's host, such as www.brand.com."""
    payment_id: Id
    """The same through the life of one payment."""
    status: Status
    timestamp: Time
    type: Type
    user_id: Id
    vendor_id: Id
    vendor_name: OptionalText = UNSET
    deposit_count: OptionalCount = UNSET
    """Negative ones occur."""
    withdraw_count: OptionalCount = UNSET
    """Negative ones occur."""
    meta: OptionalObject = UNSET
    skip_publishing: OptionalFlag = UNSET


SUBJECTS = {
    **{f"Credit {status}": f"wallet.deposit_{status.lower()}" for status in STATUSES},
    **{f"Debit {status}": f"withdrawal.{status.lower()}" for status in STATUSES},
    **{
        f"{kind} {status}": f"wallet.{kind.lower()}"
        for kind in ("Authorization", "Capture", "Void")
        for status in STATUSES
    },
}

PAYMENT = EventType(
    name="PAYMENT",
    fields=Payment,
    # One payment_id passes through several states, each an event of its own.
    identity=lambda event: (event.payment_id, event.type, event.status),
    deciding=("user_id", "amount", "currency", "vendor_id"),
    subject=lambda event: SUBJECTS[f"{event.type} {event.status}"],
    subjects=SUBJECTS,
)
