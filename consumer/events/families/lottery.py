"""LOTTERY_V2: tickets and what they won. LOTTERY: subscriptions. CART: items bought together."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    AS_NUMBER,
    BODY,
    NOT_EMPTY,
    NOT_NEGATIVE,
    ONLY_DIGITS,
    SCHEMAS,
    Amount,
    AnyHost,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    MetaObject,
    Name,
    Nested,
    Number,
    OptionalAmount,
    OptionalFlag,
    OptionalId,
    OptionalText,
    OptionalTime,
    Rate,
    Reference,
    SkipPublishing,
    Time,
    Timestamp,
    UserId,
    WholeNumber,
    choice,
    hint,
    only,
)

SUBJECTS = {"Bet": "lottery.bet", "Settlement": "lottery.settlement"}

OptionalNumbers = list[WholeNumber] | UnsetType | None
LotteryId = Annotated[OptionalId, NOT_EMPTY, ONLY_DIGITS]
LotteryEvent = Annotated[str, choice(*SUBJECTS, why="Bet is a purchase, Settlement is its result.")]
LotteryType = Annotated[str, hint("Lottery", "Raffle", why="The kind of lottery.")]
DEVICES: Final = ("mobile", "desktop", "app", "tablet", "unknown", "unkown")
LotteryDevice = Annotated[str, hint(*DEVICES, why="The device that the player bought with.")]
CartDevice = Annotated[
    str,
    hint(
        *DEVICES,
        why="The device that the player bought with; `unkown` is the vendor's own spelling.",
        schema=("desktop", "mobile", "tablet", "unkown"),
    ),
]
CartType = Annotated[
    str, hint("Checkout", why="What was done with the cart.", schema=("Checkout",))
]
CartPaymentType = Annotated[
    str, hint("Wallet", "Deposit", "VirtualCurrency", why="The means of payment."), NOT_EMPTY
]


class TicketLine(Nested, kw_only=True):
    """A row of a ticket."""

    line_id: Annotated[Reference, AS_NUMBER]
    """The number of the row."""
    is_free_bet: OptionalFlag = UNSET
    """If true, the row was a gift."""
    numbers: OptionalNumbers = UNSET
    """The numbers that the player chose."""
    special_numbers: OptionalNumbers = UNSET
    """The extra numbers that the player chose."""
    is_quick_pick: OptionalFlag = UNSET
    """If true, the numbers were drawn for the player."""
    matched_numbers: OptionalNumbers = UNSET
    """The player's numbers that were drawn; sent in a settlement."""
    matched_special_numbers: OptionalNumbers = UNSET
    """The player's extra numbers that were drawn; sent in a settlement."""
    is_winning_line: OptionalFlag = UNSET
    """If true, the row has won; sent in a settlement."""
    meta: MetaObject = UNSET


class LotteryV2(Fields, kw_only=True, forbid_unknown_fields=True):
    """A ticket for a draw, bought or settled; amounts are in the player's currency."""

    ticket_id: LotteryId = UNSET
    """The id of the ticket."""
    lottery_id: LotteryId = UNSET
    """The id of the lottery."""
    draw_id: LotteryId = UNSET
    """The id of the draw."""
    lottery_name: OptionalText = UNSET
    """The name of the lottery."""
    lottery_type: LotteryType | UnsetType | None = UNSET
    draw_date: OptionalTime = UNSET
    """The time at which the draw takes place."""
    currency: Currency
    exchange_rate: Rate
    amount: Amount
    """The price, or the amount that was won."""
    origin: AnyHost
    timestamp: Timestamp
    user_id: UserId
    type: LotteryEvent
    lines: list[TicketLine]
    """The rows of the ticket."""
    bonus_code: OptionalText = UNSET
    """The code that the player entered."""
    discount_amount: OptionalAmount = UNSET
    """The discount on the price."""
    device_type: LotteryDevice | UnsetType | None = UNSET
    draw_numbers: OptionalNumbers = UNSET
    """The numbers that were drawn; sent in a settlement."""
    draw_special_numbers: OptionalNumbers = UNSET
    """The extra numbers that were drawn; sent in a settlement."""
    meta: MetaObject = UNSET
    skip_publishing: SkipPublishing = UNSET


class Draw(Nested, kw_only=True):
    """A draw that a ticket takes part in."""

    timestamp: Time
    """The time at which the draw takes place."""


class Ticket(Nested, kw_only=True):
    """A ticket of a subscription."""

    ticket_id: Reference
    """The id of the ticket."""
    product: str
    """The product that was bought."""
    product_name: str
    """The name of the product."""
    amount: Amount
    """The price of the ticket."""
    lines_count: WholeNumber
    """The number of rows of the ticket."""
    draws: list[Draw]
    """The draws that the ticket takes part in."""


class Lottery(Fields, kw_only=True, forbid_unknown_fields=True):
    """A subscription that was bought. This is the vendor's older lottery event."""

    timestamp: Timestamp
    transaction_id: Id
    """The id of the purchase, which is the same in all events of this purchase."""
    user_id: UserId
    amount: Amount
    """The price of all tickets."""
    account_amount: Number
    """The part that was paid from the player's account."""
    bonus_amount: Number
    """The part that was paid with bonus money."""
    bonus_code: str
    """The code that the player entered; empty where there was none."""
    currency: Currency
    deposit_amount: Number
    """The part that was paid by a deposit."""
    exchange_rate: Rate
    origin: AnyHost
    status: Annotated[str, choice("Approved", "Rejected", why="Whether the purchase was accepted.")]
    tickets: list[Ticket]
    """The tickets that were bought."""


class CartPayment(Nested, kw_only=True):
    """A means by which a part of a cart was paid."""

    type: CartPaymentType
    amount: Amount
    """The amount that was paid by this means."""
    meta: MetaObject = UNSET


class CartItem(Nested, kw_only=True):
    """An item in a cart."""

    id: Annotated[Reference, AS_NUMBER, NOT_NEGATIVE]
    """The id of the item."""
    type: Name
    """The kind of item."""
    name: Name
    """The name of the item."""
    description: str
    """The description of the item."""
    amount: Amount
    """The price of the item."""
    discount_amount: Amount
    """The discount on the price."""
    bonus_code: str
    """The code that the player entered; empty where there was none."""
    meta: MetaObject = UNSET


class Cart(Fields, kw_only=True, forbid_unknown_fields=True):
    """The items that a player bought together. The payments need not add up to the amount."""

    cart_id: Annotated[Id, AS_NUMBER, NOT_NEGATIVE]
    """The id of the cart."""
    amount: Amount
    """The price of all items."""
    exchange_rate: Rate
    currency: Currency
    origin: BrandHost
    timestamp: Timestamp
    user_id: UserId
    status: Annotated[str, choice("Successful", why="Only carts that were paid are sent.")]
    type: CartType
    device_type: CartDevice
    discount_amount: OptionalAmount = UNSET
    """The discount on the price."""
    bonus_code: OptionalText = UNSET
    """The code that the player entered."""
    payments: list[CartPayment]
    """The means by which the cart was paid."""
    items: list[CartItem]
    """The items that were bought."""
    meta: MetaObject = UNSET


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
    # Two lotteries may use the same numbers for their tickets and draws. The ticket of the second
    # lottery is then a conflict, which somebody sees, and is not dropped as a duplicate.
    deciding=("lottery_id", "amount", "currency"),
    subject_key=lambda event: event.type,
    subjects=SUBJECTS,
)

LOTTERY = EventType(
    name="LOTTERY",
    fields=Lottery,
    sources=("https://docs.ft-crm.com/api-integration/lottery.html", SCHEMAS),
    identity=lambda event: (event.transaction_id, event.status),
    identified_by=("transaction_id", "status"),
    deciding=("user_id", "amount", "currency"),
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
    subjects=only("lottery.cart"),
    strict=("discount_amount",),
)
