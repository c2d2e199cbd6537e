"""`GET /v1/key`: tells the holder what a key is, what it allows, and what is left of its rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.access.key import Scope
from consumer.access.shown import fields_of
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.events.timestamp import from_epoch_s
from consumer.http.answer import Answer
from consumer.http.endpoint import AnswerForm, Endpoint
from consumer.http.request import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.access.gate import Gate, RateLeft
    from consumer.clock import Clock
    from consumer.http.request import Request

DAY_CHARACTERS: Final = 10
SCOPE: Final = {"title": "Scope", "type": "string", "enum": [scope.value for scope in Scope]}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_PER_S: Final = {"type": ["number", "null"], "exclusiveMinimum": 0}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
KEY_PROPERTIES: Final[Mapping[str, object]] = {
    "id": {"type": "string", "description": "the second part of the key's text; it is no secret"},
    "brand": {"type": "string"},
    "environment": {
        "title": "Environment",
        "type": "string",
        "enum": [environment.value for environment in Environment],
    },
    "name": {"type": "string", "description": "a name for people"},
    "person": {"type": "string", "description": "who holds the key; empty for a program"},
    "scopes": {"type": "array", "items": SCOPE},
    "subjects": {**_TEXTS, "description": "the subjects that the key may read; empty: all"},
    "addresses": {**_TEXTS, "description": "from where the key may be used; empty: everywhere"},
    "events_per_s": {**_PER_S, "description": "the rate of events that the key was made with"},
    "requests_per_s": {**_PER_S, "description": "the rate of requests that the key was made with"},
    "state": {
        "title": "KeyState",
        "type": "string",
        "enum": ["in force", "expired", "revoked"],
    },
    "created": _TIME,
    "expires": {**_TIME, "description": "null: never"},
    "revoked": {**_TIME, "description": "null: not revoked"},
    "used_on": {
        "type": ["string", "null"],
        "description": "the last day of use, in UTC; null: never",
    },
    "secrets": {
        "type": "array",
        "description": "the secrets of the key that hold, without the secrets themselves",
        "items": {"type": "object", "properties": {"ends": _TIME}, "required": ["ends"]},
    },
}
"""The fields with which answers show a key, as JSON Schema."""
SHOWN_KEY: Final[Mapping[str, object]] = {
    "id": "nq1Urtg6ciEv",
    "brand": "brand-a",
    "environment": "live",
    "name": "outbox of the casino",
    "person": "",
    "scopes": ["ingest"],
    "subjects": [],
    "addresses": ["203.0.113.0/24"],
    "events_per_s": 500,
    "requests_per_s": None,
    "state": "in force",
    "created": "2026-11-26T12:00:00.000000Z",
    "expires": "2027-02-24T12:00:00.000000Z",
    "revoked": None,
    "used_on": "2026-11-26",
    "secrets": [{"ends": None}],
}
"""A key as answers show it, for examples."""
_LEFT: Final = {
    "type": ["object", "null"],
    "description": "null: no limit",
    "required": ["per_s", "burst", "left"],
    "properties": {
        "per_s": {"type": "number"},
        "burst": {"type": "integer", "description": "how many may come at once after a pause"},
        "left": {"type": "integer", "description": "how many may come at once now"},
    },
}
_SCHEMA: Final = {
    "title": "OwnKey",
    "type": "object",
    "required": [*KEY_PROPERTIES, "limits"],
    "properties": {
        **KEY_PROPERTIES,
        "limits": {
            "type": "object",
            "required": ["events", "requests"],
            "properties": {"events": _LEFT, "requests": _LEFT},
        },
    },
}


class OwnKey:
    """Answers the holder of a key.

    Args:
        gate: Knows the rates of the keys.
        clock: The clock.
    """

    def __init__(self, gate: Gate, clock: Clock = SYSTEM_CLOCK) -> None:
        self._gate = gate
        self._clock = clock

    async def __call__(self, request: Request) -> Answer:
        """Return what is known about the key of the request, without its secret."""
        key = key_of(request)
        now_s = self._clock.now_s()
        today = from_epoch_s(now_s)[:DAY_CHARACTERS]  # this request is a use
        limits = {
            "events": _left(self._gate.events_left(key)),
            "requests": _left(self._gate.requests_left(key)),
        }
        return Answer(200, msgspec.json.encode({**fields_of(key, today, now_s), "limits": limits}))


def _left(rate: RateLeft | None) -> dict[str, float] | None:
    if rate is None:
        return None
    return {"per_s": rate.per_s, "burst": rate.burst_count, "left": rate.left_count}


def own_key_endpoint(own_key: OwnKey) -> Endpoint:
    """Return the endpoint.

    Args:
        own_key: What answers it.
    """
    limits = {"events": {"per_s": 500, "burst": 1000, "left": 998}, "requests": None}
    return Endpoint(
        name="show_own_key",
        method="GET",
        path="/v1/key",
        summary="Show the key of the request",
        description="What the key is, what it allows, and what is left of its rates. Each process "
        "of the platform counts the rates for itself, so the next request may be told another "
        "number. Neither the secret nor its hash is shown.",
        handle=own_key,
        answers=(
            AnswerForm(
                status=200,
                meaning="The key.",
                schema=_SCHEMA,
                examples={"key": {**SHOWN_KEY, "limits": limits}},
            ),
        ),
    )
