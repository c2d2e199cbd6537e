"""Holds the options that `consumer pause` and `consumer resume` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.cli.declare import config_option
from consumer.cli.top.address import base_url

if TYPE_CHECKING:
    from collections.abc import Callable


class SteerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer pause` and `consumer resume`.

    Attributes:
        listener: The name of the listener.
        url: The URL of the operations port of the process. None means that of the configuration.
        config_file: The configuration file. None means the first of the usual files that exists.
    """

    listener: str
    url: str | None
    config_file: Path | None


def _url(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else base_url(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: expected host:port or http://host:port") from error


URL_OPTION: Final = click.option(
    "--url",
    metavar="URL",
    callback=_url,
    help="The operations port of the process, if it is not [operations] bind of the configuration.",
)


def steering(verb: Callable[..., None]) -> Callable[..., None]:
    """Declare the parameters of both verbs."""
    return click.argument("listener")(URL_OPTION(config_option(verb)))
