"""Writes and reads keys as the bucket holds them: JSON, by the key's id.

A newer version of this program may write fields that this version does not know. They are ignored,
because a limit of an older version must not lock everybody out. What cannot be read at all refuses
its key only.
"""

from __future__ import annotations

from typing import Final

import msgspec

from consumer.access.key import Key

KEY_PREFIX: Final = "key."
"""The beginning of the names of keys in the bucket."""
USED_PREFIX: Final = "used."
"""The beginning of the names of the days of last use. They are apart from the keys, so that writing
them can never undo a revocation."""

_decode: Final = msgspec.json.Decoder(Key).decode
_encode: Final = msgspec.json.Encoder().encode


def encode(key: Key) -> bytes:
    """Write a key."""
    return _encode(key)


def decode(data: bytes, key_id: str) -> Key | None:
    """Read a key; None if it cannot be read, or is another key's record."""
    try:
        key = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return key if key.id == key_id else None
