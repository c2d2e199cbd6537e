"""Prints the configuration that is in force, or the JSON Schema of configuration files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from consumer.cli.input.configuration import load_config
from consumer.config.render import json_schema, to_toml
from consumer.listeners.registry import kinds

if TYPE_CHECKING:
    from consumer.cli.config.command import ConfigOptions


def print_config(options: ConfigOptions) -> None:
    """Print the configuration. If `schema` is true, print the JSON Schema instead.

    Raises:
        ConfigError: The configuration is wrong.
    """
    if options.schema:
        click.echo(msgspec.json.format(msgspec.json.encode(json_schema(kinds()))))
    else:
        click.echo(to_toml(load_config(options.config_file)), nl=False)
