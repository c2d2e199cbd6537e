"""Declares `consumer sandbox`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import takes
from consumer.cli.lazy import ON_UVLOOP, LazyCall


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer sandbox`.

    Attributes:
        data: The folder of the servers' data, of the money, and of the keys.
    """

    data: Path


_run: Final = LazyCall("consumer.cli.sandbox.serve:run_sandbox", SandboxOptions, loop=ON_UVLOOP)


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".consumer/sandbox"),
    show_default=True,
    help="The folder where the servers keep their data.",
)
@takes(SandboxOptions)
def sandbox(options: SandboxOptions) -> None:
    """Run everything that an integration needs to be tried, and print what to open.

    NATS, Valkey, the daemon with a wallet on SQLite, two test games, and test keys: nothing else is
    needed. Open the printed address in a browser. There are players with play money, a slot and a
    dice that play against the wallet, and switches for the faults of real networks.

    docs/sandbox.md leads through the five steps of an integration.

    Examples:
      consumer sandbox
      consumer sandbox --data /tmp/sandbox
    """
    _run(options)
