"""Reads the URL of a server that a verb asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.tools.sample.http_connection import target_of

if TYPE_CHECKING:
    from consumer.tools.sample.http_connection import HttpTarget


def target_in(url: str) -> HttpTarget:
    """Return the server of the argument `URL`.

    Raises:
        click.BadParameter: The text is no URL with `http` or `https`.
    """
    try:
        return target_of(url)
    except ValueError as error:
        raise click.BadParameter(
            f"{url!r}: expected http://… or https://…", param_hint="'URL'"
        ) from error
