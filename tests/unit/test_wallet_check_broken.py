"""The check of a wallet notices each rule that a wallet breaks, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from consumer.tools.wallet_check.case import CaseOutcome
from tests.support.broken_wallet import BROKEN
from tests.support.checked_wallet import CheckedWallet, checking, results_of

if TYPE_CHECKING:
    from pathlib import Path

FAILED_MAX_COUNT: Final = 25
"""A wallet that never says that it repeats fails every case with a repetition: 24 of 125."""


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_rule_fails_its_case(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And few others, so that the report points at the rule."""
    wallet = CheckedWallet(tmp_path)
    async with checking(wallet, monkeypatch, BROKEN[name]) as check:
        results = await results_of(check)
    failed = [result.case for result in results.values() if result.outcome is CaseOutcome.FAILED]
    assert BROKEN[name].case in failed
    assert len(failed) <= FAILED_MAX_COUNT, failed
