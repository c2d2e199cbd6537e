"""Helps the `command.py` of a verb to declare its options, as one Struct, and its help text."""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.cli.lazy import OptionsT

FunctionT = TypeVar("FunctionT", bound="Callable[..., None]")

_HEADING: Final = re.compile(r"(?<=\n\n)[A-Z]\w*( \w+)?:\n")

config_option = click.option(
    "--config",
    "-c",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file. [default: consumer.toml, or else /etc/consumer/consumer.toml]",
)
"""The option `--config` of every verb that needs a configuration."""


def form_option(
    people: str, *, help_text: str, default: str | None = None
) -> Callable[[FunctionT], FunctionT]:
    """Return the option `--format`, whose value arrives as `form`.

    Args:
        people: The form that people read. The other form is `json`.
        help_text: The help text. It says what each form prints. If `default` is None, it also says
            which form is the default.
        default: The form when the option is not given. None leaves the choice to the verb.
    """
    return click.option(
        "--format",
        "form",
        type=click.Choice([people, "json"]),
        default=default,
        show_default=default is not None,
        help=help_text,
    )


def takes(
    options_type: type[OptionsT],
) -> Callable[[Callable[[OptionsT], None]], Callable[..., None]]:
    """Make click call a verb's function with one Struct instead of one argument for each option.

    The names that click gives to options and arguments have to be the fields of the Struct. Values
    are converted, so that a field may be an enum, for example. The function's docstring becomes the
    verb's help text.

    Args:
        options_type: The type of the Struct.
    """

    def decorate(function: Callable[[OptionsT], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def call(**values: object) -> None:
            function(msgspec.convert(values, options_type))

        return with_lists(call)

    return decorate


def with_lists(function: FunctionT) -> FunctionT:
    """Make click keep the lines of the lists in a help text, such as the list of the examples.

    click joins the lines of a paragraph, unless the line before the paragraph holds only a
    backspace character. This function puts such a line before each paragraph that begins with a
    heading such as `Examples:` or `Exit codes:`. So no docstring has to hold a backspace character.
    """
    help_text = inspect.cleandoc(function.__doc__ or "")
    function.__doc__ = _HEADING.sub("\b\n\\g<0>", help_text)
    return function
