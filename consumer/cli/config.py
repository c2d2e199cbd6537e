"""`consumer config`: what is in force, and what could be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from consumer.cli.main import config_option, load_config

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of configuration files.")
def config(config_file: Path | None, *, schema: bool) -> None:
    """Print the effective configuration as TOML: file, environment and defaults, secrets hidden.

    The schema knows the kinds of listener that are installed here; editors check and complete
    with it.

    \b
    Examples:
      consumer config
      CONSUMER__LOG__LEVEL=debug consumer config --config brand-a.toml
      consumer config --schema > consumer.schema.json
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.config.render import json_schema, to_toml  # noqa: PLC0415  # `--help` is quick

    if schema:
        from consumer.listeners.registry import kinds  # noqa: PLC0415  # as above

        click.echo(msgspec.json.format(msgspec.json.encode(json_schema(kinds()))))
        return
    click.echo(to_toml(load_config(config_file)), nl=False)
