"""SIGHUP names the options that need a restart, and only those."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from consumer.app import App
from consumer.cancel import end_tasks
from consumer.cli.input.configuration import load_config
from consumer.cli.run import reread
from consumer.cli.run.reread import Rereading
from consumer.listeners.registry import kinds
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from consumer.config.load import Config

DEADLINE_S: Final = 20.0
LISTENER: Final = '[listeners.a]\nkind = "nats"\nsubject = "a.>"\n'
TLS: Final = Path(__file__).parents[1] / "data" / "tls"
PORT: Final = f"""
[http]
[listeners.b]
kind = "http"
[http.tls]
cert_file = "{TLS / "cert.pem"}"
key_file = "{TLS / "locked_key.pem"}"
"""
WALLET: Final = (
    'database_file = "one"\n[wallet.brands.brand-a]\norigin = "a.example"\nexchange_rates = {}\n'
    "[wallet.providers.acme]\n"
)
UNCHANGED: Final = ("configuration has not changed", None)
RESTART: Final = "configuration has changed: restart to use it"


class ReadAgain:
    """A configuration whose secrets are in files, and what SIGHUP says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "consumer.toml"

    def begin(self, text: str) -> None:
        """Write the configuration, and begin to run with it."""
        self.write(text)
        config = load_config(self._file)
        self.app = App(config, kinds())
        self.rereading = Rereading(config, self._file)

    def write(self, text: str) -> None:
        """Write the configuration."""
        self._file.write_text(f'brand = "brand-a"\n{LISTENER}{text}')

    def hold(self, **files: str) -> None:
        """Write files with secrets."""
        for name, held in files.items():
            (self.folder / name).write_text(held)

    async def said(self) -> tuple[str, str | None]:
        """Return the event and the options of the line that the log gets."""
        async with self.running() as lines:
            self.rereading.ask()
            await eventually(lambda: lines, what="a line")
        (line,) = lines
        return line["event"], line.get("options")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[list[MutableMapping[str, Any]]]:
        """Answer SIGHUP during the block. The lines of the log are given."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.rereading.run(self.app), name="rereading")
            with capture_logs() as lines:
                yield lines
            await end_tasks([task])


class SlowDisk:
    """Reads the configuration when a test lets it, and counts how often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads_count = 0
        self.answers = threading.Event()
        monkeypatch.setattr(reread, "load_config", self._load)

    def _load(self, path: Path | None) -> Config:
        self.reads_count += 1
        assert self.answers.wait(DEADLINE_S)
        return load_config(path)


@pytest.fixture
def again(tmp_path: Path) -> ReadAgain:
    """Return a configuration that is not written yet."""
    return ReadAgain(tmp_path)


async def test_rotated_secret_needs_no_restart(again: ReadAgain) -> None:
    """Each new connection reads it."""
    again.hold(one="old")
    again.begin('[sink]\npassword_file = "one"\n')
    again.hold(one="new")
    assert await again.said() == UNCHANGED


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("[sink]\npassword", "sink.password_file"),
        ("[dedupe]\npassword", "dedupe.password_file"),
        ("password", "listeners.a.password_file"),
        (f"{PORT}key_password", "http.tls.key_password_file"),
    ],
)
async def test_other_file_of_a_secret_needs_a_restart(
    again: ReadAgain, text: str, option: str
) -> None:
    """Although it holds the same: the process goes on reading the file of its start."""
    again.hold(one="hunter2", two="hunter2")
    again.begin(f'{text}_file = "one"\n')
    again.write(f'{text}_file = "two"\n')
    assert await again.said() == (RESTART, option)


async def test_secret_that_moves_into_a_file_is_named_by_both_options(again: ReadAgain) -> None:
    """The process reads no file until it is restarted."""
    again.hold(one="same")
    again.begin('[sink]\npassword = "same"\n')
    again.write('[sink]\npassword_file = "one"\n')
    assert await again.said() == (RESTART, "sink.password, sink.password_file")


async def test_secrets_that_only_a_start_reads_need_a_restart(again: ReadAgain) -> None:
    """Those of the wallet."""
    again.hold(one="sqlite:a.db")
    again.begin(f'[http]\n[listeners.b]\nkind = "http"\n[wallet]\n{WALLET}')
    again.hold(one="sqlite:b.db")
    assert await again.said() == (RESTART, "wallet.database_file")


@pytest.mark.parametrize(
    ("held", "is_login_alone"),
    [
        ("redis://u:new@127.0.0.1:6379/0", True),
        ("redis://127.0.0.1:6379/0?password=new", True),
        ("redis://u:old@127.0.0.2:6379/0", False),
        ("redis://u:old@127.0.0.1:6380/0", False),
        ("redis://u:old@127.0.0.1:6379/1", False),
        ("rediss://u:old@127.0.0.1:6379/0", False),
    ],
)
async def test_only_the_login_of_a_store_is_read_again(
    again: ReadAgain, held: str, *, is_login_alone: bool
) -> None:
    """Another server or database needs the checks of a start."""
    again.hold(one="redis://u:old@127.0.0.1:6379/0")
    again.begin('[dedupe]\nurl_file = "one"\n')
    again.hold(one=held)
    assert await again.said() == (UNCHANGED if is_login_alone else (RESTART, "dedupe.url_file"))


async def test_reading_holds_nobody(again: ReadAgain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals that come meanwhile count as one: the file may have changed since."""
    again.begin("")
    disk = SlowDisk(monkeypatch)
    async with again.running() as lines:
        again.rereading.ask()
        again.rereading.ask()
        await eventually(lambda: disk.reads_count == 1)
        again.rereading.ask()
        again.rereading.ask()
        disk.answers.set()
        await eventually(lambda: len(lines) == 2)
    assert disk.reads_count == 2
    assert [line["event"] for line in lines] == [UNCHANGED[0]] * 2


async def test_process_that_stops_uses_nothing_new(
    again: ReadAgain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its drain has begun with the grace time of before."""
    again.begin("")
    disk = SlowDisk(monkeypatch)
    async with again.running() as lines:
        again.write("[operations]\nshutdown_grace_s = 7\n")
        again.rereading.ask()
        await eventually(lambda: disk.reads_count == 1)
        again.app.stop()
        disk.answers.set()
        await eventually(lambda: lines)
    assert [line["event"] for line in lines] == ["configuration not used"]


async def test_unexpected_error_ends_nothing(
    again: ReadAgain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next signal reads again."""
    again.begin("")

    def broken(_: Path | None) -> Config:
        raise KeyError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(reread, "load_config", broken)
        assert await again.said() == ("configuration not read again", None)
    assert await again.said() == UNCHANGED
