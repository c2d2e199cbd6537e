"""What the sandbox's own page asks for: whose key it has, made-up events, and the booked money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from msgspec.structs import replace

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.events.registry import CATALOGUE
from consumer.ledger.amounts import Amounts
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.orders import Caller
from consumer.ledger.shown import PlayedSession
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.sandbox.books import SandboxBooks, books_endpoint
from consumer.sandbox.lobby import SandboxLobby, lobby_endpoints
from consumer.wallet.settings import SANDBOX_PROVIDER, WalletBrandSettings
from tests.support.http_application import OpenGate, application_of, client_of
from tests.support.ledger_table import Table, bet, win
from tests.support.posting import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

AMOUNTS: Final = Amounts({**BUILT_IN, "USDT": 6})
BRAND: Final = WalletBrandSettings(
    origin="www.b.example", exchange_rates={"USDT": "1", "EUR": "1", "JPY": "0.006"}
)
TEST_KEY: Final = replace(KEY, brand="b", environment=Environment.TEST)


def lobby_of(environment: Environment = Environment.TEST, brand: str = "b") -> httpx.AsyncClient:
    """Return a client of the lobby whose key is of an environment and a brand."""
    gate = OpenGate(replace(TEST_KEY, environment=environment, brand=brand))
    lobby = SandboxLobby({"b": BRAND}, AMOUNTS)
    return client_of(application_of(lobby_endpoints(lobby), gate))


async def test_page_learns_what_it_can_do() -> None:
    """With play money in each currency, to the digit."""
    async with lobby_of() as client:
        told = (await client.get("/sandbox/me")).json()
    assert (told["brand"], told["environment"]) == ("b", "test")
    assert told["play_money"] == {"EUR": "1000.00", "JPY": "1000", "USDT": "1000.000000"}
    assert [game["game_id"] for game in told["games"]] == ["slot", "dice"]


async def test_brand_without_a_wallet_has_no_play_money() -> None:
    """The page says so, and still makes events up."""
    async with lobby_of(brand="c") as client:
        told = (await client.get("/sandbox/me")).json()
    assert (told["currencies"], told["play_money"]) == ([], {})


@pytest.mark.parametrize("path", ["/sandbox/me", "/sandbox/samples"])
async def test_live_key_is_refused(path: str) -> None:
    """Somebody would play with live money."""
    async with lobby_of(Environment.LIVE) as client:
        refused = await client.get(path)
    assert refused.status_code == 403
    assert "ck_test_" in refused.json()["detail"]


async def test_made_up_events_are_of_the_wanted_type() -> None:
    """Or of all types in turn."""
    async with lobby_of() as client:
        one = (await client.get("/sandbox/samples?type=login_v2&count=3")).json()["events"]
        many = (await client.get("/sandbox/samples?count=100")).json()["events"]
    assert [event["type"] for event in one] == ["LOGIN_V2"] * 3
    assert one[0]["body"]["user_id"]
    types = {event["type"] for event in many}
    assert types <= {each.name for each in CATALOGUE}
    assert len(types) > 15


@pytest.mark.parametrize("query", ["type=NOBODY", "count=0", "count=101", "count=x"])
async def test_wish_that_makes_no_sense_is_refused(query: str) -> None:
    """With the values that are good."""
    async with lobby_of() as client:
        assert (await client.get(f"/sandbox/samples?{query}")).status_code == 400


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    """Return a player with 1.00 EUR in the session `s` of the test games."""
    ledger = SqliteLedger(tmp_path / "wallet.db")
    await ledger.open()
    table = Table(ledger, Caller("b", SANDBOX_PROVIDER))
    await table.sit()
    yield table
    await ledger.close()


def books_of(table: Table) -> httpx.AsyncClient:
    """Return a client of the books."""
    books = SandboxBooks(table.ledger, AMOUNTS, SYSTEM_CLOCK)
    return client_of(application_of([books_endpoint(books)]))


async def test_books_show_the_newest_first(table: Table) -> None:
    """And say of each movement whether its event is confirmed."""
    await table.outbox()
    await table.ask(bet("t", 30))
    await table.ask(win("w", 10))
    async with books_of(table) as client:
        told = (await client.get("/sandbox/books?brand=b&session=s&limit=2")).json()
        await table.outbox()
        later = (await client.get("/sandbox/books?brand=b&session=s")).json()
    rows = [(one["type"], one["real"], one["balance_after"]) for one in told["transactions"]]
    assert rows == [("WIN", "0.10", "0.80"), ("BET", "-0.30", "0.70")]
    assert (told["balance"], told["waiting_events"]) == ("0.80", 2)
    assert {one["event_confirmed"] for one in told["transactions"]} == {False}
    assert (later["waiting_events"], len(later["transactions"])) == (0, 3)
    assert {one["event_confirmed"] for one in later["transactions"]} == {True}


async def test_books_of_other_games_are_not_shown(table: Table) -> None:
    """The session of a real provider is no right to look."""
    begun = PlayedSession(session="real", brand="b", provider="acme", expires_s=4e9)
    await table.ledger.add_session(begun, "p", "EUR")
    async with books_of(table) as client:
        for query in ("brand=b&session=real", "brand=c&session=s", "brand=b&session=nobody"):
            refused = await client.get(f"/sandbox/books?{query}")
            assert (refused.status_code, refused.json()["code"]) == (404, "SESSION_NOT_FOUND")


async def test_books_say_when_the_ledger_is_away(table: Table) -> None:
    """As all endpoints of the wallet do."""
    await table.ledger.close()
    async with books_of(table) as client:
        refused = await client.get("/sandbox/books?brand=b&session=s")
    assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
