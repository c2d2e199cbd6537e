"""`consumer dead`: look at dead letters, replay them, drop them."""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Since
from consumer.errors import Reason
from consumer.options.values import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config.load import Config
    from consumer.tools.replay.query import Query, StoredLetter


HELD_COUNT: Final = 1000
"""More letters than this are printed as they are read, and never held at once."""
FIRST: Final = "1970-01-01T00:00:00Z"

F = TypeVar("F", bound=Callable[..., object])
Filter = Any
"""The value of an option that chooses letters."""


@click.group()
def dead() -> None:
    """Look at dead letters, deliveries that could never become events; replay or drop them.

    \b
    Examples:
      consumer dead list --since 1h
      consumer dead list --reason invalid --type CASINO | jq -r .error | sort | uniq -c
      consumer dead show 17 --raw > body.json
      consumer dead replay --reason invalid --dry-run
      consumer dead drop --until 30d
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped


def _token(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Refuse what would be a wildcard in the subject that is asked for."""
    if name is not None and not re.fullmatch(TOKEN, name):
        raise click.BadParameter(f"{name!r}: expected a listener's name: A-Z a-z 0-9 _ -")
    return name


def _filters(command: F) -> F:
    """Add the options that choose letters."""
    options = (
        click.option("--listener", metavar="NAME", callback=_token, help="Only of this listener."),
        click.option(
            "--reason", type=click.Choice([reason.value for reason in Reason]), help="Only these."
        ),
        click.option("--type", "message_type", metavar="TYPE", help="Only this message type."),
        click.option(
            "--since",
            type=Since(),
            default=FIRST,
            show_default="the first",
            help="Only stored since then: 30m, 1h, 2d ago, or RFC 3339.",
        ),
        click.option("--until", type=Since(), help="Only stored before then. [default: now]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dead.command("list")
@config_option
@_filters
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
def list_letters(  # one parameter an option
    config_file: Path | None, *, limit: int, form: str | None, **filters: Filter
) -> None:
    """List dead letters, the newest last.

    \b
    Examples:
      consumer dead list
      consumer dead list --since 2d --listener payments --limit 500
      consumer dead list --reason invalid --format json
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.cli.dead.text import json_line, print_table  # noqa: PLC0415  # `--help` is quick
    from consumer.tools.replay.query import Query  # noqa: PLC0415  # `--help` is quick

    query = _query(limit, filters)
    config = load_config(config_file)
    as_json = (form or ("table" if sys.stdout.isatty() else "json")) == "json"
    if as_json and limit > HELD_COUNT:
        asyncio.run(_stream(config, query))
        return
    letters = asyncio.run(_newest(config, query))
    if as_json:
        for stored in letters:
            click.echo(json_line(stored))
    elif letters:
        print_table(letters)
    else:
        click.echo("no dead letters" if query == Query(limit_count=limit) else "none of these")


def _query(limit: int, filters: dict[str, Filter]) -> Query:
    from consumer.tools.replay.query import Query  # noqa: PLC0415  # `--help` is quick

    reason, until = filters.pop("reason"), filters.pop("until")
    return Query(
        reason=Reason(reason) if reason else None,
        since_s=filters.pop("since"),
        until_s=math.inf if until is None else until,
        limit_count=limit,
        **filters,
    )


async def _newest(config: Config, query: Query) -> list[StoredLetter]:
    from rich.console import Console  # noqa: PLC0415  # `--help` is quick

    from consumer.tools.replay.read import open_reader  # noqa: PLC0415  # as above

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


async def _stream(config: Config, query: Query) -> None:
    """Print the newest letters without holding them: counted first, then read once more."""
    from consumer.cli.dead.text import json_line  # noqa: PLC0415  # `--help` is quick
    from consumer.tools.replay.read import open_reader  # noqa: PLC0415  # as above
    from consumer.tools.replay.replay import chunks  # noqa: PLC0415  # as above

    every = msgspec.structs.replace(query, limit_count=sys.maxsize)
    async with open_reader(config.sink, config.dead_letters) as reader:
        last = await reader.last_number()
        total = sum([len(letters) async for letters in chunks(reader, every, (), last)])
        skipped = total - query.limit_count
        async for letters in chunks(reader, every, (), last):
            for stored in letters[max(0, skipped) :]:
                click.echo(json_line(stored))
            skipped -= len(letters)


_numbers = click.argument("numbers", metavar="[NUMBER]...", nargs=-1, type=click.IntRange(1))
_limit = click.option(
    "--limit",
    type=click.IntRange(1),
    default=sys.maxsize,
    show_default="all",
    help="The oldest so many.",
)
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask on a terminal.")


@dead.command()
@_numbers
@config_option
@_filters
@_limit
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Letters a second at most.")
@click.option("--dry-run", is_flag=True, help="Only decode, and say what would pass.")
@_yes
def replay(  # one parameter an option
    config_file: Path | None,
    *,
    numbers: tuple[int, ...],
    limit: int,
    rate: float | None,
    dry_run: bool,
    yes: bool,
    **filters: Filter,
) -> None:
    """Send dead letters through the pipeline again, the oldest first.

    Each goes the whole way as this version and this configuration understand it, and ends as one
    event, as a known duplicate, or as a dead letter again, with its history. It is removed only
    after that is stored: a replay can be stopped at any point, and started again.

    NUMBERs and filters together: what fits both; none of either: all letters. Exit code 1 when
    some failed again.

    \b
    Examples:
      consumer dead replay --dry-run
      consumer dead replay 17 18
      consumer dead replay --reason unknown_type --since 2d --rate 500
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.cli.dead import act as dead_act  # noqa: PLC0415  # `--help` is quick

    config, query = load_config(config_file), _query(limit, filters)
    if dry_run:
        sys.exit(0 if asyncio.run(dead_act.would_replay(config, query, numbers)) else 1)
    passed = asyncio.run(dead_act.replay(config, query, numbers, rate, ask=_asks(yes=yes)))
    sys.exit(0 if passed else 1)


@dead.command()
@_numbers
@config_option
@_filters
@_limit
@click.option("--dry-run", is_flag=True, help="Only count them.")
@click.option("--erase", is_flag=True, help="Overwrite them on the disk too, which is slow.")
@_yes
def drop(  # one parameter an option
    config_file: Path | None,
    *,
    numbers: tuple[int, ...],
    limit: int,
    dry_run: bool,
    erase: bool,
    yes: bool,
    **filters: Filter,
) -> None:
    """Delete dead letters for ever.

    NUMBERs and filters together: what fits both; none of either: all letters.

    \b
    Examples:
      consumer dead drop 17 18
      consumer dead drop --reason malformed --until 30d --yes
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.cli.dead import act as dead_act  # noqa: PLC0415  # `--help` is quick

    config, query = load_config(config_file), _query(limit, filters)
    if dry_run:
        asyncio.run(dead_act.would_drop(config, query, numbers))
        return
    asyncio.run(dead_act.drop(config, query, numbers, ask=_asks(yes=yes), erase=erase))


def _asks(*, yes: bool) -> bool:
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


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
    from consumer.cli.dead.text import Head, facts, readable  # noqa: PLC0415  # `--help` is quick
    from consumer.tools.replay.read import open_reader  # noqa: PLC0415  # `--help` is quick

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
