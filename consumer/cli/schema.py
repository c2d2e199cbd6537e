"""`consumer schema`: the contract, for brands, for subscribers and for their tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from consumer.cli.main import load_config

if TYPE_CHECKING:
    from typing import Any

    from consumer.events.base import EventType


@click.command()
@click.argument("message_type", metavar="[TYPE]", required=False)
@click.option("--incoming", is_flag=True, help="What a brand may send, not what is put out.")
@click.option("--strict", is_flag=True, help='Of a listener with validation = "strict".')
@click.option("--asyncapi", is_flag=True, help="Print an AsyncAPI 3.0 document of all types.")
@click.option("--markdown", is_flag=True, help="Print docs/events.md.")
@click.option(
    "--config",
    "-c",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --asyncapi: put the subject prefix of this configuration in front.",
)
def schema(message_type: str | None, config_file: Path | None, **flags: bool) -> None:
    """Print the JSON Schema (2020-12) of one TYPE, or of all of them.

    The schema says what a subscriber gets: a CloudEvents object with the data in one form. With
    --incoming, it is what a brand may send. --asyncapi has both; with --config, its subjects have
    the prefix that is configured there.

    \b
    Examples:
      consumer schema CASINO > casino.schema.json
      consumer schema CASINO --incoming --strict
      consumer schema --asyncapi --config consumer.toml > asyncapi.json
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    asyncapi, markdown = flags["asyncapi"], flags["markdown"]
    _refuse(asyncapi and markdown, "--asyncapi and --markdown are two documents")
    whole = asyncapi or markdown
    _refuse(whole and (message_type or flags["incoming"]), "that document has all there is")
    _refuse(flags["strict"] and not flags["incoming"], "--strict goes with --incoming")
    _refuse(config_file and not asyncapi, "--config goes with --asyncapi")
    if markdown:
        from consumer.tools.schemas.markdown import page  # noqa: PLC0415  # `--help` is quick

        click.echo(page(), nl=False)
    elif asyncapi:
        from consumer.tools.schemas.asyncapi import document  # noqa: PLC0415  # as above

        prefix = load_config(config_file).sink.subject_prefix if config_file else ""
        _print(document(prefix))
    else:
        _print(_schema(message_type, incoming=flags["incoming"], strict=flags["strict"]))


def _schema(message_type: str | None, *, incoming: bool, strict: bool) -> dict[str, Any]:
    from consumer.tools.schemas import json_schema as schemas  # noqa: PLC0415  # `--help` is quick

    if message_type is None:
        return schemas.all_incoming(strict=strict) if incoming else schemas.all_outgoing()
    event_type = _find(message_type)
    if incoming:
        return schemas.incoming(event_type, strict=strict)
    return schemas.outgoing(event_type)


def _find(message_type: str) -> EventType:
    from consumer.events.registry import CATALOGUE, find  # noqa: PLC0415  # as above

    event_type = find(message_type)
    if event_type is None:
        known = ", ".join(one.name for one in CATALOGUE)
        raise click.UsageError(f"no message type is called {message_type!a}; there are {known}")
    return event_type


def _refuse(wrong: object, text: str) -> None:
    if wrong:
        raise click.UsageError(text)


def _print(document: dict[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document)))
