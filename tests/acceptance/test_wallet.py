"""The wallet of a running daemon: players, sessions, signed callbacks, kills."""

from __future__ import annotations

import asyncio
import json
import random
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from tests.brokers.postgres import Postgres
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.samples import casino
from tests.support.wallet_scene import give_wallet, movements, on_both, run_verb, seated
from tests.unit.test_openapi import official

if TYPE_CHECKING:
    from pathlib import Path

    from tests.brokers.base import Broker

BETS_COUNT = 600
CLIENTS_COUNT = 20


@pytest.fixture
def scene(http_scene: HttpScene, database: str) -> HttpScene:
    """Return the surroundings of a daemon with a wallet."""
    give_wallet(http_scene, database)
    return http_scene


@on_both
async def test_a_game_from_the_first_session_to_its_result(scene: HttpScene) -> None:
    """As a brand and a provider of games do it."""
    async with seated(scene) as (daemon, table):
        assert (await table.bet("t-1", "30.00")).json()["balance"] == "70.00"
        won = table.place | {"round_id": "t-1"}
        assert (await table.call("win", transaction_id="w-1", amount="50.00", **won)).json()[
            "balance"
        ] == "120.00"
        player = (await table.operator.get("/v1/players/p-1")).json()
        assert player["accounts"][0]["balance_real"] == "120.00"
        document = (await table.game.get("/openapi.json")).json()
        assert "/v1/wallet/bet-win" in document["paths"]
        official().validate(document)
        read = await table.operator.get("/v1/players/p-1/statement?currency=EUR&after=1")
        assert [one["balance_after"] for one in read.json()["transactions"]] == ["70.00", "120.00"]
        shown = (await table.operator.get("/v1/transactions/acme/t-1")).json()
        assert (shown["type"], shown["amount"], shown["sequence"]) == ("BET", "30.00", 2)
        (left,) = (await table.operator.get("/v1/rounds?open=true")).json()["rounds"]
        found = await table.operator.get(f"/v1/rounds/acme/g/{left['round_id']}")
        assert [one["verb"] for one in found.json()["transactions"]] == ["bet", "win"]
        frozen = await table.operator.post("/v1/players/p-1/freeze")
        assert frozen.json()["frozen"]
        assert (await table.bet("t-2", "1")).json()["code"] == "PLAYER_FROZEN"
        ended = await table.operator.delete(f"/v1/sessions/{table.place['session']}")
        assert ended.json() == {"currency": "EUR", "net": "20.00"}
        code, printed = await run_verb(daemon, "verify", "--from-start")
        assert (code, printed.partition(";")[0]) == (0, "the books fit"), printed
        assert await movements(scene, 3) == [
            ("wallet.deposit_approved", "1"),
            ("wallet.balance", "1"),
            ("game.bet", "2"),
            ("wallet.balance", "2"),
            ("game.win", "3"),
            ("wallet.balance", "3"),
        ]


async def test_list_of_games_decides_what_is_played(http_scene: HttpScene, tmp_path: Path) -> None:
    """And gives the events a name, and the player an address."""
    give_wallet(http_scene, f"sqlite:{tmp_path / 'wallet.db'}")
    async with seated(http_scene) as (_, table):
        book = {"name": "Book of Sun", "type": "Table", "launch_url": "https://g/?s={session}"}
        put = await table.operator.put("/v1/games/acme/book%2F1", json=book)
        assert put.json() == {"provider": "acme", "game_id": "book/1", **book}
        assert (await table.operator.get("/v1/games?limit=1")).json() == {
            "games": [put.json()], "next": "acme/book/1"
        }  # fmt: skip
        assert (await table.bet("t-1", "1")).json()["code"] == "GAME_NOT_FOUND"
        asked = {"player_id": "p-1", "currency": "EUR", "game_id": "book/1"}
        begun = (await table.operator.post("/v1/sessions", json=asked)).json()
        assert begun["launch_url"] == f"https://g/?s={begun['session']}"
        other = await table.operator.post("/v1/sessions", json=asked | {"game_id": "g"})
        assert (other.status_code, other.json()["code"]) == (404, "GAME_NOT_FOUND")
        table.place["game_id"] = "book/1"
        assert (await table.bet("t-2", "1")).status_code == 200
        await movements(http_scene, 2)
        bet = json.loads((await http_scene.sink.events())[2].data)["data"]
        assert (bet["game_name"], bet["game_type"]) == ("Book of Sun", "Table")
        for status in (200, 404):
            gone = await table.operator.delete("/v1/games/acme/book%2F1")
            assert gone.status_code == status
        for path, body in (("nobody/g", book), ("acme/g", book | {"launch_url": "https://g"})):
            answer = await table.operator.put(f"/v1/games/{path}", json=body)
            assert answer.status_code in {404, 422}, answer.text


async def test_brand_cannot_send_the_bets_of_the_wallet(
    http_scene: HttpScene, tmp_path: Path
) -> None:
    """They become dead letters, and the wallet's own pass."""
    give_wallet(http_scene, f"sqlite:{tmp_path / 'wallet.db'}")
    brand = await http_scene.key()
    async with seated(http_scene) as (_, table):
        async with http_scene.client(brand) as client:
            for changes in ({"vendor_id": "acme"}, {"activity_id": "w-2"}):
                answer = await client.post("/v1/integration/casino", content=casino(**changes))
                assert answer.json()["reason"] == "owned_by_wallet", answer.text
        assert (await table.bet("t-1", "30.00")).status_code == 200
        assert [kind for kind, _ in await movements(http_scene, 2)][2:] == [
            "game.bet",
            "wallet.balance",
        ]


@on_both
async def test_other_keys_reach_no_money(scene: HttpScene) -> None:
    """Neither a key without the scope, nor one of the sandbox."""
    test = await scene.key(Environment.TEST, scopes=(Scope.WALLET_OPERATOR,))
    live = await scene.key(scopes=(Scope.WALLET_OPERATOR,))
    ingest = await scene.key()
    with scene.daemon() as daemon:
        await daemon.is_ready(apart="wallet")
        async with scene.client(live) as client:
            account = {"player_id": "p-1", "currency": "EUR"}
            assert (await client.post("/v1/players", json=account)).status_code == 200
            for path in ("/v1/players/%00", "/v1/players/%ff", f"/v1/players/{'x' * 200}"):
                assert (await client.get(path)).status_code == 404
        for key, status in ((test, 404), (ingest, 403)):
            async with scene.client(key) as client:
                assert (await client.get("/v1/players/p-1")).status_code == status


@on_both
async def test_killed_daemon_takes_each_bet_once(scene: HttpScene) -> None:
    """Providers send again what was not answered; a third of all is sent again anyway."""
    async with seated(scene, "1000.00") as (daemon, table):

        async def is_taken(number: str) -> bool:
            try:
                answer = await table.bet(number, "1.00")
            except httpx.HTTPError:
                return False
            return answer.status_code == 200

        async def play(client: int) -> None:
            for number in range(BETS_COUNT // CLIENTS_COUNT):
                name = f"{client}-{number}"
                for _ in range(random.choice((1, 1, 2))):
                    await eventually(partial(is_taken, name), what=name)

        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS_COUNT):
                group.create_task(play(client))
            for _ in range(3):
                await asyncio.sleep(0.5)  # some bets are taken between two kills
                daemon.kill()
                daemon.start()
        shown = (await table.call("balance", session=table.place["session"])).json()
        assert shown["balance"] == "400.00"
        code, printed = await run_verb(daemon, "verify", "--from-start")
        assert (code, printed.partition(";")[0]) == (0, "the books fit"), printed
        told = await movements(scene, 1 + BETS_COUNT)
        kinds = ["wallet.deposit_approved"] + ["game.bet"] * BETS_COUNT
        wanted = [
            [(kind, f"{number}"), ("wallet.balance", f"{number}")]
            for number, kind in enumerate(kinds, 1)
        ]
        assert told == [event for pair in wanted for event in pair]


async def test_wallet_that_does_not_fit_its_accounts_stays_closed(
    http_scene: HttpScene, tmp_path: Path
) -> None:
    """It says what is missing. Everything else goes on."""
    give_wallet(http_scene, f"sqlite:{tmp_path / 'wallet.db'}")
    async with seated(http_scene) as (daemon, table):
        daemon.kill()
        rates = {"SEK": "1"}
        http_scene.tables["wallet"]["brands"][http_scene.name]["exchange_rates"] = rates
        with http_scene.daemon() as other:
            await other.is_ready()

            async def says() -> bool:
                return "exchange_rates.EUR" in (await other.whys("wallet")).get("ledger", "")

            await eventually(says, what="the missing rate")
            assert (await table.bet("t-1", "1.00")).json()["code"] == "UNAVAILABLE"
            assert not await other.ready("wallet")


async def test_bets_go_on_while_sink_and_store_are_away(
    tmp_path: Path, servers: dict[str, Broker]
) -> None:
    """Their events wait in the ledger, and come in order."""
    addresses = [server.address for server in servers.values()]
    async with HttpScene(tmp_path, *addresses) as scene:
        give_wallet(scene, f"sqlite:{tmp_path / 'wallet.db'}")
        async with seated(scene) as (daemon, table):
            for server in servers.values():
                server.kill()
            for number in range(50):
                answer = await table.bet(f"t-{number}", "1.00")
                assert answer.status_code == 200, answer.text
            assert await daemon.ready("wallet")
            for server in servers.values():
                server.start()
            told = await movements(scene, 51)
            assert [int(sequence) for _, sequence in told[::2]] == list(range(1, 52))


async def test_frozen_database_is_503_in_time_and_loses_nothing(
    http_scene: HttpScene, tmp_path: Path
) -> None:
    """The provider is told to ask again before its own 3 s are over."""
    with Postgres(tmp_path / "postgres") as server:
        give_wallet(http_scene, server.address)
        async with seated(http_scene) as (_, table):
            server.freeze()
            async with asyncio.timeout(3):
                answer = await table.bet("t-1", "1.00")
            assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
            server.thaw()

            async def is_taken() -> bool:
                return (await table.bet("t-1", "1.00")).status_code == 200

            await eventually(is_taken, what="the bet")
            shown = await table.call("balance", session=table.place["session"])
            assert shown.json()["balance"] == "99.00"
