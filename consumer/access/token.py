"""Makes and reads the text of a key: `ck_live_<id>_<secret>`.

The id has 12 characters of base62, and the secret 32. Behind them are 6 characters of a CRC-32 over
all before it, so that a typing error, or a scanner for leaked keys, needs no look-up.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from zlib import crc32

import msgspec

from consumer.deliveries.origin import Environment

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_CHARACTERS: Final = 12
SECRET_CHARACTERS: Final = 32
"""190 random bits: nobody can guess them, so a fast hash of them is safe."""
CHECK_CHARACTERS: Final = 6
MARK_DIGITS: Final = 16

_PAIRS: Final = tuple(one + other for one in ALPHABET for other in ALPHABET)
"""All pairs of digits. To write two digits at once takes half the time."""
_ENVIRONMENTS: Final = {environment.value: environment for environment in Environment}

_fits: Final = re.compile(
    rf"ck_(live|test)_([0-9A-Za-z]{{{ID_CHARACTERS}}})_([0-9A-Za-z]{{{SECRET_CHARACTERS}}})"
    rf"([0-9A-Za-z]{{{CHECK_CHARACTERS}}})"
).fullmatch


class KeyText(msgspec.Struct, frozen=True, gc=False):
    """The parts of a key's text.

    Attributes:
        environment: The environment that the text names.
        id: The public part.
        secret: The secret part, without its check.
    """

    environment: Environment
    id: str
    secret: str


def new_id() -> str:
    """Return the id of a new key."""
    return _random(ID_CHARACTERS)


def new_secret() -> str:
    """Return a new secret."""
    return _random(SECRET_CHARACTERS)


def _random(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def write(parts: KeyText) -> str:
    """Return the text of a key. It is shown once, and stored nowhere."""
    text = f"ck_{parts.environment}_{parts.id}_{parts.secret}"
    return text + _check(text)


def read(text: str) -> KeyText | None:
    """Return the parts of a key's text; None if it is no key, or its check is wrong."""
    found = _fits(text)
    if found is None or _check(text[:-CHECK_CHARACTERS]) != found[4]:
        return None
    return KeyText(_ENVIRONMENTS[found[1]], found[2], found[3])


def mark_of(text: str) -> str:
    """Return what tells the secret in a key's text from the other secrets of the key.

    It is the beginning of the secret's hash. It is empty if the text is not a key.
    """
    sent = read(text)
    return "" if sent is None else hash_of(sent.secret)[:MARK_DIGITS]


def hash_of(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256, in hexadecimal digits."""
    return sha256(secret.encode()).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare two hashes in a time that does not tell how much of them is equal."""
    return compare_digest(one, other)


def _check(text: str) -> str:
    number, last = divmod(crc32(text.encode()), len(_PAIRS))
    first, middle = divmod(number, len(_PAIRS))
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]
