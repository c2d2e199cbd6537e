"""`consumer send` asks before made-up events go where this machine's configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from consumer.cli.main import cli
from consumer.cli.send import agree as agree_module
from consumer.cli.terminal import asking as asking_module

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

# Port 1 is where nobody listens: whoever gets so far is refused by the system.
CONFIG: Final = """
brand = "brand-a"
[listeners.payments]
kind = "nats"
url = "nats://127.0.0.1:1"
subject = "a.>"
"""
ASKED: Final = "Send 100 made-up events to the source of payments, as "
REACHED: Final = "connection refused"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that stands for the configuration of this machine."""
    file = tmp_path / "consumer.toml"
    file.write_text(CONFIG)
    monkeypatch.setattr(agree_module, "SYSTEM_FILE", file)
    return file


def send(file: Path, *arguments: str, answer: str = "") -> Result:
    """Run the verb, and answer its question."""
    return CliRunner().invoke(cli, ["send", "CASINO", "-c", str(file), *arguments], input=answer)


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty:
        def isatty(self) -> bool:
            return True

    class System:
        stdin = stderr = Tty()

    monkeypatch.setattr(asking_module, "sys", System)


def test_without_a_terminal_it_refuses(machine: Path) -> None:
    """A script that runs by mistake must not write into production."""
    result = send(machine)
    assert result.exit_code == 2
    assert "expected --yes" in result.stderr
    assert REACHED not in result.stderr


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize(
    ("answer", "then"), [("n\n", "Aborted!"), ("\n", "Aborted!"), ("y\n", REACHED)]
)
def test_it_asks_on_a_terminal(machine: Path, answer: str, then: str) -> None:
    """The answer that costs nothing is no."""
    result = send(machine, answer=answer)
    assert f"{ASKED}{machine} says? [y/N]" in result.stderr
    assert then in result.stderr


@pytest.mark.parametrize("option", ["--yes", "-y"])
def test_yes_is_for_scripts(machine: Path, option: str) -> None:
    """Then it goes on at once."""
    assert REACHED in send(machine, option).stderr


def test_link_to_the_file_is_the_file(machine: Path, tmp_path: Path) -> None:
    """What counts is where the events go."""
    link = tmp_path / "link.toml"
    link.symlink_to(machine)
    assert send(link).exit_code == 2


def test_another_file_is_not_asked_about(machine: Path, tmp_path: Path) -> None:
    """Whoever names a file knows it."""
    other = tmp_path / "other.toml"
    other.write_text(machine.read_text())
    assert REACHED in send(other).stderr


def test_events_of_a_file_are_not_asked_about(machine: Path, tmp_path: Path) -> None:
    """They are not made up."""
    events = tmp_path / "casino.ndjson"
    events.write_text("{}\n")
    assert REACHED in send(machine, "--file", str(events)).stderr
