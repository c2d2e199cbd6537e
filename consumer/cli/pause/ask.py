"""Asks a process to pause or to resume a listener."""

from __future__ import annotations

import http.client
import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.cli.input.configuration import load_config
from consumer.errors import ConfigError, Unavailable
from consumer.options.address import url_of

if TYPE_CHECKING:
    from consumer.cli.pause.options import SteerOptions
    from consumer.config.load import Config

TIMEOUT_S: Final = 5.0
ANSWER_MAX_BYTES: Final = 64 * 1024


class _SteerRefused(msgspec.Struct):
    error: str


def pause(options: SteerOptions) -> None:
    """Pause a listener.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The process is away, or it refuses.
    """
    _steer(options, "pause")
    click.echo(f"{options.listener} is paused, until: consumer resume {options.listener}")


def resume(options: SteerOptions) -> None:
    """Resume a listener.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The process is away, or it refuses.
    """
    _steer(options, "resume")
    click.echo(f"{options.listener} takes in again")


def _steer(options: SteerOptions, verb: str) -> None:
    config = _config(options)
    url = options.url or ("" if config is None else url_of(config.operations.bind, is_tls=False))
    token = None if config is None else config.operations.token
    name = urllib.parse.quote(options.listener, safe="")
    at = urllib.parse.urlsplit(url)
    is_tls = at.scheme == "https"
    kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    connection = kind(at.hostname or "", at.port, timeout=TIMEOUT_S)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        connection.request("POST", f"{at.path}/listeners/{name}/{verb}", headers=headers)
        answer = connection.getresponse()
        body = answer.read(ANSWER_MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url}: {error}: does the process run?") from error
    finally:
        connection.close()
    if answer.status != HTTPStatus.ACCEPTED:
        raise Unavailable(_why(body))


def _config(options: SteerOptions) -> Config | None:
    """Read the configuration, which may be missing if a URL was given."""
    try:
        return load_config(options.config_file)
    except ConfigError:
        if options.url is None or options.config_file is not None:
            raise
        return None


def _why(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_SteerRefused).error
    except msgspec.DecodeError:
        return "this is not the operations port of a consumer"
