"""Every endpoint with every scope, environment and brand: who may call what, and nothing crosses.

The table of endpoints and the gate are the real ones. The lanes are stand-ins that keep what they
take.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from msgspec.structs import replace

from consumer.access import token
from consumer.access.gate import Gate
from consumer.access.key import Key, KeySecret, Scope
from consumer.access.keyring import Keyring
from consumer.api.all_errors import AllErrors
from consumer.api.dead_letters.endpoints import dead_letter_endpoints
from consumer.api.described import described_endpoints
from consumer.api.endpoints import all_endpoints
from consumer.api.one_event import OneEventSearch, one_event_endpoints
from consumer.api.people import unserved_people, unserved_writes
from consumer.config.load import Config
from consumer.deliveries.origin import Environment, Sender
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.cors import Cors
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.intake import Intake
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.operations.metrics import Metrics
from consumer.readers.connection import ReadersConnection
from consumer.readers.described import reader_endpoints
from consumer.readers.endpoints import ReadersEndpoints
from consumer.readers.pace import Pace
from consumer.readers.readers import Readers
from consumer.readers.reading import sources_of
from consumer.readers.settings import StreamApiSettings
from consumer.sinks.base import SinkSettings
from consumer.stores.base import DedupeSettings
from tests.support.http_application import MEGABYTE, Lane
from tests.support.letters_in_memory import DeskScene, letter_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.http.endpoint import Endpoint

BRANDS: Final = ("brand-a", "brand-b")
SECRET: Final = token.new_secret()
ENDPOINTS: Final = tuple(one for one in described_endpoints() if "wallet" not in one.name)
"""All but those of the wallet, which test_wallet_who_may.py is about."""
BOTH: Final = frozenset(Environment)
EVENT: Final = b'{"type": "CASINO", "data": {}}'
LETTERS: Final = tuple(one for one in ENDPOINTS if "dead_letter" in one.name)
WRITES: Final = tuple(one for one in LETTERS if one.scope is Scope.DEAD_LETTERS_REPLAY)


def body_of(endpoint: Endpoint) -> bytes:
    """Return what is sent to an endpoint: a choice of letters, or an event."""
    return b'{"filter": {}}' if endpoint in WRITES else EVENT


PLACES: Final = {
    "message_type": "CASINO",
    "id": "A" * token.ID_CHARACTERS,
    "file": "stream.js",
}
"""What stands in the variable parts of paths."""
BODIES: Final = {"create_key": b'{"scopes": ["admin"]}', "rotate_key": b"{}"}
"""The bodies of endpoints that do not take an event."""


def key_of(brand: str, environment: Environment, scope: Scope | None) -> Key:
    """Return a key with at most one scope."""
    return Key(
        id=token.new_id(),
        brand=brand,
        environment=environment,
        scopes=() if scope is None else (scope,),
        secrets=(KeySecret(token.hash_of(SECRET)),),
    )


AWAY: Final = "nats://127.0.0.1:1"
ALLOWED: Final = {
    "open_stream": 406,  # it was asked for neither form of a stream
    "create_ticket": 400,  # the body is an event
    "list_events": 503,  # there is no connection to NATS here
    "find_event": 400,  # without a query
    "create_key": 503,  # no connection either: tests/integration/test_api_keys.py has one
    "rotate_key": 503,
    "revoke_key": 503,
}
"""The status of an allowed request, if it is not 200."""


def reading_without_a_server(
    gate: Gate, environments: frozenset[Environment]
) -> tuple[Endpoint, ...]:
    """Return the endpoints for readers, which have no connection."""
    sinks = dict.fromkeys(Environment, SinkSettings())
    connection = ReadersConnection(SinkSettings())
    sources = sources_of(connection, sinks, {}, Pace())
    handlers = ReadersEndpoints(Readers(StreamApiSettings(), 9, sources, gate, Metrics()), gate)
    config = Config(
        listeners={}, dedupe=DedupeSettings(store="memory"), sink=SinkSettings(url=AWAY)
    )
    search = OneEventSearch(dict.fromkeys(environments, config))
    return (*reader_endpoints(handlers), *one_event_endpoints(search))


class Served:
    """A port that serves some environments."""

    def __init__(self, environments: frozenset[Environment]) -> None:
        self.keyring = Keyring()
        self.keyring.replace({})
        self.keyring.ticket_secret = b"secret"
        self.lanes = {each: Lane(Intake(10, MEGABYTE)) for each in environments}
        gate = Gate(self.keyring, Metrics(), environments=environments, events_per_s={})
        limits = IngestLimits(
            max_body_bytes=MEGABYTE, max_event_bytes=MEGABYTE, rejected_status=400
        )
        self.letters = {each: DeskScene() for each in environments}
        for each, scene in self.letters.items():
            for brand in BRANDS:
                scene.shelf.put(letter_of(brand, each))
        desks = {each: scene.desk for each, scene in self.letters.items()}
        intakes = {each: lane.intake for each, lane in self.lanes.items()}
        ingest = Ingest(
            intakes,
            limits,
            Metrics(),
            gate.admit_again,
            gate.spend_events,
            AllErrors(strict=False),
        )
        self._application = HttpApplication(
            all_endpoints(
                ingest,
                HttpListenerSettings(),
                (
                    *reading_without_a_server(gate, environments),
                    *dead_letter_endpoints(desks, gate.admit_again, unserved_writes()),
                    *unserved_people(self.keyring),
                ),
            ),
            gate,
            ClientAddress(()),
            Cors(()),
            Metrics(),
        )

    async def call(
        self,
        endpoint: Endpoint,
        key: Key | None,
        environment: Environment | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
        number: int | None = None,
    ) -> httpx.Response:
        """Call an endpoint with a key, whose text may name another environment.

        By default, it is called for a letter of the key's brand, if it is about a letter.
        """
        if number is None:
            number = BRANDS.index(key.brand) + 1 if key is not None else 1
        headers = {}
        sent = BODIES.get(endpoint.name, body_of(endpoint)) if body is None else body
        if key is not None:
            self.keyring.keys[key.id] = key
            parts = token.KeyText(environment or key.environment, key.id, SECRET)
            headers = {"authorization": f"Bearer {token.write(parts)}"}
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(transport=transport, base_url="http://c") as client:
            return await client.request(
                endpoint.method,
                endpoint.path.format(**PLACES | {"number": str(number)}),
                headers=headers,
                content=b"" if endpoint.method == "GET" else sent,
            )

    def taken(self) -> list[tuple[Environment, Sender]]:
        """Return the senders of all that the lanes took, each with the lane's environment."""
        return [
            (environment, one.sender)
            for environment, lane in self.lanes.items()
            for one in lane.taken
        ]

    def without_letters(self) -> list[tuple[Environment, Sender]]:
        """Return the senders whose letters are gone, each with the environment."""
        return [
            (environment, Sender(brand, environment))
            for environment, scene in self.letters.items()
            for brand in BRANDS
            if not scene.shelf.of(Sender(brand, environment))
        ]


@contextlib.asynccontextmanager
async def serving(environments: frozenset[Environment] = BOTH) -> AsyncIterator[Served]:
    """Serve during the block."""
    served = Served(environments)
    tasks = []
    for scene in served.letters.values():
        await scene.open()
    for lane in served.lanes.values():
        lane.intake.open()
        tasks.append(asyncio.get_running_loop().create_task(lane.run()))
    try:
        yield served
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def expected(endpoint: Endpoint, scope: Scope | None, *, served: bool) -> int:
    """Return the status by the contract: the environment counts before the scope."""
    if not endpoint.needs_key:
        return 200
    if not served:
        return 403
    return ALLOWED.get(endpoint.name, 200) if endpoint.scope in (None, scope) else 403


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("scope", [None, *Scope])
async def test_nothing_crosses(endpoint: Endpoint, scope: Scope | None) -> None:
    """What passes arrives in the lane of its environment, under the brand of its key."""
    async with serving() as served:
        wanted = []
        for environment, brand in itertools.product(Environment, BRANDS):
            answer = await served.call(endpoint, key_of(brand, environment, scope))
            assert answer.status_code == expected(endpoint, scope, served=True), answer.text
            if endpoint.scope is Scope.INGEST and scope is Scope.INGEST:
                wanted.append((environment, Sender(brand, environment)))
        assert sorted(served.taken(), key=str) == sorted(wanted, key=str)
        writes = endpoint in WRITES and scope is endpoint.scope
        assert len(served.without_letters()) == (4 if writes else 0)


@pytest.mark.parametrize("endpoint", WRITES, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize(
    "body", [b'{"filter": {}}', b'{"numbers": [1, 2, 3]}'], ids=["filter", "numbers"]
)
@pytest.mark.parametrize("environment", Environment)
async def test_only_letters_of_the_key_are_changed(
    endpoint: Endpoint, body: bytes, environment: Environment
) -> None:
    """The letters of the other brand and of the other environment stay, and are not told of."""
    key = key_of("brand-b", environment, endpoint.scope)
    async with serving() as served:
        answer = await served.call(endpoint, key, body=body)
        told = {one["number"]: one["status"] for one in answer.json()["results"]}
        done = "dropped" if endpoint.name == "drop_dead_letters" else "stored"
        gone = {} if b"filter" in body else {1: "not_found", 3: "not_found"}
        assert told == {2: done, **gone}
        assert served.without_letters() == [(environment, key.sender)]
        events = {each: len(scene.sink.stored) for each, scene in served.letters.items()}
        assert events == {each: int(each is environment and done == "stored") for each in BOTH}


@pytest.mark.parametrize("environment", Environment)
async def test_only_letters_of_the_key_are_shown(environment: Environment) -> None:
    """A letter of the other brand is answered like a letter that does not exist."""
    key = key_of("brand-a", environment, Scope.DEAD_LETTERS_READ)
    listing, show = (one for one in LETTERS if one.scope is Scope.DEAD_LETTERS_READ)
    async with serving() as served:
        letters = (await served.call(listing, key)).json()["letters"]
        assert [one["number"] for one in letters] == [1]
        own, foreign, missing = [await served.call(show, key, number=each) for each in (1, 2, 3)]
        assert "of-brand-a" in own.json()["body"]
        assert foreign.status_code == missing.status_code == 404
        told = [one.json() | {"request_id": ""} for one in (foreign, missing)]
        assert told[0] == told[1]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("scope", [None, *Scope])
async def test_key_of_an_environment_that_is_not_served_may_nothing(
    endpoint: Endpoint, scope: Scope | None
) -> None:
    """Without a sandbox, a test key reaches nothing of the live side."""
    async with serving(frozenset((Environment.LIVE,))) as served:
        answer = await served.call(endpoint, key_of("brand-a", Environment.TEST, scope))
        assert answer.status_code == expected(endpoint, scope, served=False)
        assert served.taken() == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_request_without_a_key_may_read_documents_only(endpoint: Endpoint) -> None:
    """Everything else asks for a key."""
    async with serving() as served:
        answer = await served.call(endpoint, None)
        assert answer.status_code == (401 if endpoint.needs_key else 200)
        assert served.taken() == []


async def test_text_of_a_key_for_the_other_environment_is_unknown() -> None:
    """Nobody makes a live key of a test key by writing another word into it."""
    endpoint = next(one for one in ENDPOINTS if one.scope is Scope.INGEST)
    key = key_of("brand-a", Environment.TEST, Scope.INGEST)
    async with serving() as served:
        answer = await served.call(endpoint, key, Environment.LIVE)
        assert (answer.status_code, served.taken()) == (401, [])


@pytest.mark.parametrize(
    "endpoint",
    [one for one in ENDPOINTS if one.scope is Scope.INGEST or one in WRITES],
    ids=lambda endpoint: endpoint.name,
)
async def test_key_that_is_revoked_while_its_body_comes_posts_nothing(endpoint: Endpoint) -> None:
    """A body may take half a minute, but a revocation is in force within a second."""
    key = key_of("brand-a", Environment.LIVE, endpoint.scope)
    whole = body_of(endpoint)
    async with serving() as served:

        async def body() -> AsyncIterator[bytes]:
            yield whole[:5]
            served.keyring.keys[key.id] = replace(key, revoked_s=1.0)
            yield whole[5:]

        answer = await served.call(endpoint, key, body=body())
        assert (answer.status_code, served.taken()) == (401, [])
        assert served.without_letters() == []
