"""Shows the messages that `tap` wants: lines on a terminal, NDJSON in a pipe."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console

from consumer.cli.input.configuration import load_config
from consumer.cli.input.message_types import known_type
from consumer.cli.tap.messages import is_on_wanted_subject, passing, refuse_what_never_comes
from consumer.cli.terminal.closed_pipe import ended_by_closed_pipe
from consumer.cli.terminal.event_line import event_json, event_line, print_cut, write_line
from consumer.cli.terminal.letter_line import letter_json, letter_line, print_wrapped
from consumer.cli.terminal.safe_text import printable
from consumer.events import envelope
from consumer.tools.replay.read import stored_letter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from nats.aio.msg import Msg

    from consumer.cli.tap.command import TapOptions
    from consumer.config.load import Config


async def show(options: TapOptions) -> None:
    """Show messages for ever, or until the wanted number of messages was shown.

    Raises:
        BrokenPipeError: Nobody reads standard output any more.
        ConfigError: The configuration is wrong.
        Unavailable: The sink, or its stream, is not there at the beginning.
        click.UsageError: With these options, no message can come.
    """
    if options.message_type is not None:
        # The user may have given an alias. An event has the type's own name.
        name = known_type(options.message_type, "'--type'").name
        options = msgspec.structs.replace(options, message_type=name)
    config = load_config(options.config_file)
    refuse_what_never_comes(config, options)
    view = _TapView(config, options)
    messages = passing(config, options, _tell)
    with ended_by_closed_pipe():
        async with contextlib.aclosing(messages):
            await view.show_all(messages)


def _tell(text: str) -> None:
    click.echo(f"consumer: {text}", err=True)


class _TapView:
    """Shows each message that is wanted."""

    def __init__(self, config: Config, options: TapOptions) -> None:
        self._config = config
        self._options = options
        self._console = Console()
        self._met_foreign = False
        self._shown_count = 0

    async def show_all(self, messages: AsyncGenerator[Msg]) -> None:
        """Show messages until the wanted number was shown."""
        async for msg in messages:
            if self.show(msg) and self._shown_count == self._options.count:
                return

    def show(self, msg: Msg) -> bool:
        """Show a message at once. Return False if the message is not wanted."""
        try:
            shown = self._show_letter(msg) if self._options.dead else self._show_event(msg)
        except (ValueError, RecursionError):  # somebody else's message, under our subjects
            if not self._met_foreign:
                _tell(f"skipping messages that are not ours, such as {printable(msg.subject)}")
            self._met_foreign = True
            return False
        self._shown_count += shown
        return shown

    def _show_event(self, msg: Msg) -> bool:
        if not is_on_wanted_subject(self._config, self._options, msg.subject):
            return False
        event = envelope.read(msg.data)
        if not self._options.fits(event.brand, event.message_type, event.subject):
            return False
        if self._console.is_terminal:
            print_cut(self._console, event_line(msg.subject, event))
        else:
            write_line(event_json(msg.data))
        return True

    def _show_letter(self, msg: Msg) -> bool:
        stored = stored_letter(msg)
        if not self._options.fits(stored.letter.brand, stored.letter.message_type):
            return False
        if self._console.is_terminal:
            print_wrapped(self._console, letter_line(stored))
        else:
            write_line(letter_json(stored))
        return True
