"""The unit for systemd: it is one, its times fit the program, and its commands fit the unit."""

from __future__ import annotations

import asyncio
import configparser
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from consumer.http.settings import HttpSettings
from consumer.operations.http import OperationsSettings

ROOT: Final = Path(__file__).parents[2]
UNIT: Final = ROOT / "config" / "consumer.service"
CLOSING_S: Final = 15
"""What the connections may take after a drain: docs/operations.md."""
LONGEST_STOP_S: Final = (
    OperationsSettings().shutdown_grace_s + HttpSettings().drain_delay_s + CLOSING_S
)
STOP_TIMES: Final = re.compile(
    r"(?:TimeoutStopSec=|--stop-timeout |stop_grace_period: |terminationGracePeriodSeconds: )(\d+)"
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def _service() -> Mapping[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser["Service"]


@pytest.mark.parametrize(
    ("file", "count"),
    [("config/consumer.service", 1), ("Dockerfile", 1), ("docs/operations.md", 4)],
)
def test_whoever_stops_the_process_waits_for_a_whole_drain(file: str, count: int) -> None:
    """Otherwise it kills the process in the middle of the drain."""
    text = (ROOT / file).read_text(encoding="utf-8")
    times_s = [int(time_s) for time_s in STOP_TIMES.findall(text)]
    assert len(times_s) == count
    assert min(times_s) >= LONGEST_STOP_S


def test_files_are_given_to_the_user_of_the_unit() -> None:
    """The user is there before the start, so that the documented commands can be carried out."""
    service = _service()
    assert "DynamicUser" not in service
    group = service["Group"]
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    made = re.search(r"^useradd .*--user-group .* (\w+)$", text, re.MULTILINE)
    assert made is not None
    assert made[1] == service["User"] == group
    given = re.findall(r"^install .*-o root -g (\w+) .*/etc/consumer/?$", text, re.MULTILINE)
    assert given == [group, group]


def test_only_the_documented_commands_make_the_folder_of_the_configuration() -> None:
    """Otherwise it belongs to root alone, and the daemon cannot enter it."""
    assert "ConfigurationDirectory" not in _service()


def test_unit_starts_the_daemon_again_unless_its_configuration_is_wrong() -> None:
    """Exit code 2 comes again at every start."""
    service = _service()
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("always", "2")
    assert service["ExecStart"].startswith("/opt/consumer/bin/consumer run --config /etc/consumer/")


async def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """It would only warn of an option that it does not know."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    text = UNIT.read_text(encoding="utf-8")
    path = tmp_path / UNIT.name
    path.write_text(text.replace("/opt/consumer/bin/consumer", "/usr/bin/true"))
    process = await asyncio.create_subprocess_exec(
        *("systemd-analyze", "verify", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert UNIT.name not in said.decode()
    assert process.returncode == 0
