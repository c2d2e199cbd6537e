"""Opens a file in the editor of the user."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Final

from consumer.cli.terminal.ending import AskedToEnd, leaving_ctrl_c
from consumer.errors import ConsumerError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES: Final = ("VISUAL", "EDITOR")
PROGRAMS: Final = ("sensible-editor", "vim", "nano")
"""The editors that are tried in this order if no variable names an editor. The last resort is vi,
which every Unix has."""
LAST_RESORT: Final = "vi"
END_DEADLINE_S: Final = 5.0
"""How long an editor may take to end after SIGTERM, in seconds. Editors save what they can."""
INTERRUPTED_CODES: Final = (-signal.SIGINT, 128 + signal.SIGINT)
"""The exit codes of a program that Ctrl-C has ended, and of a shell whose program it has ended."""


class EditorError(ConsumerError):
    """The editor could not be started, or has failed, or has left no file."""


def run_editor(path: Path) -> None:
    """Open a file in the editor of the user, and block until the editor has ended.

    Ctrl-C is left to the editor: the terminal sends it to both programs, and in many editors it is
    an ordinary key.

    Args:
        path: The file.

    Raises:
        EditorError: The editor could not be started, or has failed. The text names the editor.
        KeyboardInterrupt: Ctrl-C has ended the editor.
        AskedToEnd: This process was asked to end. The editor has ended too.
    """
    words = editor_words()
    with leaving_ctrl_c():
        try:
            process = subprocess.Popen([*words, str(path)])  # noqa: S603  # the user names it
        except (OSError, ValueError) as error:
            raise EditorError(f"the editor {words[0]} cannot be started: {error}") from error
        code = _exit_code(process)
    if code in INTERRUPTED_CODES:
        raise KeyboardInterrupt
    if code:
        raise EditorError(f"the editor {words[0]} has failed, with exit code {code}")


def editor_words() -> list[str]:
    """Return the command of the editor: the program and its arguments.

    Raises:
        EditorError: VISUAL or EDITOR holds no command.
    """
    for name in VARIABLES:
        try:
            words = shlex.split(os.environ.get(name, ""))
        except ValueError as error:
            raise EditorError(f"{name} holds no command: {error}") from error
        if words:
            return words
    return [next((each for each in PROGRAMS if shutil.which(each)), LAST_RESORT)]


def _exit_code(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except AskedToEnd:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
