"""Many callbacks at once, while everything is killed in turn: nothing is charged twice or lost.

`WALLET_ORDERS=100000 pytest tests/acceptance/test_wallet_storm.py` plays more than CI does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Final

import pytest
import structlog

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from consumer.ledger.make import make_ledger
from consumer.ledger.orders import Caller
from consumer.tools.sample.http_connection import target_of
from tests.brokers.postgres import Postgres
from tests.support.dialect_storm import DIALECT_CLIENTS, give_dialects
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.wallet_scene import add_provider, give_wallet, run_verb
from tests.support.wallet_storm import (
    START_UNITS,
    NativeStormClient,
    StormClient,
    amount,
    check_events,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from consumer.tools.sample.http_connection import HttpTarget
    from tests.brokers.base import Broker
    from tests.support.daemon import Daemon
    from tests.support.provider import Provider

ORDERS_COUNT: Final = int(os.environ.get("WALLET_ORDERS", "3000"))
CLIENTS_COUNT: Final = 50
PAUSE_S: Final = 0.6
DRAINED_S: Final = 120.0
PROVIDERS: Final = ("acme", *DIALECT_CLIENTS, "acme")
"""The providers of the clients, in turn: two of five speak the native dialect."""

log = structlog.get_logger()


def make_client(
    target: HttpTarget, caller: Caller, player_id: str, session: str, random: Random
) -> StormClient:
    """Return a client that speaks as its provider does."""
    made = DIALECT_CLIENTS.get(caller.provider, NativeStormClient)
    return made(target, caller, player_id, session, random)


async def seat(scene: HttpScene, provider: Provider, key: str) -> list[StormClient]:
    """Open an account with money and a session for each client."""
    clients: list[StormClient] = []
    seed = secrets.randbits(32)
    log.info("storm begins", seed=seed)
    async with scene.client(key) as operator:
        for number in range(CLIENTS_COUNT):
            account = {"player_id": f"p{number}", "currency": "EUR"}
            await operator.post("/v1/players", json=account)
            money = {
                "amount": str(START_UNITS // 100), "currency": "EUR", "reference": f"p{number}",
                "vendor_id": "9",
            }  # fmt: skip
            paid = await operator.post(f"/v1/players/p{number}/deposits", json=money)
            assert paid.status_code == 200, paid.text
            game = {"game_id": "g", "provider": PROVIDERS[number % len(PROVIDERS)]}
            begun = await operator.post("/v1/sessions", json=account | game)
            client = make_client(
                target_of(scene.url), Caller(scene.name, game["provider"]), f"p{number}",
                begun.json()["session"], Random(seed + number),
            )  # fmt: skip
            if isinstance(client, NativeStormClient):
                client.provider = provider
            clients.append(client)
    return clients


async def disturb(daemon: Daemon, servers: Sequence[Broker], ended: asyncio.Event) -> None:
    """Kill the daemon and each server in turn, until the games have ended.

    All servers and the daemon run when this returns.
    """

    async def passes(pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await ended.wait()

    # A daemon needs about 1.5 s to serve, and is killed about 1.5 s after its start. If no start
    # were waited for, it would hardly ever serve on a slow machine. Each server is killed in both
    # cases.
    waits = itertools.cycle((False, True, True, False))
    for server, waited_for in zip(itertools.cycle(servers), waits, strict=False):
        if waited_for:
            await daemon.is_ready(apart="wallet")
        await passes(PAUSE_S)
        if ended.is_set():
            return
        server.kill()
        await passes(PAUSE_S / 3)
        await asyncio.to_thread(server.start, dies_with_us=False)
        await passes(PAUSE_S)
        daemon.kill()
        daemon.start()


class Storm:
    """A daemon with a wallet, and everything that can be killed.

    Args:
        folder: Of the daemon.
        address: The database of the wallet.
        addresses: Those of the sink and the store.
        broken: What is killed, besides the daemon.
    """

    def __init__(
        self, folder: Path, address: str, addresses: Sequence[str], broken: Sequence[Broker]
    ) -> None:
        self.scene = HttpScene(folder, *addresses)
        self._address = address
        self._broken = broken
        give_wallet(self.scene, address)
        give_dialects(self.scene)

    async def pass_over(self) -> None:
        """Let all clients play while things are killed, and look at everything afterwards."""
        key = await self.scene.key(scopes=(Scope.WALLET_OPERATOR,))
        with self.scene.daemon() as daemon:
            await daemon.is_ready(apart="wallet")
            clients = await seat(self.scene, await add_provider(daemon, self.scene.name), key)
            await self._play(daemon, clients)
            await daemon.is_ready()
            await daemon.is_ready(apart="wallet")
            await self._look_at_balances(clients, key)
            await self._look_at_books(daemon)
            check_events(await self.scene.sink.events(), clients)
        sent = sum((client.sent for client in clients), start=Counter[str]())
        movements_count = sum(len(client.account.moved) for client in clients)
        log.info("storm passed", orders=ORDERS_COUNT, movements=movements_count, **sent)

    async def _play(self, daemon: Daemon, clients: Sequence[StormClient]) -> None:
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(disturb(daemon, self._broken, ended))
            async with asyncio.TaskGroup() as playing:
                for client in clients:
                    playing.create_task(client.play(ORDERS_COUNT // CLIENTS_COUNT))
            ended.set()

    async def _look_at_balances(self, clients: Sequence[StormClient], key: str) -> None:
        """Expect the balances of the reference wallet."""
        async with self.scene.client(key) as operator:
            for client in clients:
                shown = (await operator.get(f"/v1/players/{client.account.player_id}")).json()
                assert shown["accounts"][0]["balance_real"] == amount(client.account.real)

    async def _look_at_books(self, daemon: Daemon) -> None:
        """Expect that the books fit, and that the outbox becomes empty."""
        code, printed = await run_verb(daemon, "verify", "--from-start")
        assert (code, printed.partition(";")[0]) == (0, "the books fit"), printed
        ledger = make_ledger(self._address, Environment.LIVE)
        await ledger.open()

        async def is_drained() -> bool:
            return not await ledger.outbox_count()

        await eventually(is_drained, within_s=DRAINED_S, what="an empty outbox")
        assert int((await ledger.rows("SELECT sum(amount) FROM entry", ()))[0][0]) == 0
        await ledger.close()


@pytest.fixture(params=["sqlite", "postgres"])
def storm(
    request: pytest.FixtureRequest, tmp_path: Path, servers: dict[str, Broker]
) -> Iterator[Storm]:
    """Return everything, on a database of each kind."""
    addresses = [server.address for server in servers.values()]
    if request.param == "sqlite":
        file = tmp_path / "wallet.db"
        yield Storm(tmp_path, f"sqlite:{file}", addresses, [*servers.values()])
        return
    with Postgres(tmp_path / "postgres") as server:
        yield Storm(tmp_path, server.address, addresses, [*servers.values(), server])


async def test_nothing_is_charged_twice_and_nothing_is_lost(storm: Storm) -> None:
    """Orders that are lost, sent twice, late or in the wrong order move money exactly once."""
    async with storm.scene:
        await storm.pass_over()
