"""Adds, lists, rotates and revokes the keys of providers: `consumer wallet providers`."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

import click
import msgspec
from nacl.signing import SigningKey
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.access.token import new_id
from consumer.cli.wallet.opened import opened_ledger, wallet_settings
from consumer.clock import SYSTEM_CLOCK
from consumer.errors import ConfigError, ConsumerError
from consumer.events.timestamp import from_epoch_s
from consumer.ledger.base import KEYS_MAX_COUNT
from consumer.ledger.shown import ProviderKey
from consumer.wallet.settings import NATIVE
from consumer.wallet.signature import read_public_key

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.cli.wallet.options import (
        ProviderAddOptions,
        ProviderListOptions,
        ProviderRevokeOptions,
        ProviderRotateOptions,
    )
    from consumer.ledger.base import Ledger


async def add(options: ProviderAddOptions) -> int:
    """Add a key; returns the exit code.

    Raises:
        ConfigError: The configuration names no such provider or brand, or the file has no key.
        LedgerUnavailable: The database is away.
    """
    settings = wallet_settings(options)
    for table, name in (("providers", options.provider), ("brands", options.brand)):
        if name not in getattr(settings, table):
            raise ConfigError(f"wallet.{table}.{name}: is missing in the configuration")
    dialect = settings.providers[options.provider].dialect
    if dialect != NATIVE:
        raise ConfigError(
            f"wallet.providers.{options.provider}: dialect {dialect} has its key in the "
            "configuration, only the native dialect has keys here"
        )
    pair = _pair_in(options.public_key)
    async with opened_ledger(options, may_create=True) as ledger:
        await _add(ledger, options.brand, options.provider, pair)
    return 0


async def rotate(options: ProviderRotateOptions) -> int:
    """Add the next key, and let a key end after the overlap; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong, or the file has no key.
        ConsumerError: The key is unknown, or its end is set already.
        LedgerUnavailable: The database is away.
    """
    pair = _pair_in(options.public_key)
    async with opened_ledger(options) as ledger:
        found = [key for key in await ledger.provider_keys() if key.id == options.key_id]
        if not found or found[0].ends_s is not None:
            raise ConsumerError(f"{options.key_id}: this key is unknown, or its end is set already")
        await _add(ledger, found[0].brand, found[0].provider, pair)
        await ledger.end_provider_key(options.key_id, SYSTEM_CLOCK.now_s() + options.overlap_s)
    return 0


async def revoke(options: ProviderRevokeOptions) -> int:
    """End a key now; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        ConsumerError: The ledger does not know the key.
        LedgerUnavailable: The database is away.
    """
    async with opened_ledger(options) as ledger:
        if not await ledger.end_provider_key(options.key_id, SYSTEM_CLOCK.now_s()):
            raise ConsumerError(f"{options.key_id}: the ledger does not know this key")
    click.echo(f"revoked {options.key_id}")
    return 0


async def list_keys(options: ProviderListOptions) -> int:
    """Print all keys; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        LedgerUnavailable: The database is away.
    """
    async with opened_ledger(options) as ledger:
        keys = await ledger.provider_keys()
    form = options.form or ("table" if sys.stdout.isatty() else "json")
    if form == "json":
        for key in keys:
            click.echo(msgspec.json.encode(_fields(key)))
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "provider", "brand", "created", "ends", "public key"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for key in keys:
        table.add_row(*(Text(text or "never") for text in _fields(key).values()))
    Console().print(table)
    return 0


def _fields(key: ProviderKey) -> dict[str, str | None]:
    return {
        "id": key.id,
        "provider": key.provider,
        "brand": key.brand,
        "created": from_epoch_s(key.created_s),
        "ends": None if key.ends_s is None else from_epoch_s(key.ends_s),
        "public_key": base64.b64encode(key.public_key).decode(),
    }


class _Pair(msgspec.Struct, frozen=True):
    """A key that is to be added. The private half is known only if the pair was made here."""

    public_key: bytes
    private_key: bytes | None = None


def _pair_in(file: Path | None) -> _Pair:
    """Read a public key, or make a pair.

    Raises:
        ConfigError: The file has no key.
    """
    if file is None:
        made = SigningKey.generate()
        return _Pair(bytes(made.verify_key), bytes(made))
    try:
        return _Pair(read_public_key(file.read_text(encoding="ascii")))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: {error}") from error


async def _add(ledger: Ledger, brand: str, provider: str, pair: _Pair) -> None:
    """Add a key, and print its id, and the private half if the pair was made here.

    Raises:
        ConsumerError: The provider has enough keys.
    """
    key = ProviderKey(
        id=new_id(),
        brand=brand,
        provider=provider,
        public_key=pair.public_key,
        created_s=SYSTEM_CLOCK.now_s(),
    )
    if not await ledger.add_provider_key(key):
        raise ConsumerError(
            f"{provider} has {KEYS_MAX_COUNT} keys in force for {brand} already: revoke one first"
        )
    click.echo(key.id)
    if pair.private_key is not None:
        click.echo(base64.b64encode(pair.private_key).decode())
