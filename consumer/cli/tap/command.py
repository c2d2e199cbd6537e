"""Declares `consumer tap`: its options and its help text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.input.parameters import TimeParameter
from consumer.cli.lazy import LazyCall
from consumer.options.values import TOKEN

_PATTERN: Final = re.compile(rf"({TOKEN}|\*)(\.({TOKEN}|\*))*(\.>)?|>")


class TapOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer tap`.

    Attributes:
        subject: The subject without the configured prefix; wildcards are allowed. With `dead`, it
            is a listener and a reason.
        config_file: The configuration file. None means the first of the usual files that exists.
        brand: The brand of the messages. None means any.
        user: The player of the events. None means any.
        message_type: The message type, in any case. None means any.
        dead: If true, dead letters are shown instead of events.
        since_s: The time from which on stored messages are shown, in seconds since 1970. None means
            from now on.
        count: The number of messages after which the verb ends. None means that it does not end.
    """

    subject: str = ">"
    config_file: Path | None = None
    brand: str | None = None
    user: str | None = None
    message_type: str | None = None
    dead: bool = False
    since_s: float | None = None
    count: int | None = None

    def fits(self, brand: str, message_type: str, user: str | None = None) -> bool:
        """Tell whether a message passes the filters that its subject cannot answer."""
        wanted_type = (self.message_type or message_type).lower()
        return (
            self.brand in (None, brand)
            and self.user in (None, user)
            and message_type.lower() == wanted_type
        )


_show: Final = LazyCall("consumer.cli.tap.show:show", TapOptions)


def _subject(_: click.Context, __: click.Parameter, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise click.BadParameter(
            f"{text!r}: expected tokens of A-Z a-z 0-9 _ - between dots, * for any token, "
            "> for all tokens that follow"
        )
    return text


@click.command()
@click.argument("subject", default=">", callback=_subject)
@config_option
@click.option("--brand", metavar="NAME", help="Show messages of this brand only.")
@click.option("--user", metavar="ID", help="Show events of this player only.")
@click.option(
    "--type", "message_type", metavar="TYPE", help="Show messages of this message type only."
)
@click.option(
    "--dead",
    is_flag=True,
    help="Show dead letters instead of events. SUBJECT is then LISTENER.REASON.",
)
@click.option(
    "--since",
    "since_s",
    type=TimeParameter(),
    help="Begin with what was stored at TIME. TIME is RFC 3339, or how long ago it was: 30m, 1h, "
    "2d. [default: now]",
)
@click.option("--count", type=click.IntRange(1), help="End after this number of messages.")
@takes(TapOptions)
def tap(options: TapOptions) -> None:
    """Show the events as they pass, until Ctrl-C.

    Give SUBJECT without the prefix of [sink] subject_prefix. Put it in quotes, because the shell
    would replace its wildcards. On a terminal, each event is a line: time (UTC), subject, amount,
    player, id. In a pipe, the events themselves are written, as NDJSON. A slow reader does not slow
    down the daemon. While the sink is away, this verb waits, and then goes on where it was.

    Examples:
      consumer tap
      consumer tap 'game.*' --user player-17
      consumer tap 'wallet.>' --since 1h --count 100
      consumer tap --type PAYMENT | jq -c '[.type, .data.amount]'
      consumer tap --dead 'payments.*'
    """
    if options.dead and options.user is not None:
        raise click.UsageError(
            "--user does not go with --dead: the player of a broken event is not known"
        )
    _show(options)
