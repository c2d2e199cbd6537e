"""Defines what a dialect needs of the options of a provider."""

from __future__ import annotations

from typing import Final

import msgspec

SECRET_MIN_CHARACTERS: Final = 8


class DialectOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect needs of the options of a provider.

    Attributes:
        secret: The secret, or the public key as PEM.
        agent_id: The id by which the provider knows the brand. Empty if it has none.
        id_characters: The number of characters of the provider's ids. None means any.
    """

    secret: str
    agent_id: str = ""
    id_characters: int | None = None


def shared_secret(options: DialectOptions) -> bytes:
    """Return the secret that the two sides share.

    Raises:
        ValueError: It can be guessed.
    """
    if len(options.secret) < SECRET_MIN_CHARACTERS:
        raise ValueError(f"expected at least {SECRET_MIN_CHARACTERS} characters")
    return options.secret.encode()
