"""Declares `consumer ready`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

import click
import msgspec

from consumer.cli.declare import form_option, takes
from consumer.cli.lazy import LazyCall

StepName = Literal["keys", "sandbox", "wallet", "events", "live"]
"""The steps. `IntegrationStep` has them too, but its module is only loaded when it runs."""


class ReadyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer ready`.

    Attributes:
        url: The address of the public port.
        key_file: The file with the brand's test key.
        sessions_file: The file of `consumer wallet check`. None means that there is none yet.
        step: The only step to look at. None means all of them.
        form: The form of the report.
    """

    url: str
    key_file: Path
    sessions_file: Path | None
    step: StepName | None
    form: Literal["table", "json"]


_ready: Final = LazyCall("consumer.cli.ready.report:ready", ReadyOptions)


@click.command()
@click.argument("url")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="The file with a test key of the brand.",
)
@click.option(
    "--sessions",
    "sessions_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file of `consumer wallet check`, which `consumer wallet prepare` writes.",
)
@click.option(
    "--step",
    type=click.Choice(get_args(StepName)),
    help="Look at this step alone.",
)
@form_option(
    "table", help_text="Lines for people, or a line of JSON for each step.", default="table"
)
@takes(ReadyOptions)
def ready(options: ReadyOptions) -> None:
    """Tell which of the five steps of an integration are done, and what to do next.

    keys: a test key with the scopes that are needed. sandbox: a round of a test game was played.
    wallet: no case of `consumer wallet check` fails; cases may be skipped. events: the events of
    the wallet are whole, and the brand has sent events of its own. live: all of this, and no round
    is open.

    With --sessions, the check of the wallet is played again, with test money. --step live does
    everything, and prints the last step alone.

    The exit code is 0 if all steps are done, or the one of --step, else 1.

    Examples:
      consumer ready http://127.0.0.1:8080 --key-file .consumer/sandbox/test.key
      consumer ready https://events.example --key-file test.key --sessions sessions.toml --step live
    """
    _ready(options)
