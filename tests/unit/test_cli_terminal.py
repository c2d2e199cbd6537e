"""What a person types, and what an outsider must not do to a terminal."""

from __future__ import annotations

import click
import pytest

from consumer.cli.input.parameters import PercentParameter, TimeParameter
from consumer.cli.terminal.numbers import short_size
from consumer.cli.terminal.safe_text import printable
from consumer.clock import SYSTEM_CLOCK


@pytest.mark.parametrize(
    ("text", "ratio"), [("10%", 0.1), ("0.25", 0.25), ("0", 0.0), ("1.5%", 0.015)]
)
def test_shares(text: str, ratio: float) -> None:
    """A share is per cent, or a ratio."""
    assert PercentParameter().convert(text, None, None) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "ten", "-1%", "2", "101%"])
def test_wrong_shares(text: str) -> None:
    """More than all, or no number, is refused."""
    with pytest.raises(click.BadParameter, match="expected 0% to 100%"):
        PercentParameter().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "ago_s"), [("30s", 30), ("30m", 1800), ("1h", 3600), ("2d", 172_800)]
)
def test_ago(text: str, ago_s: float) -> None:
    """How long ago is counted from now."""
    now_s = SYSTEM_CLOCK.now_s()
    assert TimeParameter().convert(text, None, None) == pytest.approx(now_s - ago_s, abs=5)


def test_point_in_time() -> None:
    """RFC 3339 is read as it is."""
    assert TimeParameter().convert("2026-01-01T00:00:00Z", None, None) == 1_767_225_600


@pytest.mark.parametrize(
    ("written", "shown"),
    [("abc é", "abc é"), ("\x1b[31m", r"\x1b[31m"), ("a\u202eb", r"a\u202eb"), ("\x9b", r"\x9b")],
)
def test_nothing_reaches_the_terminal_as_a_command(written: str, shown: str) -> None:
    """Escape sequences and marks that reverse text are shown, not obeyed."""
    assert printable(written) == shown


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2.0 MB")]
)
def test_sizes(count: int, text: str) -> None:
    """Sizes are decimal, as disks are sold."""
    assert short_size(count) == text
