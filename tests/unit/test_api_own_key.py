"""`GET /v1/key`: says what the key is and what is left of its rates, and never its secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from consumer.access.key import KeySecret, Scope
from consumer.api.own_key import KEY_PROPERTIES, OwnKey, own_key_endpoint
from consumer.deliveries.origin import Environment
from tests.support.http_application import application_of, client_of as client
from tests.support.keys_in_memory import GateWith, key_of, text_of

if TYPE_CHECKING:
    import httpx

    from consumer.access.key import Key


async def asked(held: GateWith, key: Key) -> httpx.Response:
    """Return the answer to the holder of a key."""
    own_key = OwnKey(held.gate, held.clock)
    async with client(application_of([own_key_endpoint(own_key)], held.gate)) as calling:
        return await calling.get("/v1/key", headers={"x-api-key": text_of(key)})


async def shown(key: Key) -> dict[str, Any]:
    """Return what a new gate says of a key."""
    body: dict[str, Any] = (await asked(GateWith(key), key)).json()
    return body


async def test_holder_sees_all_that_the_key_allows() -> None:
    """Any scope will do, also none."""
    key = key_of(
        scopes=(), name="outbox", person="anna", subjects=("game.*",), addresses=("127.0.0.0/8",)
    )
    said = await shown(key)
    assert set(said) == {*KEY_PROPERTIES, "limits"}
    assert (said["id"], said["brand"], said["environment"]) == (key.id, "brand-a", "live")
    assert (said["name"], said["person"], said["scopes"]) == ("outbox", "anna", [])
    assert (said["subjects"], said["addresses"]) == (["game.*"], ["127.0.0.0/8"])
    assert (said["state"], said["expires"]) == ("in force", None)


async def test_neither_a_secret_nor_a_hash_is_shown() -> None:
    """Only until when the secrets hold."""
    key = key_of()
    older = KeySecret("0" * 64, ends_s=4_000_000_000.0)
    key = replace(key, secrets=(older, *key.secrets))
    answer = await asked(GateWith(key), key)
    ends = [secret["ends"] for secret in answer.json()["secrets"]]
    assert ends == ["2096-10-02T07:06:40.000000Z", None]
    for secret in key.secrets:
        assert secret.sha256 not in answer.text
    assert text_of(key)[20:] not in answer.text


async def test_key_without_rates_has_no_limits() -> None:
    """A live key by default."""
    assert (await shown(key_of()))["limits"] == {"events": None, "requests": None}


async def test_test_key_has_the_rate_of_the_sandbox() -> None:
    """Although the key itself has none."""
    said = await shown(key_of(environment=Environment.TEST))
    assert said["events_per_s"] is None
    assert said["limits"]["events"] == {"per_s": 100.0, "burst": 200, "left": 200}


async def test_what_was_used_is_not_left() -> None:
    """Until the time brings it back. Asking takes a request, and no event."""
    key = key_of(events_per_s=10.0, requests_per_s=5.0, scopes=(Scope.EVENTS_READ,))
    held = GateWith(key)
    held.gate.spend_events(key, 15)
    limits = (await asked(held, key)).json()["limits"]
    assert limits["events"] == {"per_s": 10.0, "burst": 20, "left": 5}
    assert limits["requests"] == {"per_s": 5.0, "burst": 10, "left": 9}
    held.clock.advance(1)
    limits = (await asked(held, key)).json()["limits"]
    assert (limits["events"]["left"], limits["requests"]["left"]) == (15, 9)


async def test_overdrawn_rate_leaves_nothing() -> None:
    """Not less than nothing."""
    key = key_of(events_per_s=10.0)
    held = GateWith(key)
    held.gate.spend_events(key, 500)
    limits = msgspec.json.decode((await asked(held, key)).content)["limits"]
    assert limits["events"]["left"] == 0
