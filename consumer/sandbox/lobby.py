"""Answers the lobby, the page on which a tester begins: who the key is, and made-up events."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from consumer.events.registry import CATALOGUE, find
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import AnswerForm, Endpoint, because
from consumer.http.parameters import read_query
from consumer.http.request import key_of
from consumer.sandbox.games.offered import OFFERED
from consumer.tools.sample.generate import TrafficMix, generate
from consumer.wallet.endpoints import ok_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.access.key import Key
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.wallet.settings import WalletBrandSettings

PLAY_MONEY: Final = "1000"
"""What a new test player gets, in each currency."""
SAMPLES_MAX_COUNT: Final = 100
_TEXT: Final = {"type": "string"}
_ME: Final = {
    "brand": "demo",
    "environment": "test",
    "scopes": ["ingest", "events:read", "wallet:operator"],
    "currencies": ["EUR"],
    "play_money": {"EUR": "1000.00"},
    "games": [{"game_id": "dice", "name": "Hundred", "about": "A dice."}],
    "message_types": ["CASINO", "PAYMENT"],
    "pages": {"stream": "docs/stream", "api": "docs"},
}
_SAMPLE: Final = {"type": "LOGIN_V2", "body": {"user_id": "player-17", "origin": "www.brand.com"}}


class SamplesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of made-up events."""

    message_type: Annotated[
        str, Meta(max_length=64, description="a message type; empty: all of them")
    ] = msgspec.field(default="", name="type")
    count: Annotated[
        int,
        Meta(
            ge=1,
            le=SAMPLES_MAX_COUNT,
            description=f"a whole number from 1 to {SAMPLES_MAX_COUNT}",
        ),
    ] = 10


class SandboxLobby:
    """Answers the requests.

    Args:
        brands: The brands that have a wallet.
        amounts: Writes amounts.
    """

    def __init__(self, brands: Mapping[str, WalletBrandSettings], amounts: Amounts) -> None:
        self._brands = brands
        self._amounts = amounts

    async def me(self, request: Request) -> Answer:
        """Return whose key it is, and what the lobby can do with it.

        Raises:
            Problem: 403: it is no test key.
        """
        key = _test_key(request)
        settings = self._brands.get(key.brand)
        currencies = sorted(settings.exchange_rates) if settings is not None else []
        document = {
            "brand": key.brand,
            "environment": key.environment.value,
            "scopes": sorted(scope.value for scope in key.scopes),
            "currencies": currencies,
            "play_money": {name: self._play_money(name) for name in currencies},
            "games": [
                {"game_id": game.game_id, "name": game.name, "about": game.about}
                for game in OFFERED.values()
            ],
            "message_types": [event_type.name for event_type in CATALOGUE],
            "pages": {"stream": "docs/stream", "api": "docs"},
        }
        return Answer(200, msgspec.json.encode(document), headers={"cache-control": "no-store"})

    async def samples(self, request: Request) -> Answer:
        """Return made-up events of a brand. Nothing is sent: the page posts them itself.

        Raises:
            Problem: 403: it is no test key. 400: there is no such message type.
        """
        _test_key(request)
        query = read_query(request, SamplesQuery)
        names = [event_type.name for event_type in CATALOGUE]
        if query.message_type:
            event_type = find(query.message_type)
            if event_type is None:
                raise Problem(400, "bad_request", f"type: expected one of {', '.join(names)}")
            names = [event_type.name]
        mix = TrafficMix(
            types=names,
            weighted=False,
            count=query.count,
            duplicates_ratio=0.0,
            broken_ratio=0.0,
            seed=secrets.randbits(32),
            start_s=None,
        )
        events = [
            {"type": sample.message_type, "body": msgspec.Raw(sample.body)}
            for sample in generate(mix)
        ]
        return Answer(200, msgspec.json.encode({"events": events}))

    def _play_money(self, currency: str) -> str:
        return self._amounts.write(self._amounts.read(PLAY_MONEY, currency), currency)


def lobby_endpoints(lobby: SandboxLobby) -> tuple[Endpoint, ...]:
    """Return the endpoints."""
    no_test_key = AnswerForm(
        status=403,
        meaning="The key is for live events, and the sandbox takes test keys only.",
        examples=because("environment", "expected a test key, which begins with ck_test_"),
    )
    no_type = AnswerForm(
        status=400,
        meaning="There is no such message type.",
        examples=because("bad_request", "type: expected one of CASINO, PAYMENT"),
    )
    whoami = {
        "title": "SandboxTester",
        "type": "object",
        "properties": {"brand": _TEXT, "environment": _TEXT},
    }
    made = {
        "title": "SampleEvents",
        "type": "object",
        "properties": {"events": {"type": "array", "items": {"type": "object"}}},
    }
    return (
        Endpoint(
            name="sandbox_me",
            method="GET",
            path="/sandbox/me",
            summary="Tell the sandbox's page whose key it has",
            handle=lobby.me,
            answers=(ok_form(whoami, _ME, "The key is a test key."), no_test_key),
        ),
        Endpoint(
            name="sandbox_samples",
            method="GET",
            path="/sandbox/samples",
            summary="Make up events of a brand",
            description="Nothing is sent. Post them to try your own program.",
            handle=lobby.samples,
            scope=Scope.INGEST,
            query=SamplesQuery,
            answers=(ok_form(made, {"events": [_SAMPLE]}, "The events."), no_test_key, no_type),
        ),
    )


def _test_key(request: Request) -> Key:
    """Return the key of a request.

    Raises:
        Problem: 403: it is no test key.
    """
    key = key_of(request)
    if key.environment is not Environment.TEST:
        raise Problem(403, "environment", "expected a test key, which begins with ck_test_")
    return key
