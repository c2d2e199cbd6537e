"""PAYMENT: deposits and withdrawals, one event for each step of a payment's life.

A field is required where the vendor's pages and its published JSON Schema all require it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET

from consumer.events.base import (
    SCHEMAS,
    Amount,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    OptionalAmount,
    OptionalFlag,
    OptionalObject,
    OptionalRate,
    OptionalText,
    OptionalWholeNumber,
    Reference,
    Timestamp,
    UserId,
    choice,
)

TYPES = ("Credit", "Debit", "Authorization", "Capture", "Void")
STATUSES = ("Requested", "Approved", "Rejected", "Rollback", "Cancelled")

PaymentType = Annotated[str, choice(*TYPES, why="Credit is a deposit, Debit a withdrawal.")]
PaymentStatus = Annotated[str, choice(*STATUSES, why="Step in the life of the payment.")]


class Payment(Fields, kw_only=True, forbid_unknown_fields=True):
    """One step of a deposit or withdrawal; amounts in the player's currency, in whole units."""

    amount: Amount
    """What is paid in or out."""
    bonus_code: OptionalText = UNSET
    """Code that the player gave; empty: none."""
    currency: Currency
    exchange_rate: OptionalRate = UNSET
    fee_amount: OptionalAmount = UNSET
    """0 when there is none."""
    note: OptionalText = UNSET
    """Free text."""
    origin: BrandHost
    payment_id: Id
    """The same through the life of one payment."""
    status: PaymentStatus
    timestamp: Timestamp
    type: PaymentType
    user_id: UserId
    vendor_id: Reference
    """Id of the payment provider."""
    vendor_name: OptionalText = UNSET
    """Name of the payment provider."""
    deposit_count: OptionalWholeNumber = UNSET
    """How many deposits the player has made. Negative ones occur."""
    withdraw_count: OptionalWholeNumber = UNSET
    """How many withdrawals the player has made. Negative ones occur."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


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
    sources=(
        "https://fast-track.gitbook.io/integration/real-time-data/payments",
        "https://www.fasttrack.ai/en/resources/integration/real-time-data/payments",
        SCHEMAS,
    ),
    # One payment_id passes through several states, each an event of its own.
    identity=lambda event: (event.payment_id, event.type, event.status),
    identified_by=("payment_id", "type", "status"),
    deciding=("user_id", "amount", "currency", "vendor_id"),
    subject=lambda event: SUBJECTS[f"{event.type} {event.status}"],
    subjects=SUBJECTS,
)
