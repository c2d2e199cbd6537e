"""Prints the answer of each part of `consumer check`, as soon as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from consumer.cli.check.questions import checks
from consumer.cli.input.configuration import load_config

if TYPE_CHECKING:
    from consumer.cli.check.command import CheckOptions

_COLOURS: Final = {"ok": "green", "FAIL": "red", "warn": "yellow"}


async def check(options: CheckOptions) -> int:
    """Ask every part and print its answer; returns exit code 1 if an answer is not ok.

    Raises:
        ConfigError: The configuration is wrong.
    """
    config = load_config(options.config_file)
    _print("ok", "configuration", "")
    all_ok = True
    for part, ask in checks(config, listeners=options.listeners, opens=options.opens):
        answer = await ask()
        all_ok = all_ok and answer.ok
        _print("ok" if answer.ok else "FAIL", part, answer.text)
        for warning in answer.warnings:
            _print("warn", part, warning)
    return 0 if all_ok else 1


def _print(verdict: str, part: str, text: str) -> None:
    styled = click.style(f"{verdict:<4}", fg=_COLOURS[verdict])
    click.echo(f"{styled}  {part:<20}  {text}".rstrip())
