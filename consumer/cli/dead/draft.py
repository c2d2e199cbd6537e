"""Keeps the text of a letter in a file while the user edits it, and after it if it is needed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import click

from consumer.cli.terminal.editor import EditorError, run_editor

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

FILE_NAME: Final = "letter.json"
FILE_MODE: Final = stat.S_IRUSR | stat.S_IWUSR


class LetterDraft:
    """A file with the text of a letter, in a folder that only this user can read.

    It is removed at the end of the block if `is_needed` is false, or if the user has changed
    nothing. Otherwise it stays, and the user is told where it is. So no edit is lost, whatever
    fails after it.

    Args:
        text: The text at the beginning.
        go_on: Returns the command that begins with the text of a file, given the path of the file.

    Attributes:
        is_needed: Set it to false once the text has become an event.

    Raises:
        EditorError: The file cannot be written.
    """

    def __init__(self, text: bytes, go_on: Callable[[Path], str]) -> None:
        self._text = text
        self._go_on = go_on
        self.is_needed = True

    def __enter__(self) -> Self:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="consumer-"))  # with mode 0700
            self._path = self._folder / FILE_NAME
            self._write()
        except OSError as error:
            raise EditorError(f"the text cannot be written for the editor: {error}") from error
        return self

    def _write(self) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        try:
            with os.fdopen(os.open(self._path, flags, FILE_MODE), "wb") as file:
                file.write(self._text)
        except OSError:  # a part of the letter may be there
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        kept = self._kept() if self.is_needed else None
        if kept is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        told = (
            f"your text is kept in {kept}, which only you can read. Delete it when you do not need "
        )
        told += "it any more."
        if kept == self._path:
            told += f" To go on with it:\n  {self._go_on(kept)}"
        click.echo(told, err=True)

    def edited(self) -> bytes:
        """Open the file in the editor, and return what the user has saved. Blocks until then.

        Raises:
            EditorError: The editor has failed, or has left no file.
            KeyboardInterrupt: Ctrl-C or a signal has ended the editor.
        """
        run_editor(self._path)
        try:
            if self._path.is_file() and not self._path.is_symlink():
                self._path.chmod(FILE_MODE)  # an editor may have written another file in its place
            return self._path.read_bytes()
        except OSError as error:
            raise EditorError(f"the editor has left no file that can be read: {error}") from error

    def _kept(self) -> Path | None:
        """Return what has to be kept. None if the user has changed nothing."""
        try:
            saved = self._path.read_bytes()
        except FileNotFoundError:
            saved = b""
        except OSError:  # it may be another user's, as after `sudo vim`
            return self._folder
        if saved and saved != self._text:
            return self._path
        # An editor may have saved the text in a file of its own.
        others = [each for each in self._folder.iterdir() if each != self._path]
        return self._folder if others else None
