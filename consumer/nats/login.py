"""Checks what a connection to NATS logs in with: the seed of an NKey, or a `.creds` file.

The same checks run when the configuration is read and at each connection, because a `.creds` file
may be replaced at any time. nats-py reads such a file without checks: if the line before the JWT is
missing, nats-py looks for it for ever, without giving way to any other task.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Final

from nats.aio.client import RawCredentials

from consumer.errors import ConfigError

SEED_BYTES: Final = 36
"""Two bytes that say what the seed is for, 32 bytes of the seed, and two bytes of CRC-16:
https://github.com/nats-io/nkeys"""
USER_SEED: Final = "an NKey user's seed: 58 characters that begin with SU"
JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
BLOCK: Final = "-----BEGIN {name}-----\n{held}\n------END {name}------\n"
JWT_BLOCK: Final = "NATS USER JWT"
SEED_BLOCK: Final = "USER NKEY SEED"


def check_seed(seed: str) -> None:
    """Check the option `nkey_seed`.

    Raises:
        ConfigError: It is not the seed of a user. The text does not show it.
    """
    if not _is_user_seed(seed.strip()):
        raise ConfigError(f"nkey_seed: holds a value that is not shown, expected {USER_SEED}")


def read_credentials(file: str) -> RawCredentials:
    """Read the `.creds` file of the option `credentials_file`, and return its two blocks.

    Raises:
        ConfigError: The file cannot be read, or holds no JWT and seed of a user. The caller may
            try again later, because the file may be half written.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:  # ValueError: not text, or not the name of a file
        raise ConfigError(f"credentials_file: {file!r} cannot be read: {error}") from error
    jwt, seed = _after(JWT_BLOCK, lines), _after(SEED_BLOCK, lines)
    if not JWT.fullmatch(jwt):
        raise ConfigError(f"credentials_file: {file!r} has no JWT after BEGIN {JWT_BLOCK}")
    if not _is_user_seed(seed):
        expected = f"expected {USER_SEED}"
        raise ConfigError(
            f"credentials_file: {file!r} has no usable seed after BEGIN {SEED_BLOCK}, {expected}"
        )
    blocks = ((JWT_BLOCK, jwt), (SEED_BLOCK, seed))
    return RawCredentials("".join(BLOCK.format(name=name, held=held) for name, held in blocks))


def _after(block: str, lines: list[str]) -> str:
    """Return the line after the line that begins a block; empty if there is none."""
    begins = (number for number, line in enumerate(lines) if f"BEGIN {block}" in line)
    number = next(begins, len(lines))
    return lines[number + 1].strip() if number + 1 < len(lines) else ""


def _is_user_seed(seed: str) -> bool:
    """Tell whether a text is the whole seed of a user. The nkeys library ignores the CRC."""
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except ValueError:
        return False
    crc = binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little")
    return seed.startswith("SU") and len(raw) == SEED_BYTES and raw[-2:] == crc
