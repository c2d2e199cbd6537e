"""Bets over HTTP, compared with the ledger alone, on PostgreSQL and on SQLite.

    python -m bench.wallet [seconds]

Starts a daemon on the running brokers, with a database of its own. Both ways place bets of
`PLAYERS_COUNT` players, each in a round of its own. On PostgreSQL the ledger alone is its function
over bare connections. The clients sign in a process of their own. The daemon empties the outbox at
the same time. What is left of it after each part is printed, and how long that takes.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import statistics
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import uvloop
from nacl.signing import SigningKey

from bench.http_ingest import cpu_s
from bench.meter import SPAWN
from consumer.clock import SYSTEM_CLOCK
from consumer.ledger.orders import Bet, Caller, Deposit
from consumer.ledger.postgres.ledger import PostgresLedger
from consumer.ledger.shown import PlayedSession, ProviderKey
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.tools.sample.http_connection import HttpConnection, HttpTarget
from consumer.wallet.signature import signed_text
from tests.brokers import running_brokers
from tests.brokers.postgres import Postgres
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from consumer.ledger.base import Ledger

CLIENTS_COUNT: Final = 32
PLAYERS_COUNT: Final = 1000
DRAINED_S: Final = 120.0
PATH: Final = "/v1/wallet/bet"


async def prepare(ledger: Ledger, brand: str, public_key: bytes) -> None:
    """Add a provider's key, and players with money and a session."""
    await ledger.add_provider_key(
        ProviderKey(
            id="k1", brand=brand, provider="acme", public_key=public_key,
            created_s=SYSTEM_CLOCK.now_s(),
        )
    )  # fmt: skip
    for number in range(PLAYERS_COUNT):
        player = f"p{number}"
        await ledger.add_player(brand, player, "EUR")
        facts = '{"origin":"www.b.example","exchange_rates":{"EUR":"1"},"vendor_id":"9"}'
        await ledger.operate(
            Deposit(
                brand=brand, player_id=player, currency="EUR", amount_units=10**12,
                reference=player, facts=facts,
            )
        )  # fmt: skip
        begun = PlayedSession(session=f"s{number}", brand=brand, provider="acme", expires_s=4e9)
        await ledger.add_session(begun, player, "EUR")


async def bare(ledger: Ledger, brand: str, seconds: float) -> float:
    """Return the bets a second of the ledger alone."""
    numbers, caller = itertools.count(), Caller(brand, "acme")
    until_s = time.perf_counter() + seconds

    async def play() -> int:
        count = 0
        while time.perf_counter() < until_s:
            number = next(numbers)
            await ledger.call_back(
                caller,
                Bet(
                    transaction_id=f"bare-{number}", session=f"s{number % PLAYERS_COUNT}",
                    round_id=f"bare-{number}", game_id="g", amount_units=1, currency="EUR",
                    facts='{"origin":"www.b.example","exchange_rates":{"EUR":"1"}}',
                ),
            )  # fmt: skip
            count += 1
        return count

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(play()) for _ in range(CLIENTS_COUNT)]
    return sum(task.result() for task in tasks) / seconds


class Clients:
    """The clients of a run, each with a connection of its own."""

    def __init__(self, port: int, seed: bytes, name: str) -> None:
        self._target = HttpTarget("127.0.0.1", port)
        self._signing, self._name = SigningKey(seed), name
        self._numbers = itertools.count()
        self.took_s: list[float] = []

    async def play(self, until_s: float, pause_s: float) -> None:
        """Bet until a time on the monotonic clock."""
        connection = HttpConnection(self._target, {"content-type": "application/json"})
        while time.perf_counter() < until_s:
            number = next(self._numbers)
            order = {
                "transaction_id": f"{self._name}-{number}", "session": f"s{number % PLAYERS_COUNT}",
                "round_id": f"{self._name}-{number}", "game_id": "g", "amount": "0.01",
                "currency": "EUR",
            }  # fmt: skip
            body, at_s = msgspec.json.encode(order), int(SYSTEM_CLOCK.now_s())
            text = signed_text(at_s, "k1", "POST", PATH, body)
            proof = base64.b64encode(self._signing.sign(text).signature).decode()
            began_s = time.perf_counter()
            reply = await connection.ask(
                "POST", PATH, body, {"x-signature": f"t={at_s},k=k1,v1={proof}"}
            )
            self.took_s.append(time.perf_counter() - began_s)
            assert reply.status == HTTPStatus.OK, reply.body
            if pause_s:
                await asyncio.sleep(pause_s)
        connection.close()

    async def run(self, seconds: float, pause_s: float) -> None:
        """Run all clients for a time."""
        until_s = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS_COUNT):
                group.create_task(self.play(until_s, pause_s))


def clients(
    ours: Connection, port: int, seed: bytes, name: str, seconds: float, pause_s: float
) -> None:
    """Run the clients in a process of their own, and return how long each bet took."""
    them = Clients(port, seed, name)
    uvloop.run(them.run(seconds, pause_s))
    ours.send(them.took_s)


async def over_http(
    scene: HttpScene, seed: bytes, name: str, seconds: float, pause_s: float
) -> list[float]:
    """Return how long each bet took."""
    theirs, ours = SPAWN.Pipe()
    arguments = (ours, scene.port, seed, name, seconds, pause_s)
    process = SPAWN.Process(target=clients, args=arguments)
    process.start()
    took_s: list[float] = await asyncio.to_thread(theirs.recv)
    process.join()
    return took_s


def told(took_s: list[float], seconds: float) -> str:
    """Return the rate and the latencies."""
    ordered = sorted(took_s)
    return (
        f"{len(took_s) / seconds:7.0f} bets/s, p50 {statistics.median(ordered) * 1e3:.1f} ms, "
        f"p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.1f} ms"
    )


async def measure(scene: HttpScene, ledger: Ledger, seconds: float) -> float:
    """Run both ways on a database, and the second way once more at half its rate.

    Returns:
        The bets a second over HTTP.
    """
    signing = SigningKey.generate()
    seed = bytes(signing)
    await ledger.open()
    await prepare(ledger, scene.name, bytes(signing.verify_key))
    bare_per_s = await bare(ledger, scene.name, seconds)
    print(f"  bare    {bare_per_s:7.0f} bets/s")
    with scene.daemon() as daemon:
        await daemon.is_ready(apart="wallet")
        await drained(ledger)
        before_s = cpu_s(daemon.pid)
        took_s = await over_http(scene, seed, "full", seconds, 0.0)
        used_us = (cpu_s(daemon.pid) - before_s) / len(took_s) * 1e6
        rate_per_s = len(took_s) / seconds
        ratio = rate_per_s / bare_per_s
        print(f"  HTTP    {told(took_s, seconds)}, {used_us:.0f} us CPU, {ratio:.2f} of bare")
        await drained(ledger)
        pause_s = 2 * CLIENTS_COUNT * seconds / len(took_s)
        half_s = await over_http(scene, seed, "half", seconds, pause_s)
        print(f"  at half {told(half_s, seconds)}")
        await drained(ledger)
    await ledger.close()
    return rate_per_s


async def drained(ledger: Ledger) -> None:
    """Tell how many rows the outbox has, and in what time they became events."""
    began_s = time.perf_counter()
    rows_count = await ledger.outbox_count()

    async def is_empty() -> bool:
        return not await ledger.outbox_count()

    await eventually(is_empty, within_s=DRAINED_S, what="an empty outbox")
    took_s = time.perf_counter() - began_s
    print(f"  outbox  {rows_count} rows, empty after {took_s:.1f} s")


async def main(seconds: float) -> None:
    """Measure both databases, one after the other."""
    brokers = running_brokers()
    rates_per_s = []
    with tempfile.TemporaryDirectory() as folder, Postgres(Path(folder) / "pg") as server:
        file = Path(folder) / "wallet.db"
        databases: dict[str, Ledger] = {
            server.address: PostgresLedger(server.address, "wallet"),
            f"sqlite:{file}": SqliteLedger(file),
        }
        for number, (address, ledger) in enumerate(databases.items()):
            print(type(ledger).__name__)
            place = Path(folder) / str(number)
            place.mkdir()
            async with HttpScene(place, brokers["nats"], brokers["redis"]) as scene:
                brand = {"origin": "www.b.example", "exchange_rates": {"EUR": "1"}}
                scene.tables["wallet"] = {
                    "database": address,
                    "brands": {scene.name: brand},
                    "providers": {"acme": {}},
                }
                rates_per_s.append(await measure(scene, ledger, seconds))
    print(f"over HTTP, SQLite has {rates_per_s[1] / rates_per_s[0]:.2f} of PostgreSQL's rate")


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
