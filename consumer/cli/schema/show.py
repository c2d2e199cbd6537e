"""Prints JSON Schemas, the AsyncAPI document, and the page of all message types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from consumer.cli.input.message_types import known_type
from consumer.tools.schemas import json_schema
from consumer.tools.schemas.asyncapi import document
from consumer.tools.schemas.markdown import page

if TYPE_CHECKING:
    from consumer.cli.schema.command import SchemaOptions


def print_page(_: SchemaOptions) -> None:
    """Print `docs/events.md`."""
    click.echo(page(), nl=False)


def print_asyncapi(_: SchemaOptions) -> None:
    """Print the AsyncAPI document. Its subjects have no prefix."""
    print_json(document(""))


def print_schema(options: SchemaOptions) -> None:
    """Print the JSON Schema of one type or of all.

    Raises:
        click.UsageError: There is no such message type.
    """
    print_json(_schema(options))


def _schema(options: SchemaOptions) -> dict[str, object]:
    if options.message_type is None:
        if options.incoming:
            return json_schema.all_incoming(strict=options.strict)
        return json_schema.all_outgoing()
    event_type = known_type(options.message_type, "'TYPE'")
    if options.incoming:
        return json_schema.incoming(event_type, strict=options.strict)
    return json_schema.outgoing(event_type)


def print_json(value: dict[str, object]) -> None:
    """Print a JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)))
