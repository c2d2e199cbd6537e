"""Declares the options for the shares of resends and broken events that a sample brand sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from consumer.cli.input.parameters import PercentParameter

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., object]")


def share_options(*, duplicates: str, broken: str) -> Callable[[F], F]:
    """Add `--duplicates` and `--broken` to a command, as `duplicates_ratio` and `broken_ratio`.

    Args:
        duplicates: The default share of honest resends, as a user would write it.
        broken: The default share of broken events.
    """

    def add(command: F) -> F:
        for name, default, words in (
            ("broken", broken, "broken events"),
            ("duplicates", duplicates, "honest resends"),
        ):
            command = click.option(
                f"--{name}",
                f"{name}_ratio",
                type=PercentParameter(),
                default=default,
                show_default=True,
                help=f"The share of {words}.",
            )(command)
        return command

    return add
