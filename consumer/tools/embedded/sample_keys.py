"""Makes an access key for each environment of an embedded daemon, and keeps them in its folder.

A key is made once. The next run in the same folder finds it in its file, and uses it again if the
bucket still knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access import token
from consumer.access.edit import KeyChangeRefused, Keys, opened_keys
from consumer.access.key import Key, Scope
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.tools.embedded.sample_config import BRAND, write_private

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config.load import Config

KEY_NAME: Final = "embedded"
SCOPES: Final = (
    Scope.INGEST,
    Scope.EVENTS_READ,
    Scope.DEAD_LETTERS_READ,
    Scope.DEAD_LETTERS_REPLAY,
)
"""What the keys allow: everything but to manage keys."""


async def kept_keys(config: Config, folder: Path) -> dict[Environment, Path]:
    """Return the file of the key of each environment that the daemon serves.

    Args:
        config: The configuration of the daemon. Without `[http]`, there are no keys.
        folder: The folder of the files, which only their owner may read.

    Raises:
        Unavailable: The server of the sink is away.
    """
    if config.http is None:
        return {}
    environments = [Environment.LIVE]
    if config.sandbox is not None:
        environments.append(Environment.TEST)
    files = {environment: folder / f"{environment}.key" for environment in environments}
    async with opened_keys(config.sink, config.keys) as keys:
        for environment, file in files.items():
            wanted = Key(
                id="",
                brand=config.brand or BRAND,
                environment=environment,
                name=KEY_NAME,
                scopes=SCOPES if config.wallet is None else (*SCOPES, Scope.WALLET_OPERATOR),
            )
            if not await _is_good(keys, _text_in(file), wanted):
                _, text = await keys.create(wanted)
                write_private(file, f"{text}\n")
    return files


def _text_in(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


async def _is_good(keys: Keys, text: str, wanted: Key) -> bool:
    """Tell whether a key's text still does what the wanted key would do."""
    parts = token.read(text)
    if parts is None:
        return False
    try:
        key = (await keys.one(parts.id)).key
    except KeyChangeRefused:  # the bucket is not the one of the last run
        return False
    now_s = SYSTEM_CLOCK.now_s()
    hashed = token.hash_of(parts.secret)
    return (
        (key.brand, key.environment) == (wanted.brand, wanted.environment)
        and set(wanted.scopes) <= set(key.scopes)
        and key.revoked_s is None
        and (key.expires_s is None or key.expires_s > now_s)
        and any(one.sha256 == hashed and (one.ends_s or now_s) >= now_s for one in key.secrets)
    )
