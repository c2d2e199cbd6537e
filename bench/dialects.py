"""A bet in each dialect, compared with a bet in the native one, without a socket.

    python -m bench.dialects [bets]

All of them play on one SQLite ledger, one bet after the other. The requests are signed before the
clock starts. What is measured is the application: the signature, the body, the look-up of the
session, the ledger, and the answer.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import uvloop

from consumer.deliveries.origin import Environment
from consumer.ledger.orders import Deposit
from consumer.ledger.shown import PlayedSession
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.operations.metrics import Metrics
from consumer.wallet.settings import ProviderSettings, WalletSettings
from consumer.wallet.table import wallet_endpoints
from tests.support.dialect_scene import AMOUNTS, BRAND
from tests.support.dialect_speakers import SPEAKERS
from tests.support.http_application import application_of, client_of
from tests.support.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from consumer.ledger.base import Ledger

ROUNDS_COUNT: Final = 3
NATIVE: Final = "native"


class Kept:
    """Keeps requests in place of sending them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def send(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Keep a request. The answer is one that every speaker can read."""
        assert method == "POST"
        self.requests.append((target, body, headers))
        return 200, b'{"status": "RS_OK", "result": 0}'


async def prepare(ledger: Ledger, providers: Mapping[str, ProviderSettings]) -> Provider:
    """Add the native provider's key, and a player with a session at each provider."""
    native = Provider(name=NATIVE)
    await ledger.add_provider_key(native.key)
    for name in providers:
        await ledger.add_player("b", name, "EUR")
        order = Deposit(
            brand="b", player_id=name, currency="EUR", amount_units=10**12, reference=name
        )
        await ledger.operate(order)
        begun = PlayedSession(
            session=f"s-{name}", brand="b", provider=name, expires_s=4e9, game_id="g"
        )
        await ledger.add_session(begun, name, "EUR")
    return native


async def kept(
    name: str, native: Provider, begin: str, count: int
) -> list[tuple[str, bytes, Mapping[str, str]]]:
    """Return signed bets of a provider."""
    keeper = Kept()
    for number in range(count):
        bet_id = f"{begin}-{name}-{number}"
        if name == NATIVE:
            fields = {
                "transaction_id": bet_id, "session": "s-native", "round_id": bet_id,
                "game_id": "g", "amount": "0.01", "currency": "EUR",
            }  # fmt: skip
            body, path = msgspec.json.encode(fields), "/v1/wallet/bet"
            headers = {"content-type": "application/json", "x-signature": native.header(path, body)}
            await keeper.send("POST", path, body, headers)
            continue
        (made,) = [each for each in SPEAKERS if each.name == name]
        speaker = made(keeper.send, f"{name}/b/live")
        await speaker.bet(bet_id, "0.01", seat=f"s-{name}", player=name, round_id=bet_id)
    return keeper.requests


async def timed(
    client: httpx.AsyncClient, requests: list[tuple[str, bytes, Mapping[str, str]]]
) -> float:
    """Return the time of a bet, in microseconds."""
    began_s = time.perf_counter()
    for target, body, headers in requests:
        answer = await client.post(target, content=body, headers=dict(headers))
        assert is_taken(answer), answer.text
    return (time.perf_counter() - began_s) / len(requests) * 1e6


def is_taken(answer: httpx.Response) -> bool:
    """Tell whether an answer says that the bet was taken, whatever its dialect."""
    told = answer.json()
    return (
        answer.is_success and told.get("status", "ok") in {"ok", "RS_OK"} and not told.get("result")
    )


async def main(count: int) -> None:
    """Measure all dialects in turn, some times, and print the median of each."""
    providers = {NATIVE: ProviderSettings(), **{each.name: each.settings() for each in SPEAKERS}}
    settings = WalletSettings(database="sqlite:x", brands={"b": BRAND}, providers=providers)
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqliteLedger(Path(folder) / "wallet.db")
        await ledger.open()
        native = await prepare(ledger, providers)
        endpoints = wallet_endpoints({Environment.LIVE: ledger}, settings, AMOUNTS, Metrics())
        took_us: dict[str, list[float]] = {name: [] for name in providers}
        async with client_of(application_of(endpoints)) as client:
            for turn, name in itertools.product(range(ROUNDS_COUNT), providers):
                requests = await kept(name, native, str(turn), count)
                took_us[name].append(await timed(client, requests))
        await ledger.close()
    whole_us = sorted(took_us[NATIVE])[ROUNDS_COUNT // 2]
    for name, each_us in took_us.items():
        middle_us = sorted(each_us)[ROUNDS_COUNT // 2]
        print(f"{name:12} {middle_us:7.0f} us a bet, {middle_us / whole_us:.2f} of native")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
