"""The server of the test games. It knows the wallet by its address and a key, and by nothing else.

It stands where the server of a provider of games stands. A player's page asks it for a round. It
asks the wallet for the money, with signed callbacks over HTTP, as `docs/wallet.md` describes them.

    page ─► play ─► PlayedRound, a task ─► RoundCalls ─► WalletLine ─► POST /v1/wallet/…
                     └─ goes on alone if the page has waited for `round_s`
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Final

from consumer.clock import SYSTEM_CLOCK
from consumer.http.answer import Problem
from consumer.sandbox.calls import RoundCalls
from consumer.sandbox.exchange import CALLS_MAX_COUNT, WalletLine
from consumer.sandbox.funds import SessionFunds
from consumer.sandbox.games.base import BadChoice, stakes_of
from consumer.sandbox.games.offered import OFFERED
from consumer.sandbox.journal import Journal
from consumer.sandbox.rounds.bet_and_win import BetAndWinRound
from consumer.sandbox.rounds.bet_win import BetWinRound
from consumer.sandbox.rounds.plan import new_plan
from consumer.sandbox.running import RunningRounds, busy
from consumer.sandbox.shown import round_fields, state_fields
from consumer.sandbox.timing import GameTiming

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from consumer.clock import Clock
    from consumer.sandbox.bodies import GameRoundBody
    from consumer.sandbox.coins import Coins
    from consumer.sandbox.funds import KnownFunds
    from consumer.sandbox.games.base import DrawRound, SandboxGame
    from consumer.sandbox.rounds.base import PlayedRound
    from consumer.tools.sample.http_connection import HttpTarget
    from consumer.tools.wallet_check.client import CallbackSigner

WAITING_MAX_COUNT: Final = 64
"""The largest number of players' requests at once."""
BRAND_MAX_COUNT: Final = 32
"""The largest number of them of one brand, so that a brand leaves room for the others."""


class GameServer:
    """Answers the pages of the test games.

    Args:
        target: Returns the wallet's address, or raises `Unavailable`.
        signers: Sign the callbacks, by brand. The page of another brand gets 404.
        timing: How long to wait, and how often to try.
        source: Where the chance comes from.
        clock: Measures durations.
    """

    def __init__(
        self,
        target: Callable[[], HttpTarget],
        signers: Mapping[str, CallbackSigner],
        *,
        timing: GameTiming | None = None,
        source: random.Random | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._timing = timing or GameTiming()
        room = asyncio.Semaphore(CALLS_MAX_COUNT)
        self._lines = {
            brand: WalletLine(target, signer, self._timing.answer_s, room)
            for brand, signer in signers.items()
        }
        self._source = source or secrets.SystemRandom()
        self._clock = clock
        self._funds = SessionFunds(clock)
        self._rounds = RunningRounds()
        self._waiting: Counter[str] = Counter()
        self._closed = asyncio.Event()

    @property
    def open_count(self) -> int:
        """How many rounds are under way. Some of them may have no player who waits."""
        return self._rounds.open_count

    async def run(self) -> None:
        """Run the rounds until cancelled. Rounds are only taken while this runs.

        Cancelling: the rounds are cancelled. Their number is logged, and nothing more is sent
        for them.
        """
        await self._rounds.run()

    def close(self) -> None:
        """Take no more requests, and answer those that wait. Rounds that are under way go on."""
        self._closed.set()

    async def state(self, game_id: str, brand: str, session: str) -> dict[str, object]:
        """Return a game and the player's money.

        Raises:
            Problem: 404 for an unknown game, brand or session, 503 if the wallet does not answer,
                or if there are too many requests at once.
        """
        game, line = self._game(game_id), self._line(brand)
        with self._counted(brand):
            async with self._in_time():
                funds = await self._funds.now(line, brand, session)
        return state_fields(game, funds)

    async def play(self, game_id: str, body: GameRoundBody) -> dict[str, object]:
        """Play a round, and return how it has ended, or how it stands after `round_s`.

        Raises:
            Problem: As for `state`. 422 for a stake, a choice or a fault that the game does not
                have, 429 if the session has too many rounds under way.

        Cancelling: the round goes on. A round that has begun is always played to its end.
        """
        game, line = self._game(game_id), self._line(body.brand)
        draw = _drawing(game, body)
        ends_s = self._clock.monotonic_s() + self._timing.round_s
        with self._counted(body.brand):
            async with self._in_time():
                funds = await self._funds.known(line, body.brand, body.session)
            played = self._round(game, body, funds, draw)
            task = self._rounds.start(played)
            try:
                await self._until(task, ends_s)
                self._funds.note(body.brand, body.session, played.calls.balance)
                return _told(task, played, funds)
            finally:
                played.calls.journal.close()

    async def _until(self, task: asyncio.Task[None], ends_s: float) -> None:
        """Wait for a round, but not longer than until a time, or until the process stops."""
        async with asyncio.TaskGroup() as group:
            closed = group.create_task(self._closed.wait(), name="sandbox closed")
            await asyncio.wait(
                {task, closed},
                timeout=max(0.0, ends_s - self._clock.monotonic_s()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            closed.cancel()

    def _round(
        self, game: SandboxGame, body: GameRoundBody, funds: KnownFunds, draw: DrawRound
    ) -> PlayedRound:
        """Return a new round.

        Raises:
            Problem: 422: the game has no such stake.
        """
        coins, timing = funds.coins, self._timing
        stake_units = _stake_in(body.stake, coins)
        plan = new_plan(game.game_id, body.session, coins, stake_units)
        faults = frozenset(body.faults)
        calls = RoundCalls(self._lines[body.brand], Journal(self._clock), faults, timing)
        kind = BetWinRound if game.books_at_once else BetAndWinRound
        return kind(
            plan,
            lambda: draw(stake_units, coins, self._source),
            calls,
            faults,
            timing.bet_tries_count,
        )

    def _game(self, game_id: str) -> SandboxGame:
        game = OFFERED.get(game_id)
        if game is None:
            raise _unknown("GAME_NOT_FOUND", "there is no such test game")
        return game

    def _line(self, brand: str) -> WalletLine:
        line = self._lines.get(brand)
        if line is None:
            raise _unknown("BRAND_NOT_FOUND", "this brand has no test games here")
        return line

    @contextlib.contextmanager
    def _counted(self, brand: str) -> Iterator[None]:
        """Count a request of a brand while it waits.

        Raises:
            Problem: 503: there are too many, or the server is closed.
        """
        is_full = (
            self._waiting.total() >= WAITING_MAX_COUNT or self._waiting[brand] >= BRAND_MAX_COUNT
        )
        if self._closed.is_set() or is_full:
            raise busy("the sandbox is busy")
        self._waiting[brand] += 1
        try:
            yield
        finally:
            self._waiting[brand] -= 1

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """End the block in time.

        Raises:
            Problem: 503: it took too long.
        """
        try:
            async with asyncio.timeout(self._timing.round_s):
                yield
        except TimeoutError as error:
            raise busy("the wallet does not answer") from error


def _told(task: asyncio.Task[None], played: PlayedRound, funds: KnownFunds) -> dict[str, object]:
    """Return a round as it stands.

    Raises:
        Problem: 503: the round was cancelled.
    """
    if task.cancelled():
        raise busy("the sandbox is stopping")
    if task.done():
        task.result()  # raises what a bug of ours has raised
    return round_fields(played, funds)


def _drawing(game: SandboxGame, body: GameRoundBody) -> DrawRound:
    """Return what draws the round that a player wants.

    Raises:
        Problem: 422: the game has no such choice or fault.
    """
    missing = [fault.value for fault in body.faults if fault not in game.faults]
    if missing:
        raise _bad_request(f"faults: this game has no {missing[0]}")
    try:
        return game.chosen(body.choice)
    except BadChoice as error:
        raise _bad_request(str(error)) from error


def _stake_in(text: str, coins: Coins) -> int:
    """Return a stake in the smallest units.

    Raises:
        Problem: 422: it is none of the stakes.
    """
    stakes = {coins.write(units): units for units in stakes_of(coins.digits_count)}
    if text not in stakes:
        raise _bad_request(f"stake: expected {' or '.join(stakes)}")
    return stakes[text]


def _unknown(code: str, detail: str) -> Problem:
    return Problem(404, "not_found", detail, facts={"code": code})


def _bad_request(detail: str) -> Problem:
    return Problem(422, "bad_request", detail, facts={"code": "BAD_REQUEST"})
