"""What becomes of an edit if anything fails while or after the editor is open, on a real NATS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from consumer.errors import Reason
from tests.support.command import interruptible
from tests.support.eventually import eventually
from tests.support.letters import letter
from tests.support.proxy import Proxy
from tests.support.samples import casino

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.letters import Letters

BROKEN: Final = letter(casino(amount="abc"), Reason.INVALID)


class Editor:
    """An editor that corrects the letter, and then stays open until it is told to end.

    Args:
        folder: The folder for the editor's files.
    """

    def __init__(self, folder: Path) -> None:
        self._opened, self._go = folder / "opened", folder / "go"
        self.program = folder / "editor"
        self.program.write_text(
            f'#!/bin/sh\nsed -i s/abc/1.5/ "$1"\ntouch {self._opened}\n'
            f"while [ ! -e {self._go} ]; do sleep 0.05; done\n"
        )
        self.program.chmod(0o700)

    async def is_open(self) -> None:
        """Wait until the letter is corrected."""

        async def opened() -> bool:
            return self._opened.exists()

        await eventually(opened, within_s=30, what="an open editor")

    def changes_nothing(self) -> None:
        """Let the editor leave the letter as it is."""
        self.program.write_text(self.program.read_text().replace("sed ", "true "))

    def end(self) -> None:
        """End the editor."""
        self._go.touch()


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which folders for drafts are made."""
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Make the editor the user's editor."""
    monkeypatch.delenv("VISUAL", raising=False)
    made = Editor(tmp_path)
    monkeypatch.setenv("EDITOR", str(made.program))
    return made


@pytest.fixture
async def proxy(letters: Letters) -> AsyncIterator[Proxy]:
    """Put a proxy between the command line and the server."""
    host, _, port = letters.scene.tables["sink"]["url"].rpartition("/")[2].rpartition(":")
    async with Proxy(host, int(port)) as between:
        letters.scene.tables["sink"]["url"] = f"nats://{between.address}"
        yield between


def in_folder(folder: Path) -> int:
    """Return how many files and folders a folder has."""
    return len(list(folder.iterdir()))


def kept_in(drafts: Path, stderr: str) -> Path:
    """Return the file that the text names. Nobody else can read it, and it is the only file."""
    (named,) = re.findall(r"your text is kept in (\S+),", stderr)
    (path,) = drafts.glob("consumer-*/*")
    assert path == Path(named)
    assert f"consumer dead mend 1 --from {path}" in stderr
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
    assert modes == [0o600, 0o700]
    return path


async def while_open(
    letters: Letters, editor: Editor, act: Callable[[], Awaitable[object]]
) -> tuple[int, str]:
    """Do something while the editor is open; return the exit code and standard error."""
    async with asyncio.TaskGroup() as group:
        mending = group.create_task(letters.dead("mend", "1"), name="mend")
        await editor.is_open()
        await act()
        editor.end()
    return mending.result().exit_code, mending.result().stderr


async def test_no_connection_is_open_while_the_editor_is(
    letters: Letters, editor: Editor, proxy: Proxy, drafts: Path
) -> None:
    """The pings of a connection got no answer, so it was lost, and the letter was not removed."""
    await letters.store(BROKEN)

    async def cut() -> None:
        proxy.cut()

    code, stderr = await while_open(letters, editor, cut)
    assert (code, stderr) == (0, "")
    assert await letters.left() == []
    assert await letters.scene.sink.count() == 1
    assert in_folder(drafts) == 0


async def test_edit_outlives_a_server_that_is_away_after_the_editor(
    letters: Letters, editor: Editor, proxy: Proxy, drafts: Path
) -> None:
    """The command that is printed goes on with it, once the server is back."""
    await letters.store(BROKEN)

    async def away() -> None:
        proxy.refuse()
        proxy.cut()

    code, stderr = await while_open(letters, editor, away)
    assert code == 1
    path = kept_in(drafts, stderr)
    assert b"1.5" in path.read_bytes()
    proxy.accept()
    result = await letters.dead("mend", "1", "--from", str(path))
    assert "1 forwarded" in result.stdout
    assert path.exists()  # the file of the user is the user's


async def test_stored_event_whose_letter_stays_is_told(
    letters: Letters, editor: Editor, drafts: Path
) -> None:
    """It looked like a mend that had sent nothing. The second try is a copy."""
    info = await letters.jetstream.stream_info(letters.scene.dead_letter_settings.stream)
    await letters.jetstream.delete_stream(info.config.name or "")
    await letters.jetstream.add_stream(info.config, deny_delete=True)
    await letters.store(BROKEN)
    editor.end()
    result = await letters.dead("mend", "1")
    assert result.exit_code == 1
    assert "consumer: the event is stored, but letter 1 could not be removed: " in result.stderr
    path = kept_in(drafts, result.stderr)
    await letters.dead("mend", "1", "--from", str(path))
    assert await letters.scene.sink.count() == 1


@pytest.mark.parametrize("verb", [["drop", "1", "--yes"], ["replay", "1"]], ids=["drop", "replay"])
async def test_letter_that_somebody_took_meanwhile_is_not_sent(
    letters: Letters, editor: Editor, drafts: Path, verb: list[str]
) -> None:
    """Its event may be stored already, or is not wanted any more."""
    await letters.store(BROKEN)
    code, stderr = await while_open(letters, editor, lambda: letters.dead(*verb))
    assert code == 1
    assert "nothing was sent, because the letter was replayed, mended or dropped" in stderr
    assert ("it is letter 2 now" in stderr) == (verb[0] == "replay")
    kept_in(drafts, stderr)
    assert await letters.scene.sink.count() == 0


async def test_letter_of_a_stream_that_was_made_anew_is_not_sent(
    letters: Letters, editor: Editor, drafts: Path
) -> None:
    """The numbers begin again, and even the bytes may be the same."""
    await letters.store(BROKEN)

    async def anew() -> None:
        info = await letters.jetstream.stream_info(letters.scene.dead_letter_settings.stream)
        await letters.jetstream.delete_stream(info.config.name or "")
        await letters.jetstream.add_stream(info.config)
        await letters.store(BROKEN)

    code, stderr = await while_open(letters, editor, anew)
    assert code == 1
    assert "number 1 is another letter now" in stderr
    kept_in(drafts, stderr)
    assert len(await letters.left()) == 1
    assert await letters.scene.sink.count() == 0


@contextlib.asynccontextmanager
async def mending(letters: Letters) -> AsyncIterator[Process]:
    """Run `dead mend 1` as a process with a group of its own, as a shell does."""
    letters.configure()
    words = ("-m", "consumer", "dead", "mend", "1", "--config", str(letters.config))
    with interruptible():
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_signal_keeps_the_edit(
    letters: Letters, editor: Editor, drafts: Path, number: signal.Signals
) -> None:
    """It left the file without a word, or lost the edit."""
    await letters.store(BROKEN)
    async with mending(letters) as process:
        await editor.is_open()
        # A terminal sends SIGINT to both programs. A supervisor sends SIGTERM to ours alone.
        send = os.killpg if number is signal.SIGINT else os.kill
        send(process.pid, number)
        _, stderr = await process.communicate()
    assert process.returncode == 128 + number
    assert "Traceback" not in stderr.decode()
    kept_in(drafts, stderr.decode())
    assert len(await letters.left()) == 1


async def test_signal_before_any_edit_leaves_no_file(
    letters: Letters, editor: Editor, drafts: Path
) -> None:
    """A letter holds personal data, and this file would hold nothing that the stream has not."""
    await letters.store(BROKEN)
    editor.changes_nothing()
    async with mending(letters) as process:
        await editor.is_open()
        process.terminate()
        _, stderr = await process.communicate()
    assert (process.returncode, stderr) == (143, b"")
    assert in_folder(drafts) == 0


async def test_ctrl_c_is_left_to_the_editor(letters: Letters, editor: Editor) -> None:
    """In many editors it is an ordinary key, and the terminal sends it to this program too."""
    await letters.store(BROKEN)
    async with mending(letters) as process:
        await editor.is_open()
        process.send_signal(signal.SIGINT)
        editor.end()
        assert await process.wait() == 0
    assert await letters.left() == []


async def test_signal_while_the_store_is_away_keeps_the_edit(
    letters: Letters, editor: Editor, drafts: Path
) -> None:
    """A mend waits for the store as long as it takes, and the user may not."""
    await letters.store(BROKEN)
    letters.scene.tables["dedupe"]["url"] = "redis://127.0.0.1:1/0"
    editor.end()
    async with mending(letters) as process:
        assert process.stderr is not None
        assert b"store" in await process.stderr.readline()
        process.terminate()
        stderr = (await process.stderr.read()).decode()
        assert await process.wait() == 143
    assert "Traceback" not in stderr
    kept_in(drafts, stderr)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("rm", "the editor has left no file that can be read"),
        ("vi 'x", "EDITOR holds no command: No closing quotation"),
        ("false", "the editor false has failed, with exit code 1"),
        ("/no/such/editor", "the editor /no/such/editor cannot be started"),
    ],
)
async def test_editor_that_fails_is_told(
    letters: Letters, drafts: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    """Without a traceback, and without a file that stays."""
    await letters.store(BROKEN)
    monkeypatch.setenv("EDITOR", command)
    result = await letters.dead("mend", "1")
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert f"consumer: {said}" in result.stderr
    assert in_folder(drafts) == 0
    assert len(await letters.left()) == 1


async def test_failing_editor_that_has_saved_keeps_the_edit(
    letters: Letters, drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have crashed behind the last save."""
    await letters.store(BROKEN)
    monkeypatch.setenv("EDITOR", "sh -c 'echo {} > \"$0\"; exit 3'")
    result = await letters.dead("mend", "1")
    assert result.exit_code == 1
    assert kept_in(drafts, result.stderr).read_bytes() == b"{}\n"


async def test_mended_letter_that_is_a_conflict_stays_as_it_arrived(
    letters: Letters, drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new letter with the text of the user took its place, and the bytes were nowhere."""
    await letters.store(letter(casino(amount=7)), BROKEN)
    assert (await letters.dead("replay", "1")).exit_code == 0
    monkeypatch.setenv("EDITOR", "sed -i s/abc/1.5/")
    result = await letters.dead("mend", "2")
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.search(r"still no event: .*was sent before.*\n", result.stderr)
    assert [(each.body, each.attempt) for each in await letters.left()] == [(BROKEN.body, 1)]
    assert in_folder(drafts) == 1
