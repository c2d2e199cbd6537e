"""Declares `consumer config`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.lazy import LazyCall


class ConfigOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer config`.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists.
        schema: If true, print the JSON Schema instead of the configuration.
    """

    config_file: Path | None
    schema: bool


_print_config: Final = LazyCall("consumer.cli.config.show:print_config", ConfigOptions)


@click.command()
@config_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of configuration files.")
@takes(ConfigOptions)
def config(options: ConfigOptions) -> None:
    """Print the configuration in force as TOML, with its secrets hidden.

    This configuration combines the file, the environment and the defaults.

    With --schema, print the JSON Schema of configuration files instead. The schema includes every
    kind of listener that is installed here. Editors can use the schema to check and complete
    configuration files.

    Examples:
      consumer config
      CONSUMER__LOG__LEVEL=debug consumer config --config brand-a.toml
      consumer config --schema > consumer.schema.json
    """
    _print_config(options)
