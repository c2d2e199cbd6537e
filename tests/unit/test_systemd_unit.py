"""The unit for systemd: it is one, and its times fit the program."""

from __future__ import annotations

import asyncio
import configparser
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from consumer.operations.http import OperationsSettings

UNIT: Final = Path(__file__).parents[2] / "config" / "consumer.service"
CLOSING_S: Final = 15
"""What the connections may take after a drain: docs/operations.md."""

if TYPE_CHECKING:
    from collections.abc import Mapping


def _service() -> Mapping[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser["Service"]


def test_unit_waits_for_a_whole_drain() -> None:
    """Otherwise systemd kills the process in the middle of it."""
    assert int(_service()["TimeoutStopSec"]) >= OperationsSettings().shutdown_grace_s + CLOSING_S


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
