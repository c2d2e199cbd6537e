"""`/v1/types`: the catalogue over HTTP says what the code does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from consumer.api.types import TypePages, type_endpoints
from consumer.deliveries.origin import Environment
from consumer.events.registry import CATALOGUE
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.stores.base import DedupeSettings
from consumer.tools.schemas import json_schema
from tests.support.http_application import application_of, client_of

if TYPE_CHECKING:
    import httpx

    from consumer.events.base import EventType

WINDOWS: Final = {
    Environment.LIVE: DedupeSettings(windows_s={"payment": 60.0}),
    Environment.TEST: DedupeSettings(window_s=30.0),
}


async def got(path: str, *, strict: bool = False) -> httpx.Response:
    """Return the answer to a request without a key."""
    endpoints = type_endpoints(TypePages(WINDOWS, strict=strict))
    async with client_of(application_of(endpoints)) as client:
        del client.headers["x-api-key"]
        return await client.get(path)


async def listed() -> dict[str, Any]:
    """Return what is said of each type, by its name."""
    types = (await got("/v1/types")).json()["types"]
    return {one["type"]: one for one in types}


async def test_every_type_is_listed_in_order() -> None:
    """With the facts of the catalogue."""
    assert [*await listed()] == [event_type.name for event_type in CATALOGUE]
    payment = (await listed())["PAYMENT"]
    assert payment["families"] == ["wallet", "withdrawal"]
    assert "withdrawal.requested" in payment["subjects"]
    assert "amount" in payment["deciding"]


async def test_each_type_names_the_path_on_which_it_is_posted() -> None:
    """A type without a path of its own goes to the path of many events."""
    for name, one in (await listed()).items():
        assert (one["method"], one["path"]) == PATHS.get(name, ("POST", MANY_PATH))


async def test_windows_are_those_of_the_configuration() -> None:
    """By environment, because the sandbox has its own."""
    types = await listed()
    assert types["PAYMENT"]["window_s"] == {"live": 60.0, "test": 30.0}
    assert types["CASINO"]["window_s"] == {"live": 86_400.0, "test": 30.0}


@pytest.mark.parametrize("event_type", CATALOGUE, ids=lambda one: one.name)
async def test_schemas_are_those_of_the_command(event_type: EventType) -> None:
    """Also under another case of the name, and for a strict listener."""
    path = f"/v1/types/{event_type.name.lower()}/schema"
    assert (await got(path)).json() == {
        "type": event_type.name,
        "sent": json_schema.incoming(event_type),
        "event": json_schema.outgoing(event_type),
    }
    strict = (await got(path, strict=True)).json()
    assert strict["sent"] == json_schema.incoming(event_type, strict=True)


@pytest.mark.parametrize(
    ("name", "hint"), [("CASNO", "did you mean CASINO?"), ("zzzzz", "expected CASINO, GAME_ROUND")]
)
async def test_unknown_type_gets_a_hint(name: str, hint: str) -> None:
    """The nearest name, or all names."""
    answer = await got(f"/v1/types/{name}/schema")
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
    assert hint in answer.json()["detail"]
