"""Makes the keys, fingerprints and ids by which store, sink and people recognise an event.

Keys and fingerprints are BLAKE2b hashes (https://www.rfc-editor.org/rfc/rfc7693). If two events had
the same key by chance, one of them would be lost. With keys of 128 bits and ten billion identities,
the probability of that is below 1e-18. A fingerprint has 64 bits, because it only has to differ
between two versions of one event.
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
"""How long an identity is remembered, in seconds, if the configuration does not say otherwise."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of an event.

    Attributes:
        key: A hash of brand, message type and identity, as 32 hexadecimal digits.
        fingerprint: A hash of the deciding fields, as 16 hexadecimal digits.
        window_s: How long the event is remembered, in seconds. A store may round this to whole
            seconds.
    """

    key: str
    fingerprint: str
    window_s: float = WINDOW_S


def key(brand: str, message_type: str, identity: tuple[str, ...]) -> str:
    """Return the hash of brand, type and identity.

    NUL separates the values. It cannot occur in an id, so no two identities give the same text.
    """
    text = "\0".join((brand, message_type, *identity))
    return blake2b(text.encode(), digest_size=KEY_BYTES).hexdigest()


def write_id(values: tuple[str, ...], suffixes: tuple[str, ...] = ()) -> str:
    """Write an identity as the CloudEvents id, so that no two identities of a type look alike.

    Colons join the values. In every value but the last, a colon is written as `%3A`, and a percent
    sign as `%25`. If a single value ends with one of the suffixes, the colon of this ending is
    written as `%3A`, because another identity of the type is written with the suffix.

    Args:
        values: The values that identify the event, at least one.
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

    There may be several identities: the last value may hold colons of its own, so the text does not
    tell where that value begins. Only one of them can be an identity of the type that is meant.
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
    """Return the message id of one of an event's further outputs, by its subject without prefix."""
    return blake2b(f"{identity_key}\0{target}".encode(), digest_size=KEY_BYTES).hexdigest()


def fingerprint(values: Sequence[str]) -> str:
    """Return the hash of the deciding fields, which are given in their canonical form."""
    return blake2b("\0".join(values).encode(), digest_size=FINGERPRINT_BYTES).hexdigest()


def dead_letter_id(body: bytes, *meant: str) -> str:
    """Return the hash of a broken delivery, so that ten resends of it become one letter.

    Args:
        body: The bytes as they arrived.
        meant: All other texts that decide what the delivery means.
    """
    head = "".join(f"{len(text)}:{text}" for text in meant).encode(errors="backslashreplace")
    found = blake2b(head, digest_size=KEY_BYTES)
    found.update(body)  # not added to the head, because that would copy a large body
    return found.hexdigest()
