"""Corrects one dead letter in an editor, and sends it through the pipeline again."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from consumer.cli.dead.replay import Failures
from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.safe_text import printable
from consumer.deliveries.decompress import decompress
from consumer.deliveries.delivery import Dead
from consumer.errors import Rejected
from consumer.operations.log import LogSettings, configure
from consumer.tools.replay.opened import Decoders, opened_replayer
from consumer.tools.replay.read import open_reader
from consumer.tools.replay.replay import decoded, whole

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadMendOptions
    from consumer.config.load import Config
    from consumer.tools.replay.query import StoredLetter


async def mend(options: DeadMendOptions) -> int:
    """Open a letter in the editor, and replay what comes out of it; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: There is no such letter, or the server of the dead letters is away.
        click.ClickException: The editor cannot be started.
    """
    config = load_config(options.config_file)
    configure(LogSettings(format="console", level="warning"))
    async with open_reader(config.sink, config.dead_letters) as reader:
        stored = await whole(reader, options.number)
        limit_bytes = reader.max_message_bytes
        mended = await _mended(config, _as_text(stored, limit_bytes), options, limit_bytes)
        if mended is None:
            return 1
        async with opened_replayer(config, reader, Failures().tell) as replayer:
            await replayer.replay_whole([mended])
    click.echo(replayer.said)
    return 1 if replayer.failed_count else 0


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


async def _mended(
    config: Config, stored: StoredLetter, options: DeadMendOptions, limit_bytes: int
) -> StoredLetter | None:
    """Let the user edit a letter until it can be an event. None means that nothing is sent."""
    shown, before = stored.letter.body, stored.letter
    if options.message_type is not None:
        before = msgspec.structs.replace(before, message_type=options.message_type)
    while True:
        body = _edited(shown)
        if body == stored.letter.body and before == stored.letter:
            click.echo("nothing was changed, so nothing is sent", err=True)
            return None
        letter = msgspec.structs.replace(before, body=body)
        mended = msgspec.structs.replace(stored, letter=letter)
        error = await _error_of(config, mended, limit_bytes)
        if not error:
            return mended
        click.echo(f"still no event: {printable(error)}", err=True)
        if not sys.stdin.isatty() or not click.confirm("Open the editor again?", err=True):
            return None
        shown = body


def _edited(body: bytes) -> bytes:
    """Open bytes in the user's editor, and return what it has saved."""
    # Letters hold personal data: only this user can read the file, and it is removed.
    with tempfile.TemporaryDirectory(prefix="consumer-") as folder:
        path = Path(folder) / "letter.json"
        path.write_bytes(body)
        click.edit(filename=str(path))
        return path.read_bytes()


async def _error_of(config: Config, stored: StoredLetter, limit_bytes: int) -> str:
    """Return why a letter still cannot be an event. Empty if it can."""
    decoder_of = Decoders(config, lambda: limit_bytes).of
    async for works in decoded(decoder_of, [stored]):
        for work in works:
            if isinstance(work.delivery.end, Dead):
                return work.delivery.end.rejected.detail
    return ""
