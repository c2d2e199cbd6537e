"""The matrix in docs/operations.md: every row is shown by a test, and names alerts that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS: Final = (ROOT / "config" / "alerts.yaml").read_text(encoding="utf-8")
MATRIX: Final = PAGE.partition("## When something changes underneath\n")[2].partition("\n## ")[0]
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in MATRIX.splitlines()
    if line.startswith("| ") and not line.startswith(("| **", "| ---"))
][1:]
SHOWN: Final = re.compile(r"\]\(\.\./(tests/[a-z_/]+\.py)\) `(\w+)`")


def test_matrix_is_found() -> None:
    """Otherwise the other tests would have no rows."""
    assert len(ROWS) > 20


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_row_is_shown_by_a_test(row: list[str]) -> None:
    """The test is there, and has this name."""
    shown = SHOWN.findall(row[-1])
    assert shown
    for path, name in shown:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_alert_of_a_row_exists(row: list[str]) -> None:
    """An SRE looks for it by this name."""
    for name in re.findall(r"\bConsumer[A-Z]\w+", row[4]):
        assert f"- alert: {name}\n" in ALERTS
