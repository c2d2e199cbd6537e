"""Keys, fingerprints and ids: what the store, the sink and people recognise an event by.

Keys and fingerprints are BLAKE2b hashes (https://www.rfc-editor.org/rfc/rfc7693). A chance
collision of two keys would be a lost event; with 128 bits it is rarer than 1e-18 at ten billion
identities. A fingerprint has 64 bits, because it only has to differ between two versions of one
event.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES = 16
FINGERPRINT_BYTES = 8
WINDOW_S: Final = 86_400.0
"""How long an identity is remembered where the configuration does not say otherwise."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of an event.

    Attributes:
        key: A hash of brand, message type and identity, as 32 hexadecimal digits.
        fingerprint: A hash of the deciding fields, as 16 hexadecimal digits.
        window_s: How long the event is remembered, in seconds. A store may round to whole seconds.
    """

    key: str
    fingerprint: str
    window_s: float = WINDOW_S


def key(brand: str, message_type: str, identity: tuple[str, ...]) -> str:
    """Hash brand, type and identity. NUL cannot occur in an id, so no two tuples look alike."""
    text = "\0".join((brand, message_type, *identity))
    return blake2b(text.encode(), digest_size=KEY_BYTES).hexdigest()


def write_id(values: tuple[str, ...], suffixes: tuple[str, ...] = ()) -> str:
    """Write an identity as the CloudEvents id, so that no two identities of a type look alike.

    Colons join the values. A colon inside any value but the last is written `%3A`, and a percent
    sign `%25`. A single value that ends like a suffix gets `%3A` for that colon, because another
    identity of the type is written with the suffix.

    Args:
        values: What identifies the event, at least one value.
        suffixes: The type's `id_suffixes`.
    """
    *before, last = values
    if not before and last.endswith(suffixes):
        head, _, word = last.rpartition(":")
        return f"{head}%3A{word}"
    escaped = (value.replace("%", "%25").replace(":", "%3A") for value in before)
    return ":".join((*escaped, last))


def read_id(text: str, suffixes: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return every identity that `write_id` writes as this text.

    There may be several: the last value may hold colons of its own, so the text does not tell
    where that value begins. Only one of them is an identity of the type that is meant.
    """
    pieces = text.split(":")
    plain = [piece.replace("%3A", ":").replace("%25", "%") for piece in pieces]
    found = [(*plain[:count], ":".join(pieces[count:])) for count in range(len(pieces))]
    for suffix in suffixes:
        escaped = suffix.replace(":", "%3A")
        if text.endswith(escaped):
            found.append((text.removesuffix(escaped) + suffix,))
    return found


def output_id(identity_key: str, target: str) -> str:
    """Hash an event's key and the subject, without prefix, of one of its further outputs."""
    return blake2b(f"{identity_key}\0{target}".encode(), digest_size=KEY_BYTES).hexdigest()


def fingerprint(values: Sequence[str]) -> str:
    """Hash the deciding fields in their canonical form."""
    return blake2b("\0".join(values).encode(), digest_size=FINGERPRINT_BYTES).hexdigest()


def dead_letter_id(namespace: str, message_type: str, body: bytes) -> str:
    """Hash a broken delivery, so that a delivery that is resent ten times is one letter."""
    head = f"{namespace}\0{message_type}\0".encode()
    return blake2b(head + body, digest_size=KEY_BYTES).hexdigest()
