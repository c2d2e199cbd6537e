"""`consumer dead`: look at dead letters."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Since
from consumer.errors import Reason

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config import Config
    from consumer.dead_letters.query import Query, StoredLetter


@click.group()
def dead() -> None:
    """Look at dead letters: deliveries that could never become events.

    \b
    Examples:
      consumer dead list --since 1h
      consumer dead list --reason invalid --type CASINO | jq -r .error | sort | uniq -c
      consumer dead show 17
      consumer dead show 17 --raw > body.json
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped


def _token(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Refuse what would be a wildcard in the subject that is asked for."""
    if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise click.BadParameter(f"{name!r}: expected a listener's name: A-Z a-z 0-9 _ -")
    return name


@dead.command("list")
@config_option
@click.option("--listener", metavar="NAME", callback=_token, help="Only of this listener.")
@click.option(
    "--reason", type=click.Choice([reason.value for reason in Reason]), help="Only these."
)
@click.option("--type", "message_type", metavar="TYPE", help="Only this message type.")
@click.option(
    "--since",
    type=Since(),
    default="1970-01-01T00:00:00Z",
    show_default="the first",
    help="Only since then: 30m, 1h, 2d ago, or RFC 3339.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=50,
    show_default=True,
    help="The newest so many.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    help="[default: table on a terminal, JSON lines in a pipe]",
)
def list_letters(  # noqa: PLR0913  # one parameter an option
    config_file: Path | None,
    *,
    listener: str | None,
    reason: str | None,
    message_type: str | None,
    since: float,
    limit: int,
    form: str | None,
) -> None:
    """List dead letters, the newest last.

    \b
    Examples:
      consumer dead list
      consumer dead list --since 2d --listener payments --limit 500
      consumer dead list --reason invalid --format json
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.cli.dead_print import json_line, print_table  # noqa: PLC0415  # `--help` is quick
    from consumer.dead_letters.query import Query  # noqa: PLC0415  # `--help` is quick

    query = Query(
        listener=listener,
        reason=Reason(reason) if reason else None,
        message_type=message_type,
        since_s=since,
        limit_count=limit,
    )
    letters = asyncio.run(_newest(load_config(config_file), query))
    if (form or ("table" if sys.stdout.isatty() else "json")) == "json":
        for stored in letters:
            click.echo(json_line(stored))
    elif letters:
        print_table(letters)
    else:
        click.echo("no dead letters" if query == Query(limit_count=limit) else "none of these")


async def _newest(config: Config, query: Query) -> list[StoredLetter]:
    from rich.console import Console  # noqa: PLC0415  # `--help` is quick

    from consumer.dead_letters.read import open_reader  # noqa: PLC0415  # as above

    console = Console(stderr=True)
    async with open_reader(config.sink, config.dead_letters) as reader:
        if console.is_terminal:
            with console.status("reading dead letters"):
                letters = await reader.newest(query)
        else:
            letters = await reader.newest(query)
    if reader.foreign_count:
        click.echo(f"consumer: skipped {reader.foreign_count} messages of others", err=True)
    return letters


@dead.command()
@click.argument("number", type=click.IntRange(1))
@config_option
@click.option("--raw", is_flag=True, help="Write the original bytes to standard output, no more.")
def show(number: int, config_file: Path | None, *, raw: bool) -> None:
    """Show everything known about one dead letter. NUMBER is its first column in `dead list`.

    \b
    Examples:
      consumer dead show 17
      consumer dead show 17 --raw | jq .
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    asyncio.run(_show(load_config(config_file), number, raw=raw))


async def _show(config: Config, number: int, *, raw: bool) -> None:
    from consumer.cli.dead_print import Head, facts, readable  # noqa: PLC0415  # `--help` is quick
    from consumer.dead_letters.read import open_reader  # noqa: PLC0415  # `--help` is quick

    async with open_reader(config.sink, config.dead_letters) as reader:
        stored = await reader.get(number)
        if raw:
            await reader.write_body(stored.letter, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        head = Head()
        await reader.write_body(stored.letter, head)
    for line in facts(stored, head.length_bytes):
        click.echo(line)
    click.echo()
    click.echo(readable(head))
