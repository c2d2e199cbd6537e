"""Makes and reads tickets: short-lived texts with which a browser may open a stream.

Browsers cannot send a key in a header with a WebSocket or an EventSource, and programs write
addresses into logs, so a key must not be in an address. A ticket is signed with a secret that all
processes share (`bucket.py` keeps it). A ticket allows reading only, never more than its key, and
it ends with its key. It may be used any number of times until it expires, because a browser that
lost its connection comes back with the same address.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

PREFIX: Final = "ct_"
TEXT_MAX_CHARACTERS: Final = 4096
SIGNATURE_BYTES: Final = 32


class StreamTicket(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a ticket says.

    Attributes:
        key_id: The id of its key.
        expires_s: The time from which it opens no stream any more, in seconds since 1970.
        subjects: The subjects that may be read, perhaps with wildcards. Empty: all of the key.
        mark: Tells which secret of the key has made the ticket: see `token.mark_of`.
        user: The player whose events may be read. None means all players.
    """

    key_id: str
    expires_s: float
    subjects: tuple[str, ...]
    mark: str = ""
    user: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(StreamTicket).decode


def write(ticket: StreamTicket, secret: bytes) -> str:
    """Return the text of a ticket."""
    said = _encode(ticket)
    return PREFIX + urlsafe_b64encode(_signature(said, secret) + said).decode().rstrip("=")


def read(text: str, secret: bytes) -> StreamTicket | None:
    """Return a ticket that was signed with this secret; None for any other text."""
    if not text.startswith(PREFIX) or len(text) > TEXT_MAX_CHARACTERS:
        return None
    body = text.removeprefix(PREFIX)
    try:
        signed = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        return None
    signature, said = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(said, secret)):
        return None
    try:
        return _decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _signature(said: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, b"ticket:" + said, sha256)
