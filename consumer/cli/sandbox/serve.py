"""Runs the daemon with a wallet and the test games, on servers of its own: `consumer sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from consumer.cli.run.curl import port_url
from consumer.cli.run.serve import serve
from consumer.cli.terminal.own_name import own_name
from consumer.config.load import Config, build
from consumer.deliveries.origin import Environment
from consumer.listeners.registry import kinds
from consumer.operations.log import configure
from consumer.tools.embedded.sample_config import (
    BRAND,
    HTTP_PORT,
    NATS_PORT,
    OPERATIONS_PORT,
    VALKEY_PORT,
    embedded_servers,
    keep_config,
    make_inbound_stream,
    next_free_port,
    sample_tables,
)
from consumer.tools.embedded.sample_keys import kept_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from consumer.cli.sandbox.command import SandboxOptions

PROVIDER: Final = "acme"
"""The provider for a game server of the integrator's own."""
RATES: Final = {"EUR": "1", "USD": "0.92", "JPY": "0.0061", "USDT": "0.92"}
"""The currencies of the sandbox. They have two digits behind the point, none, and six."""


async def run_sandbox(options: SandboxOptions) -> int:
    """Run the sandbox until a signal; returns the exit code.

    Raises:
        ConfigError: Another process uses the folder.
        EmbeddedError: A server is not installed, or does not start.
    """
    async with embedded_servers(
        options.data,
        nats_port=next_free_port(NATS_PORT),
        valkey_port=next_free_port(VALKEY_PORT),
    ) as (nats_url, valkey_url):
        await make_inbound_stream(nats_url)
        config = sandbox_config(nats_url, valkey_url, options.data)
        kept = options.data / "consumer.toml"
        keep_config(config, kept)
        configure(config.log)
        keys = await kept_keys(config, options.data)
        for line in introduction(config, kept, keys):
            click.echo(line, err=True)
        return await serve(config)


def sandbox_config(nats_url: str, valkey_url: str, folder: Path) -> Config:
    """Return a configuration with a wallet and the test games.

    Args:
        nats_url: The URL of our NATS server.
        valkey_url: The URL of our Valkey server.
        folder: The folder of the money.
    """
    operations_port, http_port = next_free_port(OPERATIONS_PORT), next_free_port(HTTP_PORT)
    tables = sample_tables(nats_url, valkey_url, operations_port, http_port)
    tables["log"] = {"level": "warning"}  # what is printed at the start stays to be seen
    tables["wallet"] = {
        "database": f"sqlite:{folder.absolute() / 'wallet.db'}",
        "currencies": {"USDT": 6},
        "brands": {BRAND: {"origin": "www.demo.example", "exchange_rates": RATES}},
        "providers": {PROVIDER: {}},
    }
    return build(tables, kinds())


def introduction(config: Config, kept: Path, keys: Mapping[Environment, Path]) -> list[str]:
    """Return the lines that are printed at the start.

    Args:
        config: The configuration of the daemon.
        kept: The file of this configuration.
        keys: The file of the key of each environment.
    """
    url, file = port_url(config), keys[Environment.TEST]
    own = f"--brand {BRAND} --environment test"
    return [
        "open this in a browser; it holds the test key, so keep it to yourself:",
        f"  {url}/sandbox#key={file.read_text(encoding='utf-8').strip()}",
        "",
        f"wallet      {url}/v1/wallet   for calls of games: docs/wallet.md",
        f"test key    {file}",
        f"events      {config.sink.url}   test events in stream {_stream_of(config)}",
        f"pages       {url}/docs   live events: {url}/docs/stream",
        f"operations  http://{config.operations.bind}/readyz  /metrics",
        "",
        "try in another terminal, in the same folder; docs/sandbox.md goes on from here:",
        f"  {own_name()} ready {url} --key-file {file}",
        f"  {own_name()} wallet providers add {PROVIDER} {own} --config {kept} > {PROVIDER}.key",
        "",
    ]


def _stream_of(config: Config) -> str:
    return config.sink.stream if config.sandbox is None else config.sandbox.stream
