"""Prints the AsyncAPI document of a configuration, whose subjects have its prefix.

This module is separate, because it reads a configuration and so imports the three broker libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.cli.input.configuration import load_config
from consumer.cli.schema.show import print_json
from consumer.tools.schemas.asyncapi import document

if TYPE_CHECKING:
    from consumer.cli.schema.command import SchemaOptions


def print_asyncapi(options: SchemaOptions) -> None:
    """Print the AsyncAPI document with the subject prefix of the configuration.

    Raises:
        ConfigError: The configuration is wrong.
    """
    print_json(document(load_config(options.config_file).sink.subject_prefix))
