"""The token of the operations port: which texts can be one, and what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from consumer.cli.main import cli
from consumer.operations.http import OperationsSettings
from consumer.options.check import build_struct

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
brand = "brand-a"
[listeners.a]
kind = "nats"
subject = "a"
[operations]
bind = "127.0.0.1:1"
token_file = "token"
"""


@pytest.mark.parametrize(
    "token", ["", " hunter2", "hunter2 ", "hunter\n2", "hunter2\n", "hunter\r2", "hünter2", "\x7f"]
)
def test_text_that_no_header_can_hold_is_refused(token: str) -> None:
    """Without showing it."""
    problems: list[str] = []
    assert build_struct(OperationsSettings, {"token": token}, "operations", problems) is None
    (problem,) = problems
    assert problem.startswith("operations.token: holds a value that is not shown, expected a secr")


@pytest.mark.parametrize("token", ["a", "hunter2", "two words", "a+b/c==", "!~"])
def test_text_that_a_header_can_hold_is_taken(token: str) -> None:
    """Also if it is a number, or has spaces inside."""
    problems: list[str] = []
    settings = build_struct(OperationsSettings, {"token": token}, "operations", problems)
    assert settings == OperationsSettings(token=token)


@pytest.mark.parametrize("token", ["hunter2\nhunter3", "hunter2-é"])
def test_pause_never_shows_the_token(tmp_path: Path, token: str) -> None:
    """Python's own error about a header shows the whole header."""
    (tmp_path / "consumer.toml").write_text(CONFIG)
    (tmp_path / "token").write_text(token)
    asked = ("pause", "a", "--config", str(tmp_path / "consumer.toml"))
    result = CliRunner().invoke(cli, asked)
    assert result.exit_code == 2
    assert "operations.token: holds a value that is not shown" in result.output
    assert "hunter" not in result.output
