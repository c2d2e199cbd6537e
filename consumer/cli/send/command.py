"""Declares `consumer send`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec
from click.core import ParameterSource

from consumer.cli.declare import config_option, takes
from consumer.cli.input.mix import mix_options
from consumer.cli.lazy import LazyCall
from consumer.errors import Reason
from consumer.tools.sample.broken import WAYS

ALL: Final = "all"
"""The word for all message types. Each type then occurs as often as in a casino."""


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer send`.

    Attributes:
        types: The message types, as they were typed.
        config_file: The configuration file. None means the first of the usual files that exists.
        listener: The listener whose source gets the messages. None means the first listener.
        count: The number of messages.
        rate_per_s: The number of messages per second. None means as fast as the broker confirms.
        duplicates_ratio: The share of duplicates among the messages.
        broken_ratio: The share of broken events among the messages.
        reasons: The reasons that the broken events shall cause. Empty means the usual ones.
        seed: The seed of the events. None means a random seed.
        file: The file whose events are sent instead of events that are made. None means no file.
        key: The text of an access key, for a listener of kind `http`. None means that it is in a
            file, or not needed.
        key_file: The file that holds the key. None means no file.
        url: The URL of the public port. None means the port of the configuration.
        yes: If true, the user is not asked.
    """

    types: tuple[str, ...]
    config_file: Path | None
    listener: str | None
    count: int
    rate_per_s: float | None
    duplicates_ratio: float
    broken_ratio: float
    reasons: tuple[Reason, ...]
    seed: int | None
    file: str | None
    key: str | None
    key_file: Path | None
    url: str | None
    yes: bool

    @property
    def is_all(self) -> bool:
        """True if every message type is wanted."""
        return any(name.lower() == ALL for name in self.types)


_MAKING: Final = frozenset({"count", "duplicates_ratio", "broken_ratio", "reasons", "seed"})
"""The options that say which events are made."""
_send_mix: Final = LazyCall("consumer.cli.send.mix:send_mix", SendOptions)
_send_file: Final = LazyCall("consumer.cli.send.lines:send_file", SendOptions)


@click.command()
@click.argument("types", metavar="TYPE...", nargs=-1, required=True)
@config_option
@click.option(
    "--to",
    "listener",
    metavar="NAME",
    help="The listener whose source gets the messages. [default: the first listener]",
)
@mix_options(count=100, duplicates="0%", broken="0%")
@click.option(
    "--rate",
    "rate_per_s",
    type=click.FloatRange(0, min_open=True),
    help="The number of messages a second. [default: as fast as the broker confirms]",
)
@click.option(
    "--reason",
    "reasons",
    metavar="NAME",
    multiple=True,
    type=click.Choice([reason.value for reason in WAYS]),
    help="The reason for which a broken event becomes a dead letter: "
    f"{', '.join(WAYS)}. May be given several times. [default: all but too_large]",
)
@click.option(
    "--seed",
    type=int,
    help="The same seed makes the same bytes. So the daemon drops events that were sent before "
    "with the same seed. [default: random]",
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Send each event of this file as it is, and make no events. The file has events as "
    "`consumer validate` reads them: lines, or a JSON array. - means standard input.",
)
@click.option(
    "--key",
    envvar="CONSUMER_KEY",
    show_envvar=True,
    help="An access key with the scope ingest, for a listener of kind http.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file that holds the access key.",
)
@click.option(
    "--url",
    help="The URL of the public port, for a listener of kind http. [default: the port of [http] on "
    "this machine]",
)
@click.option(
    "--yes",
    "-y",
    is_flag=True,
    help="Do not ask before made-up events go where /etc/consumer/consumer.toml says. Without a "
    "terminal, this option is needed.",
)
@takes(SendOptions)
def send(options: SendOptions) -> None:
    """Make events of each TYPE, in equal shares, and send them to the source of a listener.

    With `all` as TYPE, all types are sent, each as often as in a casino. The verb ends when the
    broker has confirmed everything.

    If the configuration is /etc/consumer/consumer.toml, the verb asks first, because the events are
    made up, and nobody can take them back. It does not ask with --file.

    Each broken event becomes a dead letter. The reasons that a sender can cause take turns. If
    several consumers share a queue, a conflict may overtake the event that it contradicts. For
    too_large, the server of the sink is asked for its limit, and the source has to carry messages
    of that size.

    To a listener of kind http, the events are posted as a brand posts them, each to the path of its
    type. The key decides about the brand, and whether they go to the sandbox. What is answered with
    503 is sent again. Broken events are answered with an error, and count as sent. Two kinds leave
    no dead letter: an event that is too large, and a type that has no path in a wrong encoding.

    Examples:
      consumer send CASINO
      consumer send all --count 10000 --duplicates 10% --broken 1% --seed 7
      consumer send CASINO PAYMENT --to partners --rate 50
      consumer send CASINO --broken 50% --reason conflict --reason invalid
      consumer send CASINO --file events.ndjson
      consumer send all --to api --key-file test.key
      consumer send CASINO --count 1 --config /etc/consumer/consumer.toml --yes
    """
    if options.file is None:
        _send_mix(options)
    if len(options.types) > 1 or options.is_all:
        raise click.UsageError("--file: expected one TYPE, the type of all events")
    _refuse_what_makes_events(click.get_current_context())
    _send_file(options)


def _refuse_what_makes_events(ctx: click.Context) -> None:
    """Refuse the options that have no effect on the events of a file."""
    for parameter in ctx.command.params:
        is_given = ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if parameter.name in _MAKING and is_given:
            raise click.UsageError(
                f"--file sends events as they are: leave out {parameter.opts[0]}"
            )
