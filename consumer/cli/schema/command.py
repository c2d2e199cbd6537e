"""Declares `consumer schema`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import takes
from consumer.cli.lazy import LazyCall


class SchemaOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer schema`.

    Attributes:
        message_type: The message type. None means all of them.
        incoming: If true, the schema describes what a brand may send. Otherwise it describes what
            a subscriber gets.
        strict: If true, the schema describes what a listener with `validation = "strict"`
            accepts. It needs `incoming`.
        asyncapi: If true, print an AsyncAPI document.
        openapi: If true, print the OpenAPI document of the public port.
        markdown: If true, print the page `docs/events.md`.
        config_file: The configuration file whose subject prefix the AsyncAPI document uses. None
            means no prefix.
    """

    message_type: str | None
    incoming: bool
    strict: bool
    asyncapi: bool
    openapi: bool
    markdown: bool
    config_file: Path | None


_print_schema: Final = LazyCall("consumer.cli.schema.show:print_schema", SchemaOptions)
_print_page: Final = LazyCall("consumer.cli.schema.show:print_page", SchemaOptions)
_print_asyncapi: Final = LazyCall("consumer.cli.schema.show:print_asyncapi", SchemaOptions)
_print_openapi: Final = LazyCall("consumer.cli.schema.port:print_openapi", SchemaOptions)
_print_configured: Final = LazyCall("consumer.cli.schema.configured:print_asyncapi", SchemaOptions)


@click.command()
@click.argument("message_type", metavar="[TYPE]", required=False)
@click.option("--incoming", is_flag=True, help="Describe what a brand may send.")
@click.option(
    "--strict",
    is_flag=True,
    help='With --incoming: describe what a listener with validation = "strict" takes.',
)
@click.option("--asyncapi", is_flag=True, help="Print an AsyncAPI 3.0 document of all types.")
@click.option("--openapi", is_flag=True, help="Print an OpenAPI 3.1 document of the HTTP port.")
@click.option("--markdown", is_flag=True, help="Print the page docs/events.md of all types.")
@click.option(
    "--config",
    "-c",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --asyncapi: begin each subject with the prefix of this configuration.",
)
@takes(SchemaOptions)
def schema(options: SchemaOptions) -> None:
    """Print the JSON Schema (2020-12) of one TYPE, or of all types.

    The schema describes what a subscriber gets: a CloudEvents object whose data always has the same
    form. With --incoming, it describes what a brand may send. An AsyncAPI document describes both.
    With --config, its subjects have the prefix of that configuration. An OpenAPI document describes
    how events are posted, and each answer; a running port serves the same at /openapi.json.

    Examples:
      consumer schema CASINO > casino.schema.json
      consumer schema CASINO --incoming --strict
      consumer schema --asyncapi --config consumer.toml > asyncapi.json
      consumer schema --openapi > openapi.json
    """
    whole = options.asyncapi or options.openapi or options.markdown
    _refuse(
        options.asyncapi + options.openapi + options.markdown > 1,
        "--asyncapi, --openapi and --markdown: expected only one",
    )
    _refuse(
        whole and (options.message_type or options.incoming),
        "this document describes all types in both directions: expected no TYPE and no --incoming",
    )
    _refuse(options.strict and not options.incoming, "--strict needs --incoming")
    _refuse(options.config_file and not options.asyncapi, "--config needs --asyncapi")
    if options.markdown:
        _print_page(options)
    if options.openapi:
        _print_openapi(options)
    if options.config_file:
        _print_configured(options)
    if options.asyncapi:
        _print_asyncapi(options)
    _print_schema(options)


def _refuse(wrong: object, text: str) -> None:
    if wrong:
        raise click.UsageError(text)
