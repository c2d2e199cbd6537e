"""Callbacks over HTTP: what a provider sees, on a ledger in SQLite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.ledger.amounts import Amounts
from consumer.ledger.answers import LedgerRefusal, LedgerUnavailable
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.orders import Deposit
from consumer.ledger.shown import PlayedSession
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.operations.metrics import Metrics
from consumer.wallet.callbacks import Callbacks
from consumer.wallet.callers import Callers
from consumer.wallet.endpoints import OF_CALLBACKS, callback_endpoints
from consumer.wallet.facts import Facts
from consumer.wallet.settings import ProviderSettings, WalletBrandSettings, WalletSettings
from consumer.wallet.told import STATUSES, WORDS
from tests.support.http_application import application_of, client_of
from tests.support.provider import Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from consumer.ledger.base import Ledger

BRAND: Final = WalletBrandSettings(origin="www.b.example", exchange_rates={"EUR": "1"})
SETTINGS: Final = WalletSettings(
    database="sqlite:x",
    brands={"b": BRAND},
    providers={"acme": ProviderSettings(), "other": ProviderSettings()},
)
PLACE: Final = {"session": "s", "round_id": "r", "game_id": "g", "currency": "EUR"}


class Scene:
    """A wallet with both environments, a provider in each, and a player with 100.00 EUR."""

    def __init__(
        self, ledgers: dict[Environment, Ledger], client: httpx.AsyncClient, metrics: Metrics
    ) -> None:
        self.ledgers = ledgers
        self.client = client
        self.metrics = metrics
        self.live, self.test = Provider(), Provider(key_id="k-test")

    async def begin(self) -> None:
        """Add the keys and the player."""
        await self.ledgers[Environment.LIVE].add_provider_key(self.live.key)
        await self.ledgers[Environment.TEST].add_provider_key(self.test.key)
        ledger = self.ledgers[Environment.LIVE]
        await ledger.add_player("b", "p", "EUR")
        order = Deposit(
            brand="b", player_id="p", currency="EUR", amount_units=100_00, reference="d"
        )
        await ledger.operate(order)
        begun = PlayedSession(session="s", brand="b", provider="acme", expires_s=4e9)
        await ledger.add_session(begun, "p", "EUR")

    async def call(self, verb: str, **fields: object) -> httpx.Response:
        """Send a callback of the live provider."""
        return await self.live.call(self.client, verb, fields)

    async def bet(self, number: str, amount: object) -> httpx.Response:
        """Send a bet."""
        return await self.call("bet", transaction_id=number, amount=amount, **PLACE)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Return a wallet."""
    ledgers: dict[Environment, Ledger] = {
        each: SqliteLedger(tmp_path / f"{each}.db") for each in Environment
    }
    for ledger in ledgers.values():
        await ledger.open()
    callers = Callers(ledgers, SETTINGS, SYSTEM_CLOCK)
    metrics = Metrics()
    callbacks = Callbacks(ledgers, callers, Amounts(BUILT_IN), Facts(SETTINGS), metrics)
    async with client_of(application_of(callback_endpoints(callbacks))) as client:
        scene = Scene(ledgers, client, metrics)
        await scene.begin()
        yield scene
    for ledger in ledgers.values():
        await ledger.close()


async def test_bet_is_answered_with_amounts_in_text(scene: Scene) -> None:
    """With all digits of the currency."""
    answer = await scene.bet("t", "12.3")
    told = answer.json()
    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers
    assert told.pop("ledger_id").isdigit()
    assert told == {
        "transaction_id": "t", "status": "ok", "currency": "EUR", "amount": "12.30",
        "balance_after": "87.70", "balance": "87.70", "balance_real": "87.70",
        "balance_bonus": "0.00",
    }  # fmt: skip


async def test_the_same_request_again_says_so(scene: Scene) -> None:
    """In a header. The balance is that of now."""
    first = await scene.bet("t", "12.30")
    await scene.bet("u", "7.70")
    again = await scene.bet("t", "12.300"[:5])
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json() | {"balance": "80.00", "balance_real": "80.00"}


async def test_each_verb_is_answered(scene: Scene) -> None:
    """From a bet to the end of its round."""
    await scene.bet("t", "10.00")
    won = await scene.call("win", transaction_id="w", amount="15.00", **PLACE)
    assert won.json()["balance"] == "105.00"
    halves = {
        "bet": {"transaction_id": "t2", "amount": "5"},
        "win": {"transaction_id": "w2", "amount": "2"},
    }
    pair = (await scene.call("bet-win", **halves, **PLACE)).json()
    assert [pair[half]["balance_after"] for half in ("bet", "win")] == ["100.00", "102.00"]
    back = await scene.call("rollback", transaction_id="b", reference_transaction_id="t2")
    assert (back.json()["amount"], back.json()["balance"]) == ("5.00", "105.00")
    place = {key: PLACE[key] for key in ("session", "round_id", "game_id")}
    assert (await scene.call("round-end", transaction_id="e", **place)).status_code == 200
    assert (await scene.bet("t3", "1")).json()["code"] == "ROUND_CLOSED"
    assert (await scene.call("balance", session="s")).json()["balance"] == "105.00"


async def test_rollback_of_the_unknown_has_no_balance(scene: Scene) -> None:
    """No player is known. With a session, one is."""
    back = await scene.call("rollback", transaction_id="b", reference_transaction_id="x")
    assert back.json().keys() == {"transaction_id", "ledger_id", "status"}
    back = await scene.call(
        "rollback", transaction_id="c", reference_transaction_id="y", session="s"
    )
    assert (back.json()["amount"], back.json()["balance"]) == ("0.00", "100.00")


async def test_refusal_has_its_code_and_the_true_balance(scene: Scene) -> None:
    """As a problem document."""
    answer = await scene.bet("t", "100.01")
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (402, "application/problem+json")
    assert (told["code"], told["reason"]) == ("INSUFFICIENT_FUNDS", "insufficient_funds")
    assert told["balance"] == "100.00"


def test_each_refusal_has_a_status_and_words() -> None:
    """None is forgotten."""
    assert set(STATUSES) == set(WORDS) == set(LedgerRefusal)


@pytest.mark.parametrize(
    "amount",
    [1, 1.5, None, True, [], "", "-1", "1e2", "1.234", "9" * 40, "NaN", "1,5", "1" * 30_000],
)
async def test_bad_amount_moves_nothing(scene: Scene, amount: object) -> None:
    """A number is no amount: JavaScript would have rounded it before."""
    answer = await scene.bet("t", amount)
    assert (answer.status_code, answer.json()["code"]) == (422, "BAD_AMOUNT")
    assert (await scene.call("balance", session="s")).json()["balance"] == "100.00"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"transaction_id": "t"',
        b"\xff{}",
        b"[" * 60_000,
        b'{"amount": ' * 5000,
        b'{"session":"s"}',
        json.dumps({"transaction_id": "t", "amount": "1", **PLACE})[:-1].encode()
        + b',"amount":"2"}',
        json.dumps({"transaction_id": "t", "amount": "1", "amuont": "2", **PLACE}).encode(),
        json.dumps({"transaction_id": "t\0", "amount": "1", **PLACE}).encode(),
        json.dumps({"transaction_id": "\ud800", "amount": "1", **PLACE}).encode(),
        json.dumps({"transaction_id": "t" * 129, "amount": "1", **PLACE}).encode(),
        json.dumps({"transaction_id": "", "amount": "1", **PLACE}).encode(),
        json.dumps({"transaction_id": 5, "amount": "1", **PLACE}).encode(),
    ],
)
async def test_body_that_cannot_be_read_in_one_way_is_refused(scene: Scene, body: bytes) -> None:
    """Cut, deep, a key twice, a misspelt field, an id that no database can hold."""
    answer = await scene.live.call(scene.client, "bet", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "BAD_REQUEST"), answer.text


async def test_body_that_is_too_large_is_refused(scene: Scene) -> None:
    """Before it is read, and with a code as every error has it."""
    answer = await scene.live.call(scene.client, "bet", b" " * 70_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "BAD_REQUEST")


async def test_request_without_the_right_signature_moves_nothing(scene: Scene) -> None:
    """Unsigned, signed by somebody else, for another path, long ago, or with another body."""
    body = json.dumps({"transaction_id": "t", "amount": "1", **PLACE}).encode()
    stranger = Provider()
    for header in (
        "",
        stranger.header("/v1/wallet/bet", body),
        scene.live.header("/v1/wallet/win", body),
        scene.live.header("/v1/wallet/bet", body, time_s=1_700_000_000),
        scene.live.header("/v1/wallet/bet", body + b" "),
    ):
        headers = {"content-type": "application/json", "x-signature": header}
        answer = await scene.client.post("/v1/wallet/bet", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
    assert (await scene.call("balance", session="s")).json()["balance"] == "100.00"


async def test_key_of_the_other_environment_has_no_such_session(scene: Scene) -> None:
    """Nor does a key of another brand or provider."""
    strangers = Provider(name="other", key_id="k2"), Provider(brand="c", key_id="k3")
    for stranger in strangers:
        await scene.ledgers[Environment.LIVE].add_provider_key(stranger.key)
    for provider in (scene.test, *strangers):
        answer = await provider.call(scene.client, "balance", {"session": "s"})
        assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")


async def test_ended_key_is_refused(scene: Scene) -> None:
    """From the time on at which it ends."""
    ledger = scene.ledgers[Environment.LIVE]
    await ledger.end_provider_key("k1", SYSTEM_CLOCK.now_s() - 1)
    answer = await scene.bet("t", "1")
    assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")


async def test_unknown_currency_and_brand_are_told(scene: Scene) -> None:
    """A brand without its table cannot have events: its bets wait."""
    answer = await scene.call("bet", transaction_id="t", amount="1", **PLACE | {"currency": "XXX"})
    assert (answer.status_code, answer.json()["code"]) == (409, "WRONG_CURRENCY")


@pytest.mark.parametrize("verb", ["bet", "win"])
async def test_currency_without_exchange_rate_is_no_outage(scene: Scene, verb: str) -> None:
    """The session plays in another currency. After a 503, the provider would ask for ever."""
    place = PLACE | {"currency": "USD"}
    answer = await scene.call(verb, transaction_id="t", amount="1", **place)
    assert (answer.status_code, answer.json()["code"]) == (409, "WRONG_CURRENCY")
    assert answer.json()["balance"] == "100.00"


async def test_ledger_that_is_away_is_503(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider asks again with the same id."""

    async def away(*_: object) -> None:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(scene.ledgers[Environment.LIVE], "call_back", away)
    answer = await scene.bet("t", "1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_rollback_in_another_currency_is_refused(scene: Scene) -> None:
    """Also in a currency without an exchange rate: 503 would be sent again for ever."""
    await scene.bet("t", "1.00")
    for currency, amount in (("SEK", "1.00"), ("JPY", "100")):
        told = await scene.call(
            "rollback", transaction_id="b", reference_transaction_id="t", amount=amount,
            currency=currency,
        )  # fmt: skip
        assert (told.status_code, told.json()["code"]) == (409, "NOT_REVERSIBLE")


@pytest.mark.parametrize("odd", ["r\n", "r\x85", "\x9f", "a\x00b"])
async def test_ids_that_no_event_may_have_are_refused(scene: Scene, odd: str) -> None:
    """Otherwise the bet would be booked, and its event would be a dead letter for ever."""
    for changes in ({"round_id": odd}, {"game_id": odd}, {"transaction_id": odd}):
        sent = {"transaction_id": "t", "amount": "1", **PLACE} | changes
        assert (await scene.call("bet", **sent)).json()["code"] == "BAD_REQUEST"


async def test_provider_that_is_not_configured_any_more_is_refused(scene: Scene) -> None:
    """Its key may still be in force."""
    stranger = Provider(name="gone", key_id="k-gone")
    await scene.ledgers[Environment.LIVE].add_provider_key(stranger.key)
    told = await stranger.call(scene.client, "balance", {"session": "s"})
    assert (told.status_code, told.json()["code"]) == (401, "BAD_SIGNATURE")


async def test_callbacks_are_counted_by_verb_and_code(scene: Scene) -> None:
    """With their times. A repetition has a code of its own."""
    for number, amount in (("t", "1"), ("t", "1"), ("u", "1000"), ("v", 1)):
        await scene.bet(number, amount)
    await scene.call("balance", session="nobody's")
    told = scene.metrics.exposition().decode()
    for verb, code in (
        ("bet", "OK"), ("bet", "REPLAYED"), ("bet", "INSUFFICIENT_FUNDS"), ("bet", "BAD_AMOUNT"),
        ("balance", "SESSION_NOT_FOUND"),
    ):  # fmt: skip
        labels = f'code="{code}",environment="live",verb="{verb}"'
        assert f"consumer_wallet_callbacks_total{{{labels}}} 1.0" in told
    labels = 'environment="live",verb="bet"'
    assert f"consumer_wallet_callback_seconds_count{{{labels}}} 4.0" in told


async def test_callbacks_of_test_keys_are_counted_apart(scene: Scene) -> None:
    """An integrator's broken game must wake nobody. Nor does a callback that nobody signed."""
    await scene.test.call(scene.client, "balance", {"session": "nobody's"})
    await Provider(key_id="k-nobody").call(scene.client, "balance", {"session": "s"})
    told = scene.metrics.exposition().decode()
    for code, environment in (("SESSION_NOT_FOUND", "test"), ("BAD_SIGNATURE", "unknown")):
        labels = f'code="{code}",environment="{environment}",verb="balance"'
        assert f"consumer_wallet_callbacks_total{{{labels}}} 1.0" in told


def test_each_code_of_a_callback_is_on_the_page() -> None:
    """A provider has to know what to do with it."""
    page = (Path(__file__).parents[2] / "docs" / "wallet.md").read_text()
    codes = {refusal.value for refusal in OF_CALLBACKS} | {"BAD_SIGNATURE", "BAD_REQUEST"}
    assert {code for code in codes if f"`{code}`" not in page} == set()
