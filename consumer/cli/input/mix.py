"""Declares the options for what a sample brand sends: the number of messages, and the mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.cli.input.parameters import PercentParameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.cli.declare import FunctionT


def mix_options(*, count: int, duplicates: str, broken: str) -> Callable[[FunctionT], FunctionT]:
    """Add `--count`, `--duplicates` and `--broken` to a command.

    Their values arrive as `count`, `duplicates_ratio` and `broken_ratio`.

    Args:
        count: The default number of messages.
        duplicates: The default share of duplicates, as a user would write it.
        broken: The default share of broken events, as a user would write it.
    """

    def add(command: FunctionT) -> FunctionT:
        # The option that is added last is the first in the help text.
        for name, default, words in (
            ("broken", broken, "messages that become dead letters"),
            ("duplicates", duplicates, "messages that repeat an earlier event"),
        ):
            command = click.option(
                f"--{name}",
                f"{name}_ratio",
                type=PercentParameter(),
                default=default,
                show_default=True,
                help=f"The share of {words}.",
            )(command)
        return click.option(
            "--count",
            type=click.IntRange(1),
            default=count,
            show_default=True,
            help="The number of messages, duplicates and broken events included.",
        )(command)

    return add
