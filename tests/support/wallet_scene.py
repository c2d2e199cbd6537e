"""A daemon with a wallet, a provider of games with a key, and a player with money."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from nacl.signing import SigningKey

from consumer.access.key import Scope
from tests.support.eventually import eventually
from tests.support.provider import Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.daemon import Daemon
    from tests.support.http_daemon import HttpScene

on_both: Final = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
"""Runs a test with a database of each kind: see the fixture `database`."""


def give_wallet(scene: HttpScene, database: str) -> None:
    """Configure a wallet for the scene's brand and one provider."""
    brand = {
        "origin": "www.b.example", "exchange_rates": {"EUR": "1"}, "owns_vendors": ["acme"]
    }  # fmt: skip
    scene.tables["wallet"] = {
        "database": database,
        "brands": {scene.name: brand},
        "providers": {"acme": {}},
    }


async def run_verb(daemon: Daemon, *words: str) -> tuple[int | None, str]:
    """Run a verb of `consumer wallet`; returns its exit code, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", "wallet", *words, "--config", str(daemon.config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


async def add_provider(daemon: Daemon, brand: str) -> Provider:
    """Add a key of a provider, as an operator does, and return the provider that signs with it."""
    code, printed = await run_verb(daemon, "providers", "add", "acme", "--brand", brand)
    assert code == 0, printed
    key_id, private_key = printed.split()
    provider = Provider(brand, "acme", key_id)
    provider.signing = SigningKey(base64.b64decode(private_key))
    return provider


async def movements(scene: HttpScene, count: int) -> list[tuple[str, str]]:
    """Wait for the events of so many movements; returns type and sequence of each, in order."""

    async def are_there() -> bool:
        return await scene.sink.count() >= 2 * count

    await eventually(are_there, what="the events of the wallet")
    events = [json.loads(message.data) for message in await scene.sink.events()]
    return [(event["type"], event["sequence"]) for event in events]


class Table:
    """A player with money, in a session."""

    def __init__(self, scene: HttpScene, provider: Provider, key: str) -> None:
        self.provider = provider
        self.operator = scene.client(key)
        self.game = httpx.AsyncClient(base_url=scene.url, timeout=20)
        self.place: dict[str, str] = {}

    async def sit(self, amount: str) -> None:
        """Open an account with money, and begin a session."""
        account = {"player_id": "p-1", "currency": "EUR"}
        assert (await self.operator.post("/v1/players", json=account)).status_code == 200
        money = {"amount": amount, "currency": "EUR", "reference": "d-1", "vendor_id": "9"}
        for _ in range(2):
            paid = await self.operator.post("/v1/players/p-1/deposits", json=money)
            assert (paid.status_code, paid.json()["balance"]) == (200, amount), paid.text
        begun = await self.operator.post("/v1/sessions", json=account | {"game_id": "g"})
        assert begun.status_code == 201, begun.text
        self.place = {
            "session": begun.json()["session"], "round_id": "r", "game_id": "g", "currency": "EUR"
        }  # fmt: skip

    async def call(self, verb: str, **fields: object) -> httpx.Response:
        """Send a callback."""
        return await self.provider.call(self.game, verb, fields)

    async def bet(self, number: str, amount: str) -> httpx.Response:
        """Send a bet in a round of its own."""
        place = self.place | {"round_id": number}
        return await self.call("bet", transaction_id=number, amount=amount, **place)

    async def close(self) -> None:
        """Close both connections."""
        await self.operator.aclose()
        await self.game.aclose()


@contextlib.asynccontextmanager
async def seated(scene: HttpScene, amount: str = "100.00") -> AsyncIterator[tuple[Daemon, Table]]:
    """Start the daemon of a scene with a wallet, and let a player with money begin a session."""
    key = await scene.key(scopes=(Scope.WALLET_OPERATOR,))
    with scene.daemon() as daemon:
        await daemon.is_ready(apart="wallet")
        table = Table(scene, await add_provider(daemon, scene.name), key)
        try:
            await table.sit(amount)
            yield daemon, table
        finally:
            await table.close()
