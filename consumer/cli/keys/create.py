"""Makes and rotates keys, and prints them: `consumer keys create` and `consumer keys rotate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from consumer.access.edit import KeyUse
from consumer.access.fields import check_fields
from consumer.access.key import Key
from consumer.cli.input.configuration import load_config
from consumer.cli.keys.opened import opened
from consumer.cli.keys.view import key_json, key_words
from consumer.clock import SYSTEM_CLOCK
from consumer.errors import ConfigError

if TYPE_CHECKING:
    from consumer.cli.keys.options import KeysCreateOptions, KeysRotateOptions


async def create(options: KeysCreateOptions) -> None:
    """Make a key and print it.

    Raises:
        ConfigError: The configuration or an option is wrong.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    brand = options.brand or config.brand
    if brand is None:
        raise ConfigError("brand: is missing, expected --brand NAME, or a brand in the file")
    asked = Key(
        id="",
        brand=brand,
        environment=options.environment,
        name=options.name,
        person=options.person,
        scopes=options.scopes,
        subjects=options.subjects,
        expires_s=options.expires_s,
        addresses=options.addresses,
        requests_per_s=options.requests_per_s,
        events_per_s=options.events_per_s,
    )
    check_fields(asked, SYSTEM_CLOCK.now_s())
    async with opened(config) as keys:
        key, text = await keys.create(asked)
    _print(key, text, options.form)


async def rotate(options: KeysRotateOptions) -> None:
    """Give a key a new secret, and print the key.

    Raises:
        ConfigError: The configuration is wrong.
        KeyChangeRefused: There is no such key, or it cannot be rotated.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    async with opened(config) as keys:
        key, text = await keys.rotate(options.key_id, options.overlap_s)
    _print(key, text, options.form)


def _print(key: Key, text: str, form: Literal["text", "json"]) -> None:
    """Print a key whose text is shown now and never again."""
    if form == "json":
        click.echo(key_json(KeyUse(key, ""), text))
        return
    click.echo(f"consumer: {key_words(key)}; the key is shown only now", err=True)
    click.echo(text)
