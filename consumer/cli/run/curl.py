"""Writes the lines about the public port that `consumer run --embedded` prints, with curl lines."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.cli.terminal.own_name import own_name
from consumer.deliveries.origin import Environment
from consumer.listeners.http.paths import PATHS
from consumer.options.address import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from consumer.config.load import Config

TYPE: Final = "LOGIN_V2"
"""The message type of the event in the curl lines. Its events are the shortest."""
LANDS: Final = {
    Environment.LIVE: "a live event",
    Environment.TEST: "a test, which goes to the sandbox",
}


def port_lines(config: Config, keys: Mapping[Environment, Path]) -> Iterator[str]:
    """Yield the lines with the addresses of the public port, if it has an address."""
    url = port_url(config)
    if url:
        yield f"HTTP        {url}   keys in {', '.join(map(str, keys.values()))}"
        events = f"; events live, with a key pasted in: {url}/docs/stream"
        yield f"pages       {url}/docs{events if config.stream_api is not None else ''}"


def curl_lines(config: Config, keys: Mapping[Environment, Path]) -> Iterator[str]:
    """Yield a command for each key. It posts an event that no earlier run has posted.

    Args:
        config: The configuration of the daemon.
        keys: The file of the key of each environment.
    """
    url = port_url(config)
    if not url:
        return
    method, path = PATHS[TYPE]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = {"user_id": "player-17", "origin": "www.brand.com", "timestamp": now}
    body = msgspec.json.encode(event).decode()
    insecure = "" if config.http is None or config.http.tls is None else "-k "
    for environment, file in keys.items():
        yield f"  # {LANDS[environment]}:"
        yield (
            f"  curl {insecure}-X {method} {url}{path} -H 'Content-Type: application/json' "
            f'-H "Authorization: Bearer $(cat {shlex.quote(str(file))})" -d {shlex.quote(body)}'
        )


def wallet_lines(config: Config, kept: Path) -> Iterator[str]:
    """Yield a command that makes a key with which a provider of games signs, if there is a wallet.

    Args:
        config: The configuration of the daemon.
        kept: The file of this configuration.
    """
    if config.wallet is None or not port_url(config):
        return
    brand, provider = next(iter(config.wallet.brands)), next(iter(config.wallet.providers))
    yield "  # a key for a provider of games; docs/wallet.md places a bet with it:"
    yield f"  {own_name()} wallet providers add {provider} --brand {brand} --config {kept}"


def port_url(config: Config) -> str:
    """Return the URL of the port; empty if there is none, or its address is not known."""
    http = config.http
    if http is None or http.bind.startswith("fd:"):
        return ""
    return url_of(http.bind, is_tls=http.tls is not None)
