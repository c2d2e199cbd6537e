"""Shows everything that is known of one dead letter, its body included."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.safe_text import printable
from consumer.events.timestamp import from_epoch_s
from consumer.tools.replay.query import Query
from consumer.tools.replay.read import NoSuchLetterError, open_reader

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadShowOptions
    from consumer.tools.replay.query import StoredLetter
    from consumer.tools.replay.read import LetterReader

EVERY: Final = Query()
BODY_SHOWN_BYTES: Final = 64 * 1024
"""The largest part of a body that is shown on a screen. `--raw` has no limit."""


async def show(options: DeadShowOptions) -> None:
    """Print the letter. If `raw` is true, print only its original bytes.

    Raises:
        ConfigError: The configuration is wrong.
        SinkUnavailable: There is no such letter, or no answer.
    """
    config = load_config(options.config_file)
    async with open_reader(config.sink, config.dead_letters) as reader:
        stored = await found_letter(reader, options.number)
        if options.raw:
            await reader.write_body(stored.letter, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        head = BodyHead()
        await reader.write_body(stored.letter, head)
    for line in facts(stored, head.length_bytes):
        click.echo(line)
    click.echo()
    click.echo(readable(head))


async def found_letter(reader: LetterReader, number: int) -> StoredLetter:
    """Return a letter, or say which letter has taken its place.

    Raises:
        NoSuchLetterError: There is no letter with this number.
        SinkUnavailable: There is no answer.
    """
    try:
        return await reader.get(number)
    except NoSuchLetterError as error:
        now_number = await _later_number(reader, number)
        if not now_number:
            raise
        why = f"letter {number} was replayed, and failed again: it is letter {now_number} now"
        raise NoSuchLetterError(why) from error


async def _later_number(reader: LetterReader, number: int) -> int:
    """Return the number of the letter of a later attempt, or 0 if there is none."""
    later = reader.looked_at(EVERY, number, await reader.last_number())
    async with contextlib.aclosing(later) as letters:
        async for stored in letters:
            if number in stored.letter.earlier_numbers:
                return stored.number
    return 0


class BodyHead:
    """Keeps the beginning of a body that is written to it, and counts the rest.

    Attributes:
        kept: The beginning, at most `BODY_SHOWN_BYTES` long.
        length_bytes: The length of the whole body.
    """

    def __init__(self) -> None:
        self.kept = bytearray()
        self.length_bytes = 0

    def write(self, data: bytes, /) -> None:
        """Take a piece of the body."""
        self.length_bytes += len(data)
        self.kept += data[: BODY_SHOWN_BYTES - len(self.kept)]


def facts(stored: StoredLetter, size_bytes: int) -> list[str]:
    """Return all that is known of a letter except its body: a line for each fact."""
    letter = stored.letter
    known = {
        "number": str(stored.number),
        "reason": letter.reason.value,
        "error": letter.error,
        "listener": letter.listener,
        "brand": letter.brand,
        "type": letter.message_type or "(none)",
        "encoding": letter.content_encoding,
        "arrived": letter.arrived,
        "stored": from_epoch_s(stored.stored_s),
        "attempt": str(letter.attempt),
        "earlier": " ".join(map(str, letter.earlier_numbers)),
        "size": f"{size_bytes} bytes",
        "body in": letter.body_object and f"the object store, {letter.body_object}",
    }
    known |= {
        f"attempt {past.number}": f"{past.reason}: {past.error} (until {past.until})"
        for past in letter.history
    }
    known |= {f"source {name}": text for name, text in letter.coordinates.items()}
    known |= {f"header {name}": text for name, text in letter.headers.items()}
    shown = {printable(name): printable(text) for name, text in known.items() if text}
    width = max(len(name) for name in shown)
    bold = sys.stdout.isatty()
    return [
        f"{click.style(f'{name:<{width}}', bold=True) if bold else f'{name:<{width}}'}  {text}"
        for name, text in shown.items()
    ]


def readable(head: BodyHead) -> str:
    """Lay out a body. JSON is indented. A character that a terminal could obey is escaped."""
    body = bytes(head.kept)
    if not head.length_bytes:
        return "(empty body)"
    if head.length_bytes > len(body):
        cut = printable(body.decode("utf-8", "backslashreplace"), keep="\n\t")
        return f"{cut}\n… the first {len(body)} of {head.length_bytes} bytes; --raw for all"
    try:
        # This formats the text without decoding the values, so numbers keep their digits.
        pretty = msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pretty = body.decode("utf-8", "backslashreplace")
    return printable(pretty, keep="\n\t")
