"""Looks at the five steps of an integration, one after the other."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from consumer.tools.readiness.answers import ReportedKey, ReportedRounds
from consumer.tools.readiness.events import EventsSeen, read_events
from consumer.tools.wallet_check.case import CaseOutcome
from consumer.tools.wallet_check.run import WalletCheck
from consumer.wallet.settings import SANDBOX_PROVIDER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.tools.readiness.client import BrandClient
    from consumer.tools.sample.http_connection import HttpTarget
    from consumer.tools.wallet_check.settings import PreparedCheck

ANSWER_S: Final = 3.0
"""The longest time that a game waits for an answer of a wallet, in seconds."""
NEEDED: Final = (Scope.INGEST, Scope.EVENTS_READ, Scope.WALLET_OPERATOR)
OPEN_ROUNDS_MAX_COUNT: Final = 1000
PAGE: Final = "docs/sandbox.md"
NOT_LOOKED: Final = "was not looked at"
KEYS_FIRST: Final = "finish first: keys"


class IntegrationStep(StrEnum):
    """A step of an integration."""

    KEYS = "keys"
    SANDBOX = "sandbox"
    WALLET = "wallet"
    EVENTS = "events"
    LIVE = "live"


class StepResult(msgspec.Struct, frozen=True):
    """How far a step is.

    Attributes:
        step: The step.
        done: True if it is done.
        found: What was found.
        do: What to do next. Empty if the step is done.
    """

    step: IntegrationStep
    done: bool
    found: str
    do: str = ""


class IntegrationReport:
    """Looks at the steps.

    Args:
        client: Asks the port with the brand's test key.
        target: The port, for the calls of a provider.
        prepared: The file of `consumer wallet check`. None if there is none yet.
    """

    def __init__(
        self, client: BrandClient, target: HttpTarget, prepared: PreparedCheck | None
    ) -> None:
        self._client = client
        self._target = target
        self._prepared = prepared
        self._events: EventsSeen | None = None

    async def results(self, wanted: IntegrationStep | None = None) -> AsyncIterator[StepResult]:
        """Yield how far each step is. The last step needs all steps before it.

        Args:
            wanted: Look at this step alone. None means all.

        Raises:
            Unavailable: The port does not answer, or refuses what the key may do.
        """
        looks = {
            IntegrationStep.KEYS: self._keys,
            IntegrationStep.SANDBOX: self._sandbox,
            IntegrationStep.WALLET: self._wallet,
            IntegrationStep.EVENTS: self._of_events,
        }
        missing: list[IntegrationStep] = []
        for step, look in looks.items():
            if wanted in (None, step, IntegrationStep.LIVE):
                if IntegrationStep.KEYS in missing:  # without a key, nothing can be looked at
                    result = StepResult(step, done=False, found=NOT_LOOKED, do=KEYS_FIRST)
                else:
                    result = await look()
                missing += [] if result.done else [step]
                if wanted in (None, step):
                    yield result
        if wanted in (None, IntegrationStep.LIVE):
            yield await self._live(missing)

    async def _keys(self) -> StepResult:
        reply = await self._client.ask("GET", "/v1/key")
        step = IntegrationStep.KEYS
        if not reply.is_ok:
            return StepResult(step, done=False, found=reply.why, do="ask the operator for a key")
        key = reply.read(ReportedKey)
        found = f"a {key.environment} key of the brand {key.brand}"
        if key.environment != Environment.TEST:
            do = "use a test key, which begins with ck_test_"
            return StepResult(step, done=False, found=found, do=do)
        lacks = [scope.value for scope in NEEDED if scope not in key.scopes]
        if lacks:
            do = f"ask the operator for a key with the scopes {', '.join(lacks)}"
            return StepResult(step, done=False, found=found, do=do)
        return StepResult(step, done=True, found=f"{found}, with all scopes that are needed")

    async def _sandbox(self) -> StepResult:
        rounds = (await self._seen()).rounds
        if not rounds:
            do = "open /sandbox in a browser, and play a round of a test game"
            return StepResult(
                IntegrationStep.SANDBOX,
                done=False,
                found="no round of a test game in the last week",
                do=do,
            )
        told = ", ".join(f"{count} in {game}" for game, count in sorted(rounds.items()))
        return StepResult(IntegrationStep.SANDBOX, done=True, found=f"bets in test games: {told}")

    async def _wallet(self) -> StepResult:
        step = IntegrationStep.WALLET
        if self._prepared is None:
            do = f"run `consumer wallet prepare`, and give its file as --sessions: {PAGE}"
            return StepResult(step, done=False, found="no file with prepared sessions", do=do)
        check = WalletCheck(self._target, self._prepared, ANSWER_S)
        await check.reach()
        results = [result async for result in check.results()]
        failed = [one.case for one in results if one.outcome is CaseOutcome.FAILED]
        passed_count = sum(one.outcome is CaseOutcome.OK for one in results)
        found = f"{passed_count} of {len(results)} cases passed, {len(failed)} failed"
        if failed:
            do = f"run `consumer wallet check`: {', '.join(failed[:5])}"
            return StepResult(step, done=False, found=found, do=do)
        return StepResult(step, done=True, found=found)

    async def _of_events(self) -> StepResult:
        step, seen = IntegrationStep.EVENTS, await self._seen()
        found = f"read {seen.wallet_count} events of the wallet, and {seen.own_count} of the brand"
        if seen.faults:
            fault = next(iter(seen.faults.values()))
            do = "tell the operator: each event of the wallet comes once, and in order"
            return StepResult(step, done=False, found=f"{found}; {fault}", do=do)
        if not seen.own_count:
            do = "post an event of your own, or send made-up events on the page /sandbox"
            return StepResult(step, done=False, found=found, do=do)
        if not seen.wallet_count:
            do = "play a round of a test game"
            return StepResult(step, done=False, found=found, do=do)
        return StepResult(step, done=True, found=found)

    async def _live(self, missing: list[IntegrationStep]) -> StepResult:
        """Look whether the steps before are done, and no bet waits for the end of its round."""
        step = IntegrationStep.LIVE
        if IntegrationStep.KEYS in missing:
            return StepResult(step, done=False, found=NOT_LOOKED, do=KEYS_FIRST)
        query = {"open": "true", "limit": OPEN_ROUNDS_MAX_COUNT}
        reply = await self._client.ask("GET", "/v1/rounds", query=query)
        # A test game that was played while the process stopped may leave a round that nobody ends.
        left = [
            one
            for one in reply.read(ReportedRounds).rounds
            if one.live_bets_count and one.provider != SANDBOX_PROVIDER
        ]
        found = f"rounds that are open: {len(left)}"
        if left:
            place = f"{left[0].provider}/{left[0].game_id}/{left[0].round_id}"
            do = f"close them with a round-end, or roll their bets back; the oldest is {place}"
            return StepResult(step, done=False, found=found, do=do)
        if missing:
            do = f"finish first: {', '.join(missing)}"
            return StepResult(step, done=False, found="no open round", do=do)
        return StepResult(step, done=True, found="no open round: ask the operator for live keys")

    async def _seen(self) -> EventsSeen:
        if self._events is None:
            self._events = await read_events(self._client)
        return self._events
