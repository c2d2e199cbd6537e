"""The check of a wallet: our own wallet passes, and what happens when there is no answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING

import click
import pytest

from consumer.cli.wallet.check import check as run_check
from consumer.cli.wallet.options import WalletCheckOptions
from consumer.clock import SYSTEM_CLOCK
from consumer.errors import ConfigError, Unavailable
from consumer.ledger.reads import LedgerReads
from consumer.tools.sample.http_connection import target_of
from consumer.tools.wallet_check.case import CaseOutcome
from consumer.tools.wallet_check.run import ALL_CASES, WalletCheck
from consumer.tools.wallet_check.settings import load_check
from consumer.wallet.signature import check_proof, read_signature, signed_text
from tests.support.broken_wallet import BROKEN
from tests.support.checked_wallet import CheckedWallet, checking, results_of
from tests.support.ledgers import faults_of
from tests.unit.test_send_http import AnsweringServer, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from consumer.ledger.answers import Funds

PLAYERS = ("usual", "poor", "other", "bonus")
BALANCE = {
    "status": "ok", "currency": "EUR",
    "balance": "50.00", "balance_real": "50.00", "balance_bonus": "0.00",
}  # fmt: skip


async def money(wallet: CheckedWallet) -> list[Funds]:
    """Return what the players have."""
    return [one.funds for player in PLAYERS for one in await wallet.ledger.players("b", player)]


@contextlib.asynccontextmanager
async def check_of(
    server: AnsweringServer, wallet: CheckedWallet, path: str = "", answer_s: float = 3.0
) -> AsyncIterator[tuple[WalletCheck, AnsweringServer]]:
    """Run a server that answers as the test says, and give the check of it."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}{path}"
    yield WalletCheck(target_of(url), load_check(wallet.file()), answer_s), server
    listener.close()


@pytest.mark.parametrize("rollback_wins", [False, True])
async def test_own_wallet_passes_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rollback_wins: bool
) -> None:
    """The players have the same money as before, and no round is open."""
    wallet = CheckedWallet(tmp_path, rollback_wins=rollback_wins)
    async with checking(wallet, monkeypatch) as check:
        before = await money(wallet)
        for _ in range(2):
            results = await results_of(check)
            assert [one for one in results.values() if one.outcome is not CaseOutcome.OK] == []
            assert await money(wallet) == before
        reads = LedgerReads(wallet.ledger)
        left = {one.player_id for one in await reads.open_rounds("b", 2**62, 1000)}
        assert left <= {"converted", "forfeited"}
        assert await faults_of(wallet.ledger) == []


def test_no_two_cases_have_one_name_and_each_has_a_rule() -> None:
    """A name is what people look for."""
    names = [case.name for case in ALL_CASES]
    assert len(set(names)) == len(names)
    assert [case.name for case in ALL_CASES if not case.rule.endswith(".")] == []
    assert [case.name for case in ALL_CASES if len(case.rule) > 100] == []


async def test_cases_without_their_session_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of what is missing."""
    wallet = CheckedWallet(tmp_path)
    wallet.sessions = {name: wallet.sessions[name] for name in ("usual", "poor")} | {
        "expired": "s-expired", "frozen": "s-frozen"
    }  # fmt: skip
    async with checking(wallet, monkeypatch) as check:
        results = await results_of(check)
    assert {one.outcome for one in results.values()} == {CaseOutcome.OK, CaseOutcome.SKIPPED}
    assert results["conflict.player"].why == "sessions.other_player is missing"
    assert results["session.other_provider"].why == "sessions.other_provider is missing"


async def test_balance_that_cannot_be_read_skips_all_other_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what is wrong, and not each."""
    broken = BROKEN["balances are floats"]
    async with checking(CheckedWallet(tmp_path), monkeypatch, broken) as check:
        results = await results_of(check)
    first, *others = results.values()
    assert (first.case, first.found) == ("session.balance", "100.0")
    assert {one.outcome for one in others} == {CaseOutcome.SKIPPED}


async def test_usual_player_without_money_is_a_mistake_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how much is needed."""
    wallet = CheckedWallet(tmp_path)
    wallet.stake = "10.01"
    async with checking(wallet, monkeypatch) as check:
        with pytest.raises(ConfigError, match=r"the player has 100.00, expected at least 100.10"):
            await check.reach()


async def test_wallet_that_goes_away_fails_its_cases_and_ends_no_check(tmp_path: Path) -> None:
    """Each case says that there was no answer."""
    told = answer(200, json.dumps(BALANCE).encode(), b"content-type: application/json")
    async with check_of(AnsweringServer(*[told] * 4, b""), CheckedWallet(tmp_path)) as (check, _):
        first, *others = (await results_of(check)).values()
    assert (len(others) + 1, first.outcome) == (len(ALL_CASES), CaseOutcome.OK)
    assert {one.outcome for one in others} == {CaseOutcome.FAILED}
    assert others[0].found == "no answer: the server closed the connection"


async def test_signature_covers_the_target_as_it_is_sent(tmp_path: Path) -> None:
    """With the path of the URL before it."""
    wallet = CheckedWallet(tmp_path)
    async with check_of(AnsweringServer(answer(404)), wallet, "/casino/") as (check, server):
        await check.reach()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /casino/v1/wallet/balance HTTP/1.1\r\n")
    (header,) = re.findall(r"x-signature: (.*)", head.decode())
    signature = read_signature(header.rstrip(), SYSTEM_CLOCK.now_s())
    target = "/casino/v1/wallet/balance"
    text = signed_text(signature.time_s, signature.key_id, "POST", target, body)
    check_proof(wallet.provider.key.public_key, signature, text)


async def test_slow_answer_is_no_answer(tmp_path: Path) -> None:
    """A provider waits no longer."""
    async with check_of(AnsweringServer(None), CheckedWallet(tmp_path), answer_s=0.05) as (
        check,
        _,
    ):
        with pytest.raises(Unavailable, match=r"no answer within 0.05 s"):
            await check.reach()


@pytest.mark.parametrize(
    ("url", "answer_s", "error", "told"),
    [
        ("http://127.0.0.1:1", 3.0, Unavailable, "127.0.0.1:1: "),
        ("ftp://a", 3.0, click.BadParameter, "'ftp://a': expected http://"),
        ("http://a", 16.0, click.BadParameter, "expected at most 15s"),
    ],
)
async def test_wallet_that_cannot_be_asked_is_one_error(
    url: str, answer_s: float, error: type[Exception], told: str, tmp_path: Path
) -> None:
    """And no report."""
    file = CheckedWallet(tmp_path).file()
    options = WalletCheckOptions(url=url, sessions_file=file, answer_s=answer_s, form="table")
    with pytest.raises(error, match=told):
        await run_check(options)
