"""SIGHUP names the options that need a restart, and only those."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest
from structlog.testing import capture_logs

from consumer.cli.input.configuration import load_config
from consumer.cli.run.reread import Rereading

if TYPE_CHECKING:
    from consumer.app import App

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
        self._rereading = Rereading(load_config(self._file), self._file)

    def write(self, text: str) -> None:
        """Write the configuration."""
        self._file.write_text(f'brand = "brand-a"\n{LISTENER}{text}')

    def hold(self, **files: str) -> None:
        """Write files with secrets."""
        for name, held in files.items():
            (self.folder / name).write_text(held)

    def said(self) -> tuple[str, str | None]:
        """Return the event and the options of the line that the log gets."""
        with capture_logs() as lines:
            self._rereading.adopt_into(cast("App", None))
        (line,) = lines
        return line["event"], line.get("options")


@pytest.fixture
def again(tmp_path: Path) -> ReadAgain:
    """Return a configuration that is not written yet."""
    return ReadAgain(tmp_path)


def test_rotated_secret_needs_no_restart(again: ReadAgain) -> None:
    """Each new connection reads it."""
    again.hold(one="old")
    again.begin('[sink]\npassword_file = "one"\n')
    again.hold(one="new")
    assert again.said() == UNCHANGED


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("[sink]\npassword", "sink.password_file"),
        ("[dedupe]\npassword", "dedupe.password_file"),
        ("password", "listeners.a.password_file"),
        (f"{PORT}key_password", "http.tls.key_password_file"),
    ],
)
def test_other_file_of_a_secret_needs_a_restart(again: ReadAgain, text: str, option: str) -> None:
    """Although it holds the same: the process goes on reading the file of its start."""
    again.hold(one="hunter2", two="hunter2")
    again.begin(f'{text}_file = "one"\n')
    again.write(f'{text}_file = "two"\n')
    assert again.said() == (RESTART, option)


def test_secret_that_moves_into_a_file_is_named_by_both_options(again: ReadAgain) -> None:
    """The process reads no file until it is restarted."""
    again.hold(one="same")
    again.begin('[sink]\npassword = "same"\n')
    again.write('[sink]\npassword_file = "one"\n')
    assert again.said() == (RESTART, "sink.password, sink.password_file")


def test_secrets_that_only_a_start_reads_need_a_restart(again: ReadAgain) -> None:
    """Those of the wallet."""
    again.hold(one="sqlite:a.db")
    again.begin(f'[http]\n[listeners.b]\nkind = "http"\n[wallet]\n{WALLET}')
    again.hold(one="sqlite:b.db")
    assert again.said() == (RESTART, "wallet.database_file")


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
def test_only_the_login_of_a_store_is_read_again(
    again: ReadAgain, held: str, *, is_login_alone: bool
) -> None:
    """Another server or database needs the checks of a start."""
    again.hold(one="redis://u:old@127.0.0.1:6379/0")
    again.begin('[dedupe]\nurl_file = "one"\n')
    again.hold(one=held)
    assert again.said() == (UNCHANGED if is_login_alone else (RESTART, "dedupe.url_file"))
