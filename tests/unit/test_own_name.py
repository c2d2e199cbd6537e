"""The commands that are printed name the program so that a shell finds it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from consumer.cli.terminal.own_name import own_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a program outside the search path of the shell, and call it by its path."""
    program = tmp_path / "a folder" / "consumer"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_program_that_no_shell_finds_is_named_by_its_path(program: Path) -> None:
    """As `make run` calls it. The path is quoted."""
    assert own_name() == f"'{program}'"


def test_program_that_a_shell_finds_has_its_short_name(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an installation."""
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_name() == "consumer"


def test_another_program_of_that_name_is_not_meant(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version may be installed beside this checkout."""
    (tmp_path / "consumer").touch(mode=0o755)
    assert own_name() == f"'{program}'"
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert own_name().endswith("-m consumer")
