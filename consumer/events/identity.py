"""Keys and fingerprints: what the store and the sink recognise an event by.

Both are BLAKE2b hashes (https://www.rfc-editor.org/rfc/rfc7693). 128 bits of key make a chance
collision, which would be a lost event, rarer than 1e-18 at ten billion identities; 64 bits of
fingerprint only have to differ between two versions of one event.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

KEY_BYTES = 16
FINGERPRINT_BYTES = 8
ROLLBACK = ":rollback"
WINDOW_S: Final = 86_400.0
"""How long an identity is remembered where nobody says otherwise."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of an event.

    Attributes:
        key: 32 hexadecimal digits, a hash of brand, message type and identity.
        fingerprint: 16 hexadecimal digits, a hash of the deciding fields.
        window_s: how long it is remembered, in seconds; a store may count whole ones.
    """

    key: str
    fingerprint: str
    window_s: float = WINDOW_S


def key(brand: str, message_type: str, identity: tuple[str, ...]) -> str:
    """Hash brand, type and identity. NUL cannot occur in an id, so no two tuples look alike."""
    text = "\0".join((brand, message_type, *identity))
    return blake2b(text.encode(), digest_size=KEY_BYTES).hexdigest()


def text(parts: tuple[str, ...]) -> str:
    """Join an identity to the CloudEvents id, so that no two of one type look alike.

    A colon inside any part but the last is written `%3A`, a percent sign `%25`; and so is the colon
    of an id that ends as a rollback's does without being one.
    """
    *before, last = parts
    if not before and last.endswith(ROLLBACK):
        return f"{last.removesuffix(ROLLBACK)}%3A{ROLLBACK[1:]}"
    escaped = (part.replace("%", "%25").replace(":", "%3A") for part in before)
    return ":".join((*escaped, last))


def output_id(identity_key: str, target: str) -> str:
    """Hash an event's key and the subject of one of its further outputs, without prefix."""
    return blake2b(f"{identity_key}\0{target}".encode(), digest_size=KEY_BYTES).hexdigest()


def parts_of(text: str) -> list[tuple[str, ...]]:
    """Return every identity that has this text as its CloudEvents id; of one type, one is meant.

    The last part may hold colons of its own, so where it begins cannot be told.
    """
    pieces = text.split(":")
    plain = [piece.replace("%3A", ":").replace("%25", "%") for piece in pieces]
    found = [(*plain[:count], ":".join(pieces[count:])) for count in range(len(pieces))]
    like_a_rollback = f"%3A{ROLLBACK[1:]}"
    if text.endswith(like_a_rollback):
        found.append((text.removesuffix(like_a_rollback) + ROLLBACK,))
    return found


def fingerprint(values: tuple[str, ...]) -> str:
    """Hash the deciding fields in their canonical form."""
    return blake2b("\0".join(values).encode(), digest_size=FINGERPRINT_BYTES).hexdigest()


def dead_letter_id(brand: str, message_type: str, body: bytes) -> str:
    """Hash a broken delivery, so that one resent ten times is one letter."""
    head = f"{brand}\0{message_type}\0".encode()
    return blake2b(head + body, digest_size=KEY_BYTES).hexdigest()
