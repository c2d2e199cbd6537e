"""Corrects one dead letter in an editor, and sends it through the pipeline again.

No connection is open while the user edits, because that may take hours. A connection whose pings
nobody answers is ended after some seconds. So the letter is fetched once more after the editor, and
compared: somebody else may have replayed, mended or dropped it meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import sys
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from consumer.cli.dead.draft import LetterDraft
from consumer.cli.dead.letter import found_letter
from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.ending import ending_in_order
from consumer.cli.terminal.own_name import own_name
from consumer.cli.terminal.safe_text import printable
from consumer.deliveries.decompress import decompress
from consumer.deliveries.delivery import Dead
from consumer.errors import ConsumerError, Rejected
from consumer.operations.log import LogSettings, configure
from consumer.tools.replay.opened import Decoders, opened_replayer
from consumer.tools.replay.query import StoredLetter
from consumer.tools.replay.read import NoSuchLetterError, open_reader
from consumer.tools.replay.replay import decoded, with_body

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.cli.dead.options import DeadMendOptions
    from consumer.config.load import Config
    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin
    from consumer.tools.replay.read import LetterReader


class FoundLetter(msgspec.Struct, frozen=True):
    """A letter before it is edited.

    Attributes:
        stored: The letter as its stream has it. The body may be in the object store.
        text: The letter with its body: the compression is undone, and JSON is laid out.
        limit_bytes: The size of the largest message that the server takes, in bytes.
    """

    stored: StoredLetter
    text: StoredLetter
    limit_bytes: int


class StillDead(ConsumerError):
    """The mended text is still no event. No letter is stored for it."""


class LetterChanged(ConsumerError):
    """The letter is not there any more, or another letter has its number."""


def mend(options: DeadMendOptions) -> int:
    """Open a letter in the editor, and replay what comes out of it; returns the exit code.

    This function blocks, and runs an event loop only while it needs a connection.

    Raises:
        ConfigError: The configuration is wrong.
        ConsumerError: The letter does not exist, a server is away, the editor has failed, another
            person has changed the letter, or the letter cannot be removed. The text that the user
            has saved is kept, and standard error says where.
    """
    config = load_config(options.config_file)
    configure(LogSettings(format="console", level="warning"))
    with ending_in_order():
        found = asyncio.run(_found(config, options.number))
        with LetterDraft(_beginning(found, options), lambda path: _command(options, path)) as draft:
            return _mended(config, found, options, draft)


async def _found(config: Config, number: int) -> FoundLetter:
    async with open_reader(config.sink, config.dead_letters) as reader:
        stored = await found_letter(reader, number)
        whole = await with_body(reader, stored)
        limit_bytes = reader.max_message_bytes
    return FoundLetter(stored, _as_text(whole, limit_bytes), limit_bytes)


def _as_text(stored: StoredLetter, limit_bytes: int) -> StoredLetter:
    """Undo the compression of a letter, and lay out its JSON, as far as both can be done."""
    letter = stored.letter
    try:
        body = decompress(letter.body, letter.content_encoding, 2 * limit_bytes)
    except Rejected:
        return stored
    # What is no JSON is shown as it came.
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = msgspec.json.format(body, indent=2) + b"\n"
    plain = msgspec.structs.replace(letter, body=body, content_encoding="")
    return msgspec.structs.replace(stored, letter=plain)


def _beginning(found: FoundLetter, options: DeadMendOptions) -> bytes:
    if options.from_file is None:
        return found.text.letter.body
    try:
        return options.from_file.read_bytes()
    except OSError as error:
        raise ConsumerError(f"{options.from_file} cannot be read: {error.strerror}") from error


def _command(options: DeadMendOptions, path: Path) -> str:
    """Return the command that mends the same letter, and begins with the text of a file."""
    words = ["dead", "mend", str(options.number), "--from", str(path)]
    if options.message_type is not None:
        words += ["--type", options.message_type]
    if options.config_file is not None:
        words += ["--config", str(options.config_file)]
    return f"{own_name()} {shlex.join(words)}"


def _mended(
    config: Config, found: FoundLetter, options: DeadMendOptions, draft: LetterDraft
) -> int:
    """Let the user edit a letter until it is an event; returns the exit code."""
    before = found.text.letter
    if options.message_type is not None:
        before = msgspec.structs.replace(before, message_type=options.message_type)
    while True:
        letter = msgspec.structs.replace(before, body=draft.edited())
        if letter == found.text.letter:
            click.echo("nothing was changed, so nothing is sent", err=True)
            return 1
        mended = msgspec.structs.replace(found.text, letter=letter)
        error = asyncio.run(_error_of(config, mended, found.limit_bytes))
        error = error or asyncio.run(_sent(config, found.stored, mended))
        if not error:
            draft.is_needed = False
            return 0
        click.echo(f"still no event: {printable(error)}", err=True)
        if not sys.stdin.isatty() or not click.confirm("Open the editor again?", err=True):
            return 1


async def _error_of(config: Config, stored: StoredLetter, limit_bytes: int) -> str:
    """Return why a letter still cannot be an event. Empty if it can."""
    decoder_of = Decoders(config, lambda: limit_bytes).of
    async for works in decoded(decoder_of, [stored]):
        for work in works:
            if isinstance(work.delivery.end, Dead):
                return work.delivery.end.rejected.detail
    return ""


async def _sent(config: Config, before: StoredLetter, mended: StoredLetter) -> str:
    """Replay a mended letter. Return why it still cannot be an event, or an empty text.

    If it cannot, the letter stays as it was.

    Args:
        config: The configuration.
        before: The letter as its stream had it before the editor was opened.
        mended: The letter with the text of the user.

    Raises:
        LetterChanged: The letter is gone, or is another letter. Nothing was sent.
        Unavailable: The server of the dead letters is away.
        ExceptionGroup: It holds a `LetterStays`: the event is stored, and the letter may be there.
    """
    async with (
        open_reader(config.sink, config.dead_letters) as reader,
        opened_replayer(config, reader, letter_of=_no_letter) as replayer,
    ):
        # The store and the sink are open now. Waiting for them may have taken long, too.
        await _compare(reader, before)
        try:
            await replayer.replay_whole([mended])
        except StillDead as error:
            return str(error)
    click.echo(replayer.said)
    return ""


async def _compare(reader: LetterReader, before: StoredLetter) -> None:
    """Compare a letter with what its stream has now.

    If the stream was made anew, another letter may have the same number. So the bytes are compared
    too, and the time at which the server stored them.
    """
    try:
        now = await found_letter(reader, before.number)
    except NoSuchLetterError as error:
        raise LetterChanged(
            f"nothing was sent, because the letter was replayed, mended or dropped while you "
            f"edited it: {error}"
        ) from error
    if now != before:
        raise LetterChanged(
            f"nothing was sent, because the stream of dead letters was made anew while you edited "
            f"the letter: number {before.number} is another letter now"
        )


def _no_letter(_: Delivery, rejected: Rejected, __: Origin, _now_s: float) -> NoReturn:
    """Refuse to write a letter with the text of the user: a `LetterOf`.

    A letter holds the bytes as they arrived. The letter that is mended has them, so it stays.
    """
    raise StillDead(rejected.detail)
