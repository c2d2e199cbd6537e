"""Writes and reads keys as the bucket holds them: JSON, by the key's id.

If this version does not understand a record completely, the key of this record is refused, and no
other key. This is so even if the record only has a field of a newer version. The field may limit
the key, and without the limit the key would allow too much. Such a record is not changed either,
because the change would lose the field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.access.key import Key

if TYPE_CHECKING:
    from nats.aio.msg import Msg

KEY_PREFIX: Final = "key."
"""The beginning of the names of keys in the bucket."""
USED_PREFIX: Final = "used."
"""The beginning of the names of the records with the days of last use. A day is not in the record
of its key, so that writing the day can never undo a revocation."""
TICKETS: Final = "secret.tickets"
"""The name of the record with the secret that signs tickets: see `ticket.py`."""


class _Named(msgspec.Struct):
    id: str


_decode: Final = msgspec.json.Decoder(Key).decode
_encode: Final = msgspec.json.Encoder().encode


def encode(key: Key) -> bytes:
    """Write a key."""
    return _encode(key)


def decode(data: bytes, key_id: str) -> Key | None:
    """Read a key.

    Args:
        data: The record.
        key_id: The id in the name of the record.

    Returns:
        The key. None if the record is not understood completely, or states another id.
    """
    try:
        key = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return key if key.id == key_id else None


def id_of(data: bytes) -> str:
    """Return the id that a record states; empty if it states none."""
    try:
        return msgspec.json.decode(data, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


class BucketRecord(msgspec.Struct, frozen=True):
    """One record of the bucket, as its stream holds it.

    Attributes:
        name: The name, such as `key.AAAAAAAAAAAA`.
        data: The content. None if it is empty, which means that the earlier record was deleted.
        number: The sequence number in the stream. It is also the revision of the record.
    """

    name: str
    data: bytes | None
    number: int


def record_of(msg: Msg, bucket: str) -> BucketRecord:
    """Return a message of the bucket's stream as a record."""
    return BucketRecord(
        name=msg.subject.removeprefix(f"$KV.{bucket}."),
        data=msg.data or None,
        number=msg.metadata.sequence.stream,
    )


def stream_of(bucket: str) -> str:
    """Return the name of the stream behind a bucket."""
    return f"KV_{bucket}"
