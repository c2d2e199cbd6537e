"""Prints how far each step of an integration is: `consumer ready`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.cli.input.target import target_in
from consumer.cli.terminal.safe_text import printable
from consumer.errors import ConfigError
from consumer.tools.readiness.client import BrandClient
from consumer.tools.readiness.steps import IntegrationReport, IntegrationStep
from consumer.tools.wallet_check.settings import load_check

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.cli.ready.command import ReadyOptions
    from consumer.tools.readiness.steps import StepResult

WORD_COLUMNS: Final = 8
NAME_COLUMNS: Final = 8


async def ready(options: ReadyOptions) -> int:
    """Print the report; returns the exit code.

    Raises:
        ConfigError: A file is wrong.
        Unavailable: The port does not answer.
        click.UsageError: The URL is none.
    """
    target = target_in(options.url)
    client = BrandClient(target, key_in(options.key_file))
    file = options.sessions_file
    report = IntegrationReport(client, target, None if file is None else load_check(file))
    wanted = None if options.step is None else IntegrationStep(options.step)
    is_done = True
    try:
        async for result in report.results(wanted):
            is_done = is_done and result.done
            _print(result, form=options.form)
    finally:
        client.close()
    return 0 if is_done else 1


def key_in(file: Path) -> str:
    """Return the access key in a file.

    Raises:
        ConfigError: The file cannot be read, or holds no line.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    if not text or not text.isascii() or not text.isprintable():
        raise ConfigError(f"{file}: expected an access key, which begins with ck_")
    return text


def _print(result: StepResult, *, form: str) -> None:
    if form == "json":
        click.echo(msgspec.json.encode(result))
        return
    word = click.style(
        ("done" if result.done else "MISSING").ljust(WORD_COLUMNS),
        fg="green" if result.done else "red",
    )
    click.echo(f"{word} {result.step.ljust(NAME_COLUMNS)} {printable(result.found)}")
    if result.do:
        click.echo(f"{'':{WORD_COLUMNS + NAME_COLUMNS + 1}} do: {printable(result.do)}")
