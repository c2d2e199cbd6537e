"""LOTTERY_V2: tickets and what they won. LOTTERY: subscriptions. CART: what was bought at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    BODY,
    SCHEMAS,
    Amount,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    Nested,
    OptionalAmount,
    OptionalFlag,
    OptionalId,
    OptionalObject,
    OptionalText,
    OptionalTime,
    Rate,
    Reference,
    Time,
    Timestamp,
    UserId,
    WholeNumber,
    choice,
    hint,
    only,
)

SUBJECTS = {"Bet": "lottery.bet", "Settlement": "lottery.settlement"}

OptionalNumbers = list[int] | UnsetType | None
LotteryEvent = Annotated[str, choice(*SUBJECTS, why="Bet is a purchase, Settlement its result.")]
LotteryType = Annotated[str, hint("Lottery", "Raffle", why="Kind of lottery.")]
LotteryDevice = Annotated[
    str,
    hint("mobile", "desktop", "app", "tablet", "unknown", "unkown", why="What was bought with."),
]


class TicketLine(Nested, kw_only=True):
    """One row of a ticket."""

    line_id: Reference
    """Number of the row."""
    is_free_bet: OptionalFlag = UNSET
    """It was a gift."""
    numbers: OptionalNumbers = UNSET
    """What the player chose."""
    special_numbers: OptionalNumbers = UNSET
    """The extra numbers that the player chose."""
    is_quick_pick: OptionalFlag = UNSET
    """The numbers were drawn for the player."""
    matched_numbers: OptionalNumbers = UNSET
    """In a settlement: what was drawn as well."""
    matched_special_numbers: OptionalNumbers = UNSET
    """In a settlement: the extra numbers that were drawn as well."""
    is_winning_line: OptionalFlag = UNSET
    """In a settlement: whether it has won."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""


class LotteryV2(Fields, kw_only=True, forbid_unknown_fields=True):
    """A ticket for one draw, bought or settled; amounts in the player's currency."""

    ticket_id: OptionalId = UNSET
    """Id of the ticket."""
    lottery_id: OptionalId = UNSET
    """Id of the lottery."""
    draw_id: OptionalId = UNSET
    """Id of the draw."""
    lottery_name: OptionalText = UNSET
    """Name of the lottery."""
    lottery_type: LotteryType | UnsetType | None = UNSET
    draw_date: OptionalTime = UNSET
    """When it is drawn."""
    currency: Currency
    exchange_rate: Rate
    amount: Amount
    """The price, or what was won."""
    origin: BrandHost
    timestamp: Timestamp
    user_id: UserId
    type: LotteryEvent
    lines: list[TicketLine]
    """The rows of the ticket."""
    bonus_code: OptionalText = UNSET
    """Code that the player gave."""
    discount_amount: OptionalAmount = UNSET
    """How much less it cost."""
    device_type: LotteryDevice | UnsetType | None = UNSET
    draw_numbers: OptionalNumbers = UNSET
    """In a settlement: what was drawn."""
    draw_special_numbers: OptionalNumbers = UNSET
    """In a settlement: the extra numbers that were drawn."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


class Draw(Nested, kw_only=True):
    """A draw that a ticket takes part in."""

    timestamp: Time
    """When it is drawn."""


class Ticket(Nested, kw_only=True):
    """One ticket of a subscription."""

    ticket_id: Reference
    """Id of the ticket."""
    product: str
    """What was bought."""
    product_name: str
    """Its name."""
    amount: Amount
    """Its price."""
    lines_count: WholeNumber
    """How many rows it has."""
    draws: list[Draw]
    """Which draws it takes part in."""


class Lottery(Fields, kw_only=True, forbid_unknown_fields=True):
    """A subscription that was bought; the vendor's older lottery event."""

    timestamp: Timestamp
    transaction_id: Id
    """The same through the life of one purchase."""
    user_id: UserId
    amount: Amount
    """The price of all tickets."""
    account_amount: Amount
    """What was paid from the player's account."""
    bonus_amount: Amount
    """What was paid with bonus money."""
    bonus_code: str
    """Code that the player gave; empty: none."""
    currency: Currency
    deposit_amount: Amount
    """What was paid by a deposit."""
    exchange_rate: Rate
    origin: BrandHost
    status: Annotated[str, choice("Approved", "Rejected", why="Whether it was accepted.")]
    tickets: list[Ticket]
    """What was bought."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


class CartPayment(Nested, kw_only=True):
    """How a part of a cart was paid."""

    type: Annotated[str, hint("Wallet", "Deposit", "VirtualCurrency", why="Paid with what.")]
    amount: Amount
    """How much of it."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""


class CartItem(Nested, kw_only=True):
    """Something in a cart."""

    id: Reference
    """Id of the item."""
    type: str
    """Kind of item."""
    name: str
    """Its name."""
    description: str
    """What it is."""
    amount: Amount
    """Its price."""
    discount_amount: Amount
    """How much less it cost."""
    bonus_code: str
    """Code that the player gave; empty: none."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""


class Cart(Fields, kw_only=True, forbid_unknown_fields=True):
    """What a player bought in one go; the payments need not add up to the amount."""

    cart_id: Id
    """Id of the cart."""
    amount: Amount
    """The price of all items."""
    exchange_rate: Rate
    currency: Currency
    origin: BrandHost
    timestamp: Timestamp
    user_id: UserId
    status: Annotated[str, choice("Successful", why="Only what was bought is sent.")]
    type: Annotated[str, hint("Checkout", why="What was done with the cart.")]
    device_type: LotteryDevice
    discount_amount: OptionalAmount = UNSET
    """How much less it cost."""
    bonus_code: OptionalText = UNSET
    """Code that the player gave."""
    payments: list[CartPayment]
    """How it was paid."""
    items: list[CartItem]
    """What was bought."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


def _ticket(event: LotteryV2) -> tuple[str, ...]:
    if not (event.ticket_id and event.draw_id):
        return (BODY,)
    return str(event.user_id), str(event.ticket_id), str(event.draw_id), event.type


LOTTERY_V2 = EventType(
    name="LOTTERY_V2",
    fields=LotteryV2,
    sources=(
        "https://fast-track.gitbook.io/integration/real-time-data/lottery-and-scratch/purchase",
        "https://fast-track.gitbook.io/integration/real-time-data/lottery-and-scratch/settlement",
        SCHEMAS,
    ),
    identity=_ticket,
    identified_by=(
        "user_id, or hash of the body without the others",
        "ticket_id",
        "draw_id",
        "type",
    ),
    # Another lottery may number its tickets and draws alike: told, rather than dropped as a copy.
    deciding=("lottery_id", "amount", "currency"),
    subject=lambda event: SUBJECTS[event.type],
    subjects=SUBJECTS,
)

LOTTERY = EventType(
    name="LOTTERY",
    fields=Lottery,
    sources=("https://docs.ft-crm.com/api-integration/lottery.html", SCHEMAS),
    identity=lambda event: (event.transaction_id, event.status),
    identified_by=("transaction_id", "status"),
    deciding=("user_id", "amount", "currency"),
    subject=lambda _: "lottery.subscription",
    subjects=only("lottery.subscription"),
)

CART = EventType(
    name="CART",
    fields=Cart,
    sources=(
        "https://fast-track.gitbook.io/integration/real-time-data/lottery-and-scratch/cart",
        SCHEMAS,
    ),
    identity=lambda event: (event.cart_id, event.status),
    identified_by=("cart_id", "status"),
    deciding=("user_id", "amount", "currency"),
    subject=lambda _: "lottery.cart",
    subjects=only("lottery.cart"),
    strict=("discount_amount",),
)
