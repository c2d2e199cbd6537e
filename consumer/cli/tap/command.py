"""`consumer tap`: the events as they pass."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import click

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Since, known_type
from consumer.options.values import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

_PATTERN: Final = re.compile(rf"({TOKEN}|\*)(\.({TOKEN}|\*))*(\.>)?|>")


def _subject(_: click.Context, __: click.Parameter, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise click.BadParameter(
            f"{text!r}: expected tokens of A-Z a-z 0-9 _ - between dots, * for any one, "
            "> for all that follow"
        )
    return text


@click.command()
@click.argument("subject", default=">", callback=_subject)
@config_option
@click.option("--brand", metavar="NAME", help="Only of this brand.")
@click.option("--user", metavar="ID", help="Only of this player.")
@click.option(
    "--type", "message_type", metavar="TYPE", callback=known_type, help="Only this message type."
)
@click.option("--dead", is_flag=True, help="Dead letters instead; SUBJECT is LISTENER.REASON.")
@click.option(
    "--since",
    type=Since(),
    help="What is stored since then, too: 30m, 1h, 2d ago, or RFC 3339. [default: from now on]",
)
@click.option("--count", type=click.IntRange(1), help="End after so many were shown.")
def tap(  # noqa: PLR0913  # one parameter an option
    subject: str,
    config_file: Path | None,
    *,
    brand: str | None,
    user: str | None,
    message_type: str | None,
    dead: bool,
    since: float | None,
    count: int | None,
) -> None:
    """Show the events as they pass, until Ctrl-C.

    SUBJECT is without the prefix of [sink] subject_prefix; quote it, or the shell takes its
    wildcards. On a terminal a line each: time (UTC), subject, amount, player, id. In a pipe the
    events themselves, NDJSON. The daemon is not slowed down, however slow the reader is; while the
    sink is away this waits, and goes on where it was.

    \b
    Examples:
      consumer tap
      consumer tap 'game.*' --user player-17
      consumer tap 'wallet.>' --since 1h --count 100
      consumer tap --type PAYMENT | jq -c '[.type, .data.amount]'
      consumer tap --dead 'payments.*'
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    if dead and user is not None:
        raise click.UsageError("--user does not go with --dead: what is broken has no known player")
    config = load_config(config_file)
    if config.sink.kind == "core" and not dead and since is not None:
        raise click.UsageError('--since: the sink is kind = "core", which keeps nothing')
    routed = {target for targets in config.routes.values() for target in targets}
    if not dead and "." not in subject and subject not in {">", "*"} | routed:
        # The server takes it, and it would wait for ever.
        raise click.UsageError(f"no event is on {subject!r}: did you mean '{subject}.*'?")
    from consumer.cli.tap.show import Wanted, show  # noqa: PLC0415  # `--help` is quick

    wanted = Wanted(
        subject=subject,
        brand=brand,
        user=user,
        message_type=message_type,
        dead=dead,
        since_s=since,
        count=count,
    )
    asyncio.run(show(config, wanted))
