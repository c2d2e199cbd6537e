"""`consumer check`: would the daemon work, were it started now?"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.main import config_option, load_config

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.cli.check.parts import PartAnswer
    from consumer.config.load import Config


@click.command()
@config_option
@click.option(
    "--listeners/--no-listeners",
    default=True,
    show_default=True,
    help="Open each listener for a moment; see above for what that does at its broker.",
)
def check(config_file: Path | None, *, listeners: bool) -> None:
    """Check the configuration, then ask every broker in turn: a line each, ok or what to do.

    Streams are looked at, never created or changed. A listener is opened and closed as the daemon
    does it: a NATS durable is made when it is missing, a Kafka group is joined for a moment and
    rebalances, a RabbitMQ queue hands over some messages and gets them back as redelivered, which
    a quorum queue counts. Use --no-listeners where that disturbs.

    Exit code 0: all ok; 1: something is not; 2: the configuration is wrong.

    \b
    Examples:
      consumer check
      consumer check --config brand-a.toml --no-listeners
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    config = load_config(config_file)
    click.echo(_line("ok", "configuration", ""))
    sys.exit(0 if asyncio.run(_check(config, listeners=listeners)) else 1)


async def _check(config: Config, *, listeners: bool) -> bool:
    from consumer.cli.check.parts import checks  # noqa: PLC0415  # `--help` is quick

    all_ok = True
    for part, ask in checks(config, listeners=listeners):
        answer = await ask()
        all_ok = all_ok and answer.ok
        click.echo(_line("ok" if answer.ok else "FAIL", part, answer.text))
        _warn(answer)
    return all_ok


def _warn(answer: PartAnswer) -> None:
    for warning in answer.warnings:
        click.echo(_line("warn", "", warning))


def _line(verdict: str, part: str, text: str) -> str:
    colour = {"ok": "green", "FAIL": "red", "warn": "yellow"}[verdict]
    return f"{click.style(f'{verdict:<4}', fg=colour)}  {part:<20}  {text}".rstrip()
