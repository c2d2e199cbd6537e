"""docs/events.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from consumer.cli.main import cli
from consumer.events.registry import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_page_is_current() -> None:
    """If this fails, run `make docs`."""
    result = CliRunner().invoke(cli, ["schema", "--markdown"])
    assert result.exit_code == 0, result.output
    assert result.stdout == PAGE.read_text()


def test_page_has_every_type_and_subject() -> None:
    """Nothing that can come out is missing."""
    text = PAGE.read_text()
    for event_type in CATALOGUE:
        assert f"\n## {event_type.name}\n" in text
        assert all(f"`{subject}`" in text for subject in event_type.subjects.values())
