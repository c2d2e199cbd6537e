"""PAYMENT: deposits and withdrawals, with an event for each step of a payment.

A field is required where the vendor's pages and its published JSON Schema all require it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET

from consumer.events.base import (
    AS_EITHER,
    NOT_NEGATIVE,
    SCHEMAS,
    Amount,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    OptionalAmount,
    OptionalObject,
    OptionalRate,
    OptionalText,
    OptionalWholeNumber,
    Reference,
    SkipPublishing,
    Timestamp,
    UserId,
    choice,
)

TYPES = ("Credit", "Debit", "Authorization", "Capture", "Void")
STATUSES = ("Requested", "Approved", "Rejected", "Rollback", "Cancelled")

PaymentType = Annotated[str, choice(*TYPES, why="Credit is a deposit, Debit is a withdrawal.")]
PaymentStatus = Annotated[str, choice(*STATUSES, why="The step in the life of the payment.")]


class Payment(Fields, kw_only=True, forbid_unknown_fields=True):
    """A step of a deposit or withdrawal; amounts are in the player's currency, in whole units."""

    amount: Amount
    """The amount that is paid in or out."""
    bonus_code: OptionalText = UNSET
    """The code that the player entered; empty where there was none."""
    currency: Currency
    exchange_rate: OptionalRate = UNSET
    fee_amount: OptionalAmount = UNSET
    """The fee; 0 where there is none."""
    note: OptionalText = UNSET
    """Free text."""
    origin: BrandHost
    payment_id: Annotated[Id, AS_EITHER]
    """The id of the payment, which is the same in all events of this payment."""
    status: PaymentStatus
    timestamp: Timestamp
    type: PaymentType
    user_id: UserId
    vendor_id: Annotated[Reference, AS_EITHER, NOT_NEGATIVE]
    """The id of the payment provider."""
    vendor_name: OptionalText = UNSET
    """The name of the payment provider."""
    deposit_count: Annotated[OptionalWholeNumber, NOT_NEGATIVE] = UNSET
    """The number of deposits that the player has made. Negative numbers occur."""
    withdraw_count: Annotated[OptionalWholeNumber, NOT_NEGATIVE] = UNSET
    """The number of withdrawals that the player has made. Negative numbers occur."""
    meta: OptionalObject = UNSET
    """Anything else that the brand wants to say."""
    skip_publishing: SkipPublishing = UNSET


SUBJECTS = {
    **{f"Credit {status}": f"wallet.deposit_{status.lower()}" for status in STATUSES},
    **{f"Debit {status}": f"withdrawal.{status.lower()}" for status in STATUSES},
    **{
        f"{card_step} {status}": f"wallet.{card_step.lower()}"
        for card_step in ("Authorization", "Capture", "Void")
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
    # A payment passes through several states, and each state is an event of its own.
    identity=lambda event: (event.payment_id, event.type, event.status),
    identified_by=("payment_id", "type", "status"),
    deciding=("user_id", "amount", "currency", "vendor_id"),
    subject_key=lambda event: f"{event.type} {event.status}",
    subjects=SUBJECTS,
)
