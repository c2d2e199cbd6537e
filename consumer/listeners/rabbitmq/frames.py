"""Cuts the deliveries straight out of the bytes that RabbitMQ sends.

Responsible for the frames of the consuming channel: the method, the header and the body of each
`basic.deliver`. Every other frame is handed on to aiormq, on which aio-pika is built. The two
libraries see a connection without deliveries, and do everything else: handshake, heartbeats,
queues, errors and closing. Not responsible for I/O.

The reason is speed: aiormq makes objects, futures and a task for each message, which takes 150 to
190 us of CPU time. The frames are defined in section 4.2 of
https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from consumer.deliveries.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.deliveries.origin import Sender

CONSUMING_CHANNEL = 1
"""The number of the only channel on which anything is delivered."""
FREE_HEADER_BYTES = 512
"""A content header of at most this size does not count as held. Most have 30 to 200 bytes."""
PROPERTIES_AT = 12
"""The position of the flags of the properties in the payload of a content header, in bytes."""

_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_FRAME_TYPES = frozenset((_METHOD, _HEADER, _BODY, _HEARTBEAT))
_FRAME_END = 0xCE
_HEAD_BYTES = 7
_HEAD_AND_END_BYTES = 8
_IMPOSSIBLE_FRAME = b"\x01\x00\x00\x00\x00\x00\x00\xce"
"""A method frame without a method. aiormq closes the connection when it reads this frame."""
_DELIVER = b"\x00\x3c\x00\x3c"  # class 60, basic; method 60, deliver
_CONSUMER_TAG_AT = 4  # in the payload of `basic.deliver`
_BODY_SIZE_AT = 4  # in a content header's payload
_LEAST_HEADER_BYTES = 14

_frame_head = struct.Struct(">BHI").unpack_from  # type of the frame, channel, payload bytes
_tag_and_redelivered = struct.Struct(">QB").unpack_from
_body_size = struct.Struct(">Q").unpack_from
_short = struct.Struct(">H").unpack_from
_long = struct.Struct(">I").unpack_from

# The flags of the properties, in the order in which the properties follow each other.
_CONTENT_TYPE, _CONTENT_ENCODING, HAS_TABLE = 1 << 15, 1 << 14, 1 << 13
_DELIVERY_MODE_SHIFT, _PRIORITY_SHIFT = 12, 11
_TEXTS = (1 << 10, 1 << 9, 1 << 8, 1 << 7)  # correlation id, reply to, expiration, message id
_TIMESTAMP_SHIFT = 6
_TYPE = 1 << 5
_MORE_FLAGS = 1


class KeptFrames(msgspec.Struct, eq=False, gc=False):
    """The parts of a delivery's frames with which the delivery is settled and, rarely, described.

    Attributes:
        tag: The delivery tag. The tags of a channel count from 1, without gaps.
        method: The payload of the method frame, with the exchange and the routing key.
        header: The payload of the content header, with the properties and the sender's headers.
    """

    tag: int
    method: bytes
    header: bytes


def token_of(delivery: Delivery) -> KeptFrames:
    """Return the kept frames, which this listener has put into a delivery."""
    token = delivery.token
    if not isinstance(token, KeptFrames):
        raise TypeError(token)  # a bug of ours: another listener made this delivery
    return token


def counted_bytes(delivery: Delivery) -> int:
    """Return the size of a delivery: its body and its content header, if that is large."""
    header_bytes = len(token_of(delivery).header)
    return len(delivery.body) + (header_bytes if header_bytes > FREE_HEADER_BYTES else 0)


def read_properties(header: bytes) -> tuple[str | None, str | None]:
    """Return the type and the content encoding from the payload of a content header.

    Each of the two is None if the header does not have it. Both are None if the header ends too
    early. The other properties are skipped and not read, so that a sender's table of headers takes
    no time and does no harm here.
    """
    try:
        return _type_and_encoding(header)
    except (IndexError, struct.error):
        return None, None


def read_message_id(header: bytes) -> str:
    """Return the message id from the payload of a content header, or "" if it has no id."""
    try:
        return _message_id(header)
    except (IndexError, struct.error):
        return ""


def find_table(header: bytes) -> tuple[int, int]:
    """Find the sender's table of headers in the payload of a content header.

    Returns:
        The flags of the properties, and the position of the table, or if there is none, of what
        would follow it.

    Raises:
        IndexError, struct.error: The header ends too early.
    """
    flags, at = _first_property(header)
    for text in (_CONTENT_TYPE, _CONTENT_ENCODING):
        if flags & text:
            at += 1 + header[at]
    return flags, at


def _first_property(header: bytes) -> tuple[int, int]:
    """Return the flags of the properties, and the position of the first property."""
    flags = more = _short(header, PROPERTIES_AT)[0]
    at = PROPERTIES_AT + 2
    while more & _MORE_FLAGS:
        more = _short(header, at)[0]
        at += 2
    return flags, at


def _message_id(header: bytes) -> str:
    flags, at = find_table(header)
    if flags & HAS_TABLE:
        at += 4 + _long(header, at)[0]
    at += (flags >> _DELIVERY_MODE_SHIFT & 1) + (flags >> _PRIORITY_SHIFT & 1)
    *before, message_id = _TEXTS
    for text in before:
        if flags & text:
            at += 1 + header[at]
    return _text(header, at) if flags & message_id else ""


def _type_and_encoding(header: bytes) -> tuple[str | None, str | None]:
    flags, at = _first_property(header)
    encoding = None
    if flags & _CONTENT_TYPE:
        at += 1 + header[at]
    if flags & _CONTENT_ENCODING:
        encoding = _text(header, at)
        at += 1 + header[at]
    if not flags & _TYPE:
        return None, encoding
    if flags & HAS_TABLE:
        at += 4 + _long(header, at)[0]
    at += (flags >> _DELIVERY_MODE_SHIFT & 1) + (flags >> _PRIORITY_SHIFT & 1)
    for text in _TEXTS:
        if flags & text:
            at += 1 + header[at]
    at += 8 * (flags >> _TIMESTAMP_SHIFT & 1)
    return _text(header, at), encoding


def _text(data: bytes, at: int) -> str:
    """Return the short string at this position. Bytes that are not UTF-8 are shown escaped."""
    start = at + 1
    end = start + data[at]
    if end > len(data):
        raise IndexError
    return str(data[start:end], "utf-8", "backslashreplace")


class FrameCutter:
    """Takes the bytes in pieces of any length. Keeps the deliveries, and hands on all other frames.

    Attributes:
        deliveries: The deliveries that have arrived whole, the oldest first. Code that takes a
            delivery out also subtracts its `counted_bytes` from `held_bytes`.
        held_bytes: The size of all deliveries in `deliveries`, in bytes, as `counted_bytes` says.
        large_headers: True if one of them may have a content header that counts.
        broken: True after the peer sent bytes that are not frames, or frames in an impossible
            order. aiormq then got a frame that makes it close the connection, and all further bytes
            are ignored.
    """

    def __init__(self, hand_on: Callable[[bytes], None], sender: Sender) -> None:
        """Start between two frames.

        Args:
            hand_on: A function that is called with each frame that belongs to no delivery.
            sender: The sender of everything that is delivered.
        """
        self._sender = sender
        self.deliveries: deque[Delivery] = deque()
        self.held_bytes = 0
        self.large_headers = False
        self.broken = False
        self._hand_on = hand_on
        self._rest = bytearray()  # the beginning of a frame whose end has not arrived
        self._rest_needs_bytes = 0  # the length that `_rest` must have before it can be cut
        # The delivery whose frames are arriving now.
        self._method: bytes | None = None
        self._header: bytes | None = None
        self._parts: list[bytes] = []
        self._missing_bytes = 0
        self._last_properties = b""
        self._last_read: tuple[str | None, str | None] = (None, None)

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.broken:
            return
        if self._rest:
            self._rest += data
            if len(self._rest) < self._rest_needs_bytes:
                return  # a large frame is copied once, when it is whole, and not for each piece
            data = bytes(self._rest)
            self._rest.clear()
        try:
            used_bytes = self._cut(data)
        except (ValueError, IndexError, struct.error):
            self.broken = True
            self._hand_on(_IMPOSSIBLE_FRAME)
            return
        if used_bytes < len(data):
            self._rest += data[used_bytes:]

    def _cut(self, data: bytes) -> int:
        """Deal with every whole frame, and return how many bytes these frames have."""
        at, size_bytes = 0, len(data)
        self._rest_needs_bytes = _HEAD_AND_END_BYTES
        while size_bytes - at >= _HEAD_AND_END_BYTES:
            frame_type, channel, payload_bytes = _frame_head(data, at)
            start = at + _HEAD_BYTES
            end = start + payload_bytes
            if frame_type not in _FRAME_TYPES:
                raise ValueError(frame_type)
            if end >= size_bytes:
                self._rest_needs_bytes = payload_bytes + _HEAD_AND_END_BYTES
                break
            if data[end] != _FRAME_END:
                raise ValueError(data[end])
            if channel != CONSUMING_CHANNEL or not self._take(frame_type, data[start:end]):
                self._hand_on(data[at : end + 1])
            at = end + 1
        return at

    def _take(self, frame_type: int, payload: bytes) -> bool:
        """Use a frame of the consuming channel. Return False if it belongs to no delivery."""
        if frame_type == _METHOD:
            # Any method ends the content before it, whole or not (section 4.2.6).
            self._header = None
            self._method = payload if payload.startswith(_DELIVER) else None
            return self._method is not None
        if self._method is None:
            return False
        if frame_type == _HEADER:
            self._begin(payload)
        elif self._header is None or len(payload) > self._missing_bytes:
            raise ValueError(frame_type)
        elif len(payload) == self._missing_bytes and not self._parts:
            self._keep(payload)
        else:
            self._parts.append(payload)
            self._missing_bytes -= len(payload)
            if not self._missing_bytes:
                self._keep(b"".join(self._parts))
        return True

    def _begin(self, header: bytes) -> None:
        if len(header) < _LEAST_HEADER_BYTES:
            raise ValueError(header)
        self._header = header
        self._parts = []
        self._missing_bytes = _body_size(header, _BODY_SIZE_AT)[0]
        if not self._missing_bytes:
            self._keep(b"")

    def _keep(self, body: bytes) -> None:
        method, header = self._method, self._header
        if method is None or header is None:
            raise ValueError(body)
        properties = header[PROPERTIES_AT:]
        # Deliveries in a row often have the same properties, which are then read only once.
        if properties != self._last_properties:
            self._last_read = read_properties(header)
            self._last_properties = properties
        message_type, encoding = self._last_read
        tag, redelivered = _tag_and_redelivered(
            method, _CONSUMER_TAG_AT + 1 + method[_CONSUMER_TAG_AT]
        )
        self.deliveries.append(
            Delivery(
                body,
                message_type,
                KeptFrames(tag, method, header),
                self._sender,
                encoding,
                redelivered == 1,
            )
        )
        self.held_bytes += len(body)
        if len(header) > FREE_HEADER_BYTES:
            self.held_bytes += len(header)
            self.large_headers = True
        self._method = self._header = None
        self._parts = []
