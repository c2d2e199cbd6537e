"""Runs the daemon with a NATS and a Valkey server of its own: `consumer run --embedded`."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import click

from consumer.cancel import end_tasks
from consumer.cli.input.configuration import load_config
from consumer.cli.run.curl import curl_lines, port_lines, wallet_lines
from consumer.cli.run.passing_events import passing_events_shown
from consumer.cli.run.serve import serve
from consumer.cli.terminal.closed_pipe import ended_by_closed_pipe
from consumer.cli.terminal.own_name import own_name
from consumer.operations.log import configure
from consumer.tools.embedded.sample_config import (
    HTTP_PORT,
    NATS_PORT,
    OPERATIONS_PORT,
    VALKEY_PORT,
    embedded_servers,
    keep_config,
    make_inbound_stream,
    next_free_port,
    redirected,
    sample_config,
)
from consumer.tools.embedded.sample_keys import kept_keys
from consumer.tools.sample.generate import TrafficMix, generate
from consumer.tools.sample.pace import send_paced
from consumer.tools.sample.registry import RECIPES
from consumer.tools.sample.senders import make_sender

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from consumer.cli.run.command import RunOptions
    from consumer.config.load import Config
    from consumer.deliveries.origin import Environment

SAMPLE_RATE_PER_S: Final = 5.0
SAMPLE_COUNT: Final = 10**9
"""How many messages the sample brand sends. At its rate, they last for six years."""


async def run_embedded(options: RunOptions) -> int:
    """Run NATS, Valkey and the daemon until a signal; returns the exit code.

    Without a configuration file, a sample brand is configured, and its events arrive on our NATS.
    With a configuration file, the daemon runs as the file says, but our servers are its sink and
    its store.

    Raises:
        ConfigError: The given configuration is wrong.
        EmbeddedError: A server is not installed, or does not start.
    """
    given = load_config(options.config_file) if options.config_file else None
    async with embedded_servers(
        options.data,
        nats_port=next_free_port(NATS_PORT),
        valkey_port=next_free_port(VALKEY_PORT),
    ) as (nats_url, valkey_url):
        if given:
            config = redirected(given, nats_url, valkey_url)
        else:
            await make_inbound_stream(nats_url)
            config = sample_config(
                nats_url,
                valkey_url,
                next_free_port(OPERATIONS_PORT),
                next_free_port(HTTP_PORT),
            )
        kept = options.data / "consumer.toml"
        keep_config(config, kept)
        configure(config.log)
        keys = await kept_keys(config, options.data)
        _introduce(config, kept, keys)
        return await (_serve_sample(config) if options.sample else serve(config))


def _introduce(config: Config, kept: Path, keys: Mapping[Environment, Path]) -> None:
    """Print the addresses of the servers, and commands to try next."""
    lines = [
        f"NATS        {config.sink.url}   events in stream {config.sink.stream}",
        f"Valkey      {config.dedupe.url}",
        f"operations  http://{config.operations.bind}/readyz  /metrics",
        *port_lines(config, keys),
        "",
        "try in another terminal, in the same folder:",
        f"  {own_name()} send all --count 1000 --duplicates 10% --broken 1% --config {kept}",
        f"  {own_name()} dead list --config {kept}",
        *curl_lines(config, keys),
        *wallet_lines(config, kept),
        "",
    ]
    for line in lines:
        click.echo(line, err=True)


async def _serve_sample(config: Config) -> int:
    """Run the daemon and a sample brand that sends to it, and show the events.

    Raises:
        BrokenPipeError: Nobody reads standard output any more.
    """
    with ended_by_closed_pipe():
        async with passing_events_shown(config), asyncio.TaskGroup() as group:
            brand = group.create_task(_send_sample(config), name="sample brand")
            code = await serve(config)
            await end_tasks([brand])
        return code


async def _send_sample(config: Config) -> None:
    sender = make_sender(config, None)
    mix = TrafficMix(
        types=list(RECIPES),
        weighted=True,
        count=SAMPLE_COUNT,
        duplicates_ratio=0.1,
        broken_ratio=0.03,
        seed=secrets.randbits(32),
        start_s=None,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(sender.close)
        await sender.open()
        async for _ in send_paced(sender, generate(mix), SAMPLE_RATE_PER_S):
            pass
