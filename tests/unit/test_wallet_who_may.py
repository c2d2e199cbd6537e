"""Who may do what with the wallet: every endpoint, with every key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest

from consumer.access import token
from consumer.access.gate import Gate
from consumer.access.key import Key, KeySecret, Scope
from consumer.access.keyring import Keyring
from consumer.deliveries.origin import Environment
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.cors import Cors
from consumer.ledger.amounts import Amounts
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.operations.metrics import Metrics
from consumer.wallet.settings import ProviderSettings, WalletBrandSettings, WalletSettings
from consumer.wallet.table import wallet_endpoints
from tests.support.ledger_table import Table, bet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from consumer.http.endpoint import Endpoint
    from consumer.ledger.base import Ledger

BRAND: Final = WalletBrandSettings(origin="www.b.example", exchange_rates={"EUR": "1"})
SETTINGS: Final = WalletSettings(
    database="", brands={"b": BRAND, "c": BRAND}, providers={"acme": ProviderSettings()}
)
SECRET: Final = token.new_secret()
ENDPOINTS: Final = wallet_endpoints({}, SETTINGS, Amounts(BUILT_IN), Metrics())
OF_BRANDS: Final = [one for one in ENDPOINTS if one.needs_key]
PLACES: Final = {
    "player_id": "p", "session": "s", "bonus_id": "4", "provider": "acme", "game_id": "g",
    "round_id": "r", "transaction_id": "t",
}  # fmt: skip
QUERIES: Final = {"wallet_statement": "?currency=EUR"}
OWN: Final = {"wallet_open_account", "wallet_put_game", "wallet_list_games", "wallet_open_rounds"}
"""What a brand without players may do as well."""


class Served:
    """The endpoints, on a ledger of each environment. Only live `b` has a player."""

    def __init__(self, ledgers: dict[Environment, Ledger]) -> None:
        self.ledgers = ledgers
        self.keyring = Keyring()
        self.keyring.replace({})
        self.endpoints = wallet_endpoints(ledgers, SETTINGS, Amounts(BUILT_IN), Metrics())
        gate = Gate(self.keyring, Metrics(), environments=ledgers.keys(), events_per_s={})
        self._application = HttpApplication(
            self.endpoints, gate, ClientAddress(()), Cors(()), Metrics()
        )

    async def call(self, endpoint: Endpoint, key: Key | None) -> httpx.Response:
        """Call an endpoint with the example of its body."""
        headers = {}
        if key is not None:
            self.keyring.keys[key.id] = key
            text = token.write(token.KeyText(key.environment, key.id, SECRET))
            headers = {"authorization": f"Bearer {text}"}
        body = next(iter(endpoint.body.examples.values())) if endpoint.body else None
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(transport=transport, base_url="http://c") as client:
            path = endpoint.path.format(**PLACES) + QUERIES.get(endpoint.name, "")
            return await client.request(endpoint.method, path, headers=headers, json=body)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Return the endpoints with a player who has played."""
    ledgers: dict[Environment, Ledger] = {
        each: SqliteLedger(tmp_path / f"{each}.db") for each in Environment
    }
    for ledger in ledgers.values():
        await ledger.open()
    table = Table(ledgers[Environment.LIVE])
    await table.sit()
    await table.ask(bet("t", 30))
    yield Served(ledgers)
    for ledger in ledgers.values():
        await ledger.close()


def key_of(brand: str, environment: Environment, *scopes: Scope) -> Key:
    """Return a key."""
    return Key(
        id=token.new_id(),
        brand=brand,
        environment=environment,
        scopes=scopes,
        secrets=(KeySecret(token.hash_of(SECRET)),),
    )


@pytest.mark.parametrize("endpoint", OF_BRANDS, ids=lambda endpoint: endpoint.name)
async def test_no_other_scope_and_no_stranger_may(served: Served, endpoint: Endpoint) -> None:
    """Not even an admin key, which may make other keys."""
    others = [scope for scope in Scope if scope is not Scope.WALLET_OPERATOR]
    answer = await served.call(endpoint, key_of("b", Environment.LIVE, *others))
    assert answer.status_code == 403, answer.text
    assert (await served.call(endpoint, None)).status_code == 401
    assert await Table(served.ledgers[Environment.LIVE]).funds() == (70, 0)


@pytest.mark.parametrize("endpoint", OF_BRANDS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize(
    ("brand", "environment"), [("c", Environment.LIVE), ("b", Environment.TEST)]
)
async def test_key_of_another_brand_or_environment_finds_nothing(
    served: Served, endpoint: Endpoint, brand: str, environment: Environment
) -> None:
    """Although each id is right. What it may do, it does with its own."""
    answer = await served.call(endpoint, key_of(brand, environment, Scope.WALLET_OPERATOR))
    if endpoint.name in OWN:
        assert answer.status_code == 200, answer.text
        assert "p-1" not in answer.text or endpoint.name == "wallet_open_account"
    else:
        assert answer.status_code == 404, answer.text
    live = Table(served.ledgers[Environment.LIVE])
    assert await live.funds() == (70, 0)
    await live.ask(bet("u", 70))


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if not one.needs_key], ids=lambda endpoint: endpoint.name
)
async def test_key_of_a_brand_signs_nothing(served: Served, endpoint: Endpoint) -> None:
    """A callback needs a signature, whatever key it has."""
    answer = await served.call(endpoint, key_of("b", Environment.LIVE, *Scope))
    assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
