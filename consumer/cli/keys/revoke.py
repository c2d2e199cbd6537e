"""Revokes keys: `consumer keys revoke`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.access.edit import KeyChangeRefused
from consumer.cli.input.configuration import load_config
from consumer.cli.keys.opened import opened

if TYPE_CHECKING:
    from consumer.cli.keys.options import KeysRevokeOptions


async def revoke(options: KeysRevokeOptions) -> int:
    """Revoke keys. A key that cannot be revoked does not stop the others; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    failed = False
    async with opened(config) as keys:
        for key_id in options.key_ids:
            try:
                await keys.revoke(key_id)
            except KeyChangeRefused as error:
                click.echo(f"consumer: {error}", err=True)
                failed = True
            else:
                click.echo(f"revoked {key_id}")
    return int(failed)
