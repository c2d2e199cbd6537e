"""Declares `consumer config`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.lazy import LazyCall


class ConfigOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `config` is asked for.

    Attributes:
        config_file: The configuration file. None means the usual ones.
        schema: The JSON Schema is wanted, not the configuration.
    """

    config_file: Path | None
    schema: bool


_print_config: Final = LazyCall("consumer.cli.config.show:print_config", ConfigOptions)


@click.command()
@config_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of configuration files.")
@takes(ConfigOptions)
def config(options: ConfigOptions) -> None:
    """Print the effective configuration as TOML: file, environment and defaults, secrets hidden.

    With --schema, print the JSON Schema of configuration files instead. It knows the kinds of
    listener that are installed here. Editors check and complete with it.

    Examples:
      consumer config
      CONSUMER__LOG__LEVEL=debug consumer config --config brand-a.toml
      consumer config --schema > consumer.schema.json
    """
    _print_config(options)
