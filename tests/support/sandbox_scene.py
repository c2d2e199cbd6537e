"""The test games against a real wallet over real HTTP, with players of a temporary ledger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.http.answer import Problem
from consumer.ledger.games import LedgerGames, ListedGame
from consumer.ledger.reads import LedgerReads
from consumer.sandbox.bodies import GameRoundBody
from consumer.sandbox.coins import Coins
from consumer.sandbox.game_server import GameServer
from consumer.sandbox.games.offered import OFFERED
from consumer.sandbox.timing import GameTiming
from consumer.tools.sample.http_connection import HttpTarget
from consumer.tools.wallet_check.client import CallbackSigner
from tests.support.checked_wallet import ACME, CheckedWallet
from tests.support.http_application import application_of
from tests.support.http_port import port
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    import random
    from pathlib import Path

    import pytest

    from consumer.http.answer import Answer
    from consumer.http.endpoint import Handle
    from consumer.http.request import Request
    from consumer.sandbox.faults import GameFault

QUICK: Final = GameTiming(
    answer_s=3.0, first_pause_s=0.01, longest_pause_s=0.05, delay_s=0.02, round_s=15.0
)
"""Only what a test waits for is shorter than in production."""
EUR: Final = Coins("EUR", 2)
EVEN: Final = {"chance": "50", "side": "under"}
FAR_US: Final = 2**62

Fails = Callable[[str], bool]
"""Tells whether a call with this path is answered with 503."""


class SandboxScene:
    """The server of the test games, and the wallet behind it.

    Args:
        wallet: The wallet.

    Attributes:
        wallet: The wallet.
        fails: Tells which calls are answered with 503, before anything is booked.
        forgets: Tells which calls are carried out, and then answered with 503.
        refuses: Tells which calls are refused, before anything is booked.
        refusal: The status and the code of such a refusal.
        retry_after: The header of the answers of 503. Empty means none.
        server: The server of the games.
        proxy: What stands between the games and the wallet.
        running: The task of the server.
    """

    server: GameServer
    proxy: Proxy
    running: asyncio.Task[None]

    def __init__(self, wallet: CheckedWallet) -> None:
        self.wallet = wallet
        self.fails: Fails = lambda _: False
        self.forgets: Fails = lambda _: False
        self.refuses: Fails = lambda _: False
        self.refusal = (422, "BAD_AMOUNT")
        self.retry_after = ""
        wallet.around = self._around

    def _around(self, handle: Handle) -> Handle:
        async def answer(request: Request) -> Answer:
            if self.fails(request.path):
                raise self._away()
            if self.refuses(request.path):
                status, code = self.refusal
                raise Problem(status, code.lower(), "refused", facts={"code": code})
            answered = await handle(request)
            if self.forgets(request.path):
                raise self._away()
            return answered

        return answer

    def _away(self) -> Problem:
        headers = {"retry-after": self.retry_after} if self.retry_after else {}
        return Problem(503, "unavailable", "away", headers=headers, facts={"code": "UNAVAILABLE"})

    async def play(
        self, game_id: str, *faults: GameFault, session: str = "s-usual", stake: str = "1.00"
    ) -> dict[str, Any]:
        """Play a round, and return what the page gets."""
        body = GameRoundBody(
            brand="b",
            session=session,
            stake=stake,
            choice=EVEN if game_id == "dice" else {},
            faults=faults,
        )
        played: dict[str, Any] = msgspec.json.decode(
            msgspec.json.encode(await self.server.play(game_id, body))
        )
        return played

    async def balance_units(self, session: str = "s-usual") -> int:
        """Return what the ledger has on the account."""
        return (await self.wallet.ledger.funds(ACME, session)).total_units

    async def check_session(self, brand: str, session: str) -> None:
        """Let everybody in: here, the wallet says who has a session."""
        assert brand
        assert session

    async def open_rounds_count(self) -> int:
        """Return how many rounds of the test games nobody has closed."""
        found = await LedgerReads(self.wallet.ledger).open_rounds("b", FAR_US, 100)
        return sum(one.game_id in OFFERED for one in found)


def heard(played: dict[str, Any]) -> list[str]:
    """Return the calls of a round with their answers, such as `bet 200` and `bet 200 again`."""
    return [one_heard(each) for each in played["exchanges"]]


def one_heard(exchange: dict[str, Any]) -> str:
    """Return a call with its answer. `lost` means that none came, `again` that it was replayed."""
    answer = exchange["answer"]
    if answer is None:
        return f"{exchange['verb']} lost"
    code = f" {answer['code']}" if answer["code"] else ""
    return f"{exchange['verb']} {answer['status']}{code}{' again' * answer['replayed']}"


@contextlib.asynccontextmanager
async def sandbox(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    timing: GameTiming = QUICK,
    source: random.Random | None = None,
) -> AsyncIterator[SandboxScene]:
    """Serve a wallet, and run the games against it."""
    wallet = CheckedWallet(folder)
    scene = SandboxScene(wallet)
    await wallet.ledger.open()
    await wallet.prepare()
    for game in OFFERED.values():
        listed = ListedGame("b", "acme", game.game_id, game.name, game.type)
        await LedgerGames(wallet.ledger).put(listed)
    async with port(monkeypatch, application_of(wallet.endpoints())) as running:
        signer = CallbackSigner(wallet.provider.key.id, wallet.provider.signing)
        async with Proxy("127.0.0.1", running.number) as proxy, asyncio.TaskGroup() as group:
            target = HttpTarget("127.0.0.1", proxy.port)
            scene.proxy = proxy
            scene.server = GameServer(lambda: target, {"b": signer}, timing=timing, source=source)
            scene.running = group.create_task(scene.server.run(), name="sandbox")
            await asyncio.sleep(0)
            yield scene
            scene.running.cancel()
    await wallet.ledger.close()
