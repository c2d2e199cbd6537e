"""Turns a NATS message into a delivery, and a delivery's token into its origin.

Responsible for the bounded buffer between the connection and `receive` as well. Not for asking
(`consumer.nats.pull`) or settling (`nats`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Origin
from consumer.listeners.take import take

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from consumer.deliveries.origin import Sender

V1_TOKENS: Final = 9
"""`$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`; version
2 has domain and account hash after `ACK`:
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md"""
NO_DOMAIN: Final = "_"


class AckPlace(NamedTuple):
    """What the subject of an acknowledgement tells about a message, as text."""

    stream: str
    consumer: str
    delivered: str
    sequence: str
    domain: str = NO_DOMAIN


def ack_place(reply: str) -> AckPlace | None:
    """Read the reply subject of a message; None: it did not come from JetStream."""
    tokens = reply.split(".")
    first = 2 if len(tokens) == V1_TOKENS else 4
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) < first + 4:
        return None
    place = AckPlace(*tokens[first : first + 4])
    return place if first == 2 else place._replace(domain=tokens[2])  # noqa: PLR2004  # as above


def to_delivery(msg: Msg, sender: Sender, *, type_from_subject: bool) -> Delivery:
    """Make a delivery. Whatever the headers hold, it has the body untouched."""
    message_type = encoding = None
    for name, text in (msg.headers or {}).items():
        lowered = name.lower()
        if lowered == "type":
            message_type = text or None
        elif lowered == "content-encoding":
            encoding = text
    if type_from_subject:
        message_type = msg.subject.rpartition(".")[2]
    place = ack_place(msg.reply)
    redelivered = place is not None and place.delivered != "1"
    return Delivery(msg.data, message_type, msg, sender, encoding, redelivered)


def describe(msg: Msg) -> Origin:
    """Return subject, and stream, consumer, stream sequence and delivery count if there are any."""
    coordinates = {"subject": msg.subject}
    place = ack_place(msg.reply)
    if place is not None:
        coordinates |= place._asdict()
        if place.domain == NO_DOMAIN:
            del coordinates["domain"]
    return Origin(coordinates, {str(name): text for name, text in (msg.headers or {}).items()})


def token_of(delivery: Delivery) -> Msg:
    """Return the message that a delivery was made of."""
    msg: Msg = delivery.token  # type: ignore[assignment]  # `to_delivery` put it there
    return msg


class Buffer:
    """What has arrived and was not taken, in order.

    Attributes:
        held: the deliveries, oldest first.
        held_bytes: their bodies and headers.
        news: set when something was put, or to wake whoever waits.
    """

    def __init__(self) -> None:
        self.held: deque[Delivery] = deque()
        self.held_bytes = 0
        self.news = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        """Add the newest."""
        self.held.append(delivery)
        self.held_bytes += size_bytes(token_of(delivery))
        self.news.set()

    def take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        """Remove and return the oldest deliveries. See `consumer.listeners.take`."""
        taken = take(self.held, max_count, max_bytes)
        for delivery in taken:
            self.held_bytes -= size_bytes(token_of(delivery))
        return taken


def size_bytes(msg: Msg) -> int:
    """Return what a message holds: a sender may put more into its headers than into its body."""
    headers = msg.headers
    if not headers:
        return len(msg.data)
    return len(msg.data) + sum(map(len, headers)) + sum(map(len, headers.values()))
