"""Declares the verbs of `consumer dead`: their options and their help texts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from consumer.cli.dead.options import (
    DeadDropOptions,
    DeadListOptions,
    DeadMendOptions,
    DeadReplayOptions,
    DeadShowOptions,
)
from consumer.cli.declare import config_option, form_option, takes, with_lists
from consumer.cli.input.parameters import TimeParameter
from consumer.cli.lazy import LazyCall
from consumer.cli.terminal.asking import can_ask
from consumer.errors import Reason
from consumer.options.values import TOKEN

if TYPE_CHECKING:
    from consumer.cli.declare import FunctionT

FIRST: Final = "1970-01-01T00:00:00Z"


_list: Final = LazyCall("consumer.cli.dead.listing:list_letters", DeadListOptions)
_show: Final = LazyCall("consumer.cli.dead.letter:show", DeadShowOptions)
_replay: Final = LazyCall("consumer.cli.dead.replay:replay", DeadReplayOptions)
_would_replay: Final = LazyCall("consumer.cli.dead.replay:would_replay", DeadReplayOptions)
_mend: Final = LazyCall("consumer.cli.dead.mend:mend", DeadMendOptions)
_drop: Final = LazyCall("consumer.cli.dead.drop:drop", DeadDropOptions)
_would_drop: Final = LazyCall("consumer.cli.dead.drop:would_drop", DeadDropOptions)


def _token(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Refuse a name that no listener can have: a wildcard of NATS would choose other letters."""
    if name is not None and not re.fullmatch(TOKEN, name):
        raise click.BadParameter(f"{name!r}: expected a listener's name: A-Z a-z 0-9 _ -")
    return name


def _filters(command: FunctionT) -> FunctionT:
    """Add the options that choose letters."""
    options = (
        config_option,
        click.option(
            "--listener",
            metavar="NAME",
            callback=_token,
            help="Take only letters of this listener.",
        ),
        click.option(
            "--reason",
            metavar="NAME",
            type=click.Choice([reason.value for reason in Reason]),
            help=f"Take only letters of this reason: {', '.join(Reason)}.",
        ),
        click.option(
            "--type", "message_type", metavar="TYPE", help="Take only letters of this message type."
        ),
        click.option(
            "--since",
            "since_s",
            type=TimeParameter(),
            default=FIRST,
            show_default="the first letter",
            help="Take only letters that were stored at TIME or later. TIME is RFC 3339, or how "
            "long ago it was: 30m, 1h, 2d.",
        ),
        click.option(
            "--until",
            "until_s",
            type=TimeParameter(),
            help="Take only letters that were stored before TIME. [default: now]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


_numbers = click.argument("numbers", metavar="[NUMBER]...", nargs=-1, type=click.IntRange(1))
_oldest = click.option(
    "--limit",
    "limit_count",
    type=click.IntRange(1),
    default=sys.maxsize,
    show_default="all",
    help="The largest number of letters. The oldest letters are taken.",
)
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


@click.group()
@with_lists
def dead() -> None:
    """List, show, mend, replay or drop dead letters: deliveries that could never become events.

    Examples:
      consumer dead list --since 1h
      consumer dead list --reason invalid --type CASINO | jq -r .error | sort | uniq -c
      consumer dead show 17 --raw > body.json
      consumer dead mend 17
      consumer dead replay --reason invalid --dry-run
      consumer dead drop --until 30d
    """


@dead.command("list")
@_filters
@click.option(
    "--limit",
    "limit_count",
    type=click.IntRange(1, 1_000_000),
    default=50,
    show_default=True,
    help="The largest number of letters. The newest letters are listed.",
)
@form_option(
    "table",
    help_text="Print a table for people, or a line of JSON for each letter. [default: a table on a "
    "terminal, JSON in a pipe]",
)
@takes(DeadListOptions)
def list_letters(options: DeadListOptions) -> None:
    """List dead letters, the newest last.

    Examples:
      consumer dead list
      consumer dead list --since 2d --listener payments --limit 500
      consumer dead list --reason invalid --format json
    """
    _list(options)


@dead.command()
@_numbers
@_filters
@_oldest
@click.option(
    "--rate",
    "rate_per_s",
    type=click.FloatRange(0, min_open=True),
    help="Replay at most this many letters a second.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would become of the letters.")
@_yes
@takes(DeadReplayOptions)
def replay(options: DeadReplayOptions) -> None:
    """Send dead letters through the pipeline again, the oldest first.

    Each letter goes through the whole pipeline of this version, under this configuration. It
    becomes an event, a known duplicate, or a dead letter again, with its history. The old letter is
    removed only after the result is stored. So a replay can be stopped at any point and started
    again.

    With NUMBERs and filters, only letters that fit both are taken. With neither, all letters are
    taken.

    Exit codes:
      0  every letter passed
      1  a letter failed again

    Examples:
      consumer dead replay --dry-run
      consumer dead replay 17 18
      consumer dead replay --reason unknown_type --since 2d --rate 500
    """
    if options.dry_run:
        _would_replay(options)
    _replay(options)


@dead.command()
@_numbers
@_filters
@_oldest
@click.option("--dry-run", is_flag=True, help="Only count the letters.")
@click.option("--all", "everything", is_flag=True, help="Take all letters, without a filter.")
@click.option("--erase", is_flag=True, help="Also overwrite the letters on the disk. This is slow.")
@_yes
@takes(DeadDropOptions)
def drop(options: DeadDropOptions) -> None:
    """Delete dead letters for ever.

    With NUMBERs and filters, only letters that fit both are taken. With neither, --all is needed.
    Without a terminal, --yes is needed too.

    Examples:
      consumer dead drop 17 18
      consumer dead drop --reason malformed --until 30d --yes
      consumer dead drop --all --yes
    """
    if options.dry_run:
        _would_drop(options)
    if not options.chooses and not options.everything:
        raise click.UsageError("name letters or a filter, or say --all to delete every letter")
    if not options.yes and not can_ask():
        raise click.UsageError(
            "nobody can be asked here, and letters are deleted for ever: add --yes"
        )
    _drop(options)


@dead.command()
@click.argument("number", type=click.IntRange(1))
@config_option
@click.option("--type", "message_type", metavar="TYPE", help="Read the letter as this type.")
@click.option(
    "--from",
    "from_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Begin with the text of this file, such as the text that an earlier try has kept.",
)
@takes(DeadMendOptions)
def mend(options: DeadMendOptions) -> None:
    """Correct one dead letter in an editor, and send it through the pipeline again.

    The editor is the one that VISUAL or EDITOR names. A compressed body is opened as text. If the
    corrected letter still cannot be an event, the error is shown, and the editor can be opened
    again. The letter is removed once its event is stored. If nothing is changed, nothing is sent.

    If anything fails after the editor, the letter stays as it was, and your text is kept in a file.
    Standard error names the file, and the command to go on.

    Exit codes:
      0    the letter became an event, or is known already
      1    nothing was sent; or the event is stored, and the letter could not be removed; or
           Ctrl-C at a question
      129  SIGHUP
      130  Ctrl-C
      143  SIGTERM

    Examples:
      consumer dead mend 17
      EDITOR=nano consumer dead mend 17 --type CASINO
    """
    _mend(options)


@dead.command()
@click.argument("number", type=click.IntRange(1))
@config_option
@click.option(
    "--raw", is_flag=True, help="Write the original bytes to standard output, and nothing else."
)
@takes(DeadShowOptions)
def show(options: DeadShowOptions) -> None:
    """Show everything that is known about one dead letter.

    NUMBER is the number of the letter. `dead list` shows it in the first column.

    Examples:
      consumer dead show 17
      consumer dead show 17 --raw | jq .
    """
    _show(options)
