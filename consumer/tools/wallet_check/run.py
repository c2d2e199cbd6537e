"""Runs all cases against a wallet, one after the other."""

from __future__ import annotations

import itertools
import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import ConfigError
from consumer.tools.wallet_check.case import CaseOutcome, CaseResult
from consumer.tools.wallet_check.cases import (
    bad_input,
    bet_wins,
    bets,
    rollbacks,
    rounds,
    sessions,
    signatures,
    twins,
    wins,
)
from consumer.tools.wallet_check.client import CallbackSigner, WalletClient
from consumer.tools.wallet_check.failure import CaseFailed, CaseSkipped
from consumer.tools.wallet_check.orders import OrderMaker
from consumer.tools.wallet_check.play import Play
from consumer.tools.wallet_check.tidy import tidy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from consumer.tools.sample.http_connection import HttpTarget
    from consumer.tools.wallet_check.case import Case
    from consumer.tools.wallet_check.settings import PreparedCheck

NEEDED_STAKES_COUNT: Final = 10
"""The usual player needs money for this number of stakes: no case places more at the same time."""
ALL_CASES: Final = (
    *sessions.CASES,
    *signatures.CASES,
    *bets.CASES,
    *bad_input.CASES,
    *wins.CASES,
    *bet_wins.CASES,
    *rollbacks.CASES,
    *rounds.CASES,
    *twins.CASES,
)
"""All cases, in the order of the report. The first reads a balance, as all others do."""


class WalletCheck:
    """A check of a wallet.

    Args:
        target: The wallet's address.
        prepared: What the file says.
        answer_s: How long an answer may take, in seconds.
    """

    def __init__(self, target: HttpTarget, prepared: PreparedCheck, answer_s: float) -> None:
        signer = CallbackSigner(prepared.file.key_id, prepared.signing)
        connect = partial(WalletClient, target, signer, answer_s)
        self._connect = connect
        self._prepared = prepared
        self._ids = _ids()

    async def reach(self) -> None:
        """Ask for the balance of the usual player. Any answer will do: the cases judge it.

        Raises:
            Unavailable: The wallet does not answer.
            ConfigError: The answer says that the player has not enough money.
        """
        client = self._connect()
        play = OrderMaker(self._prepared, self._ids)
        try:
            body = msgspec.json.encode({"session": play.session("usual")})
            reply = await client.call("balance", body)
            play.expect.carried_out("balance", reply)
            units = play.expect.funds("balance", reply.document).total_units
        except CaseFailed:
            return
        finally:
            client.close()
        needed_units = NEEDED_STAKES_COUNT * play.stake_units
        if units < needed_units:
            raise ConfigError(
                f"sessions.usual: the player has {play.expect.text(units)}, expected at least "
                f"{play.expect.text(needed_units)}, which is {NEEDED_STAKES_COUNT} times the stake"
            )

    async def results(self) -> AsyncIterator[CaseResult]:
        """Run all cases. Yield the result of each when it has ended."""
        first, *others = ALL_CASES
        result = await self._run(first)
        yield result
        for case in others:
            if result.outcome is CaseOutcome.FAILED:
                why = f"{first.name} failed, so nobody can tell what moves"
                yield CaseResult(case.name, case.rule, CaseOutcome.SKIPPED, why=why)
            else:
                yield await self._run(case)

    async def _run(self, case: Case) -> CaseResult:
        play = Play(self._prepared, self._ids, self._connect)
        result = partial(CaseResult, case.name, case.rule)
        try:
            await play.funds()
            await case.test(play)
        except CaseSkipped as skipped:
            return result(CaseOutcome.SKIPPED, why=str(skipped))
        except CaseFailed as failed:
            return result(CaseOutcome.FAILED, expected=failed.expected, found=failed.found)
        finally:
            await tidy(play)
            play.close()
        return result(CaseOutcome.OK)


def _ids() -> Iterator[str]:
    """Yield ids that no other check has used."""
    prefix = secrets.token_hex(6)
    return (f"check-{prefix}-{number}" for number in itertools.count(1))
