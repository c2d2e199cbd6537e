"""Turns a NATS message into a delivery, and holds deliveries until `receive` takes them.

`consumer/nats/pull.py` asks the server for messages. `listener.py` in this folder settles them.
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

SHORT_TOKENS_COUNT: Final = 9
"""The number of tokens in the subject of an acknowledgement: `$JS.ACK.<stream>.<consumer>.
<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`. Newer servers put a domain and
the hash of an account behind `ACK`:
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md"""
NO_DOMAIN: Final = "_"
OBJECTS_BYTES: Final = 300
"""The memory that the objects of one message take, without the sender's bytes. It was measured with
tracemalloc: 291 bytes for a message without headers."""
HEADER_OBJECTS_BYTES: Final = 100
"""The same for each header. It was measured with 60,000 headers of 5 characters: 85 bytes each."""


class AckSubject(NamedTuple):
    """The parts of the subject to which a message is acknowledged. Every part is text.

    Attributes:
        stream: The name of the stream.
        consumer: The name of the consumer.
        delivered: The number of deliveries of the message: `1` for the first delivery.
        sequence: The number of the message in the stream.
        domain: The JetStream domain. `_` means that there is none.
    """

    stream: str
    consumer: str
    delivered: str
    sequence: str
    domain: str = NO_DOMAIN


def read_ack_subject(reply: str) -> AckSubject | None:
    """Read the reply subject of a message. Return None if it did not come from JetStream."""
    tokens = reply.split(".")
    is_short = len(tokens) == SHORT_TOKENS_COUNT
    first = 2 if is_short else 4
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) < first + 4:
        return None
    found = AckSubject(*tokens[first : first + 4])
    return found if is_short else found._replace(domain=tokens[2])


def stored_place(reply: str) -> str:
    """Name the place of a message in its stream: stream, sequence and time of storing.

    The place is the same for every delivery of the message. If a stream is deleted and created
    again, its sequence starts at 1 again; therefore the place also contains the time of storing.
    Returns an empty text if the message did not come from JetStream.
    """
    found = read_ack_subject(reply)
    if found is None:
        return ""
    *_, stored_ns, _pending = reply.split(".")[: SHORT_TOKENS_COUNT + 2]
    return f"{found.stream} {found.sequence} {stored_ns}"


def to_delivery(msg: Msg, sender: Sender, *, type_from_subject: bool) -> Delivery:
    """Make a delivery. Its body is not decompressed, even if a header names an encoding."""
    message_type = encoding = None
    for name, text in (msg.headers or {}).items():
        lowered = name.lower()
        if lowered == "type":
            message_type = text or None
        elif lowered == "content-encoding":
            encoding = text
    if type_from_subject:
        message_type = msg.subject.rpartition(".")[2]
    ack = read_ack_subject(msg.reply)
    redelivered = ack is not None and ack.delivered != "1"
    return Delivery(msg.data, message_type, msg, sender, encoding, redelivered)


def describe(msg: Msg) -> Origin:
    """Describe where a message came from: its subject, and its place in a stream if it has one."""
    coordinates = {"subject": msg.subject}
    ack = read_ack_subject(msg.reply)
    if ack is not None:
        coordinates |= ack._asdict()
        if ack.domain == NO_DOMAIN:
            del coordinates["domain"]
    return Origin(coordinates, {str(name): text for name, text in (msg.headers or {}).items()})


def token_of(delivery: Delivery) -> Msg:
    """Return the message that a delivery was made of."""
    msg: Msg = delivery.token  # type: ignore[assignment]  # `to_delivery` stores the message in `token`
    return msg


FREE_BYTES: Final = 1024
"""What a message takes besides its body does not count towards a batch up to this size."""


class Buffer:
    """The deliveries that have arrived and were not taken yet, in order.

    Attributes:
        held: The deliveries, the oldest first.
        held_bytes: The memory that they take, in bytes, as `memory_bytes` estimates it.
        news: An event that wakes `receive`. `put` sets it. The listener sets it too, for example
            after a failure. So `receive` checks again whether there is a delivery.
    """

    def __init__(self) -> None:
        self.held: deque[Delivery] = deque()
        self.held_bytes = 0
        self._sizes_bytes: deque[int] = deque()
        self.news = asyncio.Event()

    def put(self, delivery: Delivery, size_bytes: int) -> None:
        """Add a delivery of this size, in bytes, behind the others."""
        self.held.append(delivery)
        self._sizes_bytes.append(size_bytes)
        self.held_bytes += size_bytes
        self.news.set()

    def take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        """Remove and return the oldest deliveries. See `consumer.listeners.take`."""
        if self.held_bytes <= max_bytes:
            taken = take(self.held, max_count, max_bytes)
        else:
            # Large headers count too, because they may have more bytes than the bodies.
            sizes_bytes = iter(self._sizes_bytes)
            taken = take(
                self.held,
                max_count,
                max_bytes,
                lambda delivery: max(len(delivery.body), next(sizes_bytes) - FREE_BYTES),
            )
        for _ in taken:
            self.held_bytes -= self._sizes_bytes.popleft()
        return taken


def memory_bytes(msg: Msg) -> int:
    """Estimate the memory that a message takes, in bytes.

    Anyone may send millions of messages without a body, or with headers that are larger than the
    body. So everything counts.
    """
    size_bytes = OBJECTS_BYTES + len(msg.data) + len(msg.subject) + len(msg.reply)
    headers = msg.headers
    if not headers:
        return size_bytes
    size_bytes += HEADER_OBJECTS_BYTES * len(headers)
    return size_bytes + sum(map(len, headers)) + sum(map(len, headers.values()))
