"""Prints the OpenAPI document of the public port.

This module is separate, because it imports the whole port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.api.described import described_endpoints
from consumer.api.openapi import document
from consumer.cli.schema.show import print_json

if TYPE_CHECKING:
    from consumer.cli.schema.command import SchemaOptions


def print_openapi(_: SchemaOptions) -> None:
    """Print the OpenAPI document of a port with default options."""
    print_json(document(described_endpoints()))
