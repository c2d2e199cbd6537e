"""Tells the holder of a key where one event is, as `consumer seen` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.access.key import Scope
from consumer.events.registry import find
from consumer.events.timestamp import from_epoch_s
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import RETRY, AnswerForm, Endpoint, because
from consumer.http.parameters import read_query
from consumer.http.places import Places
from consumer.http.request import key_of
from consumer.listeners.http.endpoints import ID
from consumer.pipeline.decode import suggestion
from consumer.readers.selection import rights_of
from consumer.tools.seen.find import find_event
from consumer.tools.seen.report import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.config.load import Config
    from consumer.deliveries.origin import Environment
    from consumer.http.request import Request

SEARCH_S: Final = 3.0
"""The longest time for a search in the sink, in seconds."""
SEARCHES_COUNT: Final = 4
SEARCHES_PER_KEY_COUNT: Final = 1
"""So many events are searched for at the same time, in the process and for each key."""
_DESCRIPTION: Final = """\
Tells what is remembered of an event, and where it is stored. An event that is remembered as `done`
is stored. The stream is searched around the time that is remembered. If nothing is remembered, the
last hour is searched. If the event was not found, `searched_to` says up to which time of storing
the stream was searched."""
_MARK: Final = {
    "title": "RememberedIdentity",
    "type": "object",
    "properties": {
        "state": {"enum": ["done", "pending"]},
        "brand": {"type": "string"},
        "identity": {"type": "array", "items": {"type": "string"}},
        "key": {"type": "string"},
        "since": {"type": "string"},
        "remaining_s": {"type": "number"},
    },
}
_STORED: Final = {
    "title": "PlaceInStream",
    "type": "object",
    "properties": {
        "subject": {"type": "string"},
        "sequence": {"type": "integer"},
        "stored": {"type": "string"},
        "brand": {"type": "string"},
        "key": {"type": "string"},
    },
}
_KEY: Final = "0f343b0931126a20f133d67c2b018a3b"
_FOUND: Final = {
    "store": [
        {
            "state": "done",
            "brand": "brand-a",
            "identity": [ID],
            "key": _KEY,
            "since": "2026-01-31T12:00:00.300000Z",
            "remaining_s": 86_398.5,
        }
    ],
    "sink": [
        {
            "subject": "game.bet",
            "sequence": 500,
            "stored": "2026-01-31T12:00:00.280000Z",
            "brand": "brand-a",
            "key": _KEY,
        }
    ],
    "scanned_count": 12,
    "scanned_from": "2026-01-31T11:45:00.300000Z",
    "scanned_to": "2026-01-31T12:01:00.300000Z",
}


class OneEventQuery(msgspec.Struct, kw_only=True):
    """The query of a search for one event."""

    message_type: Annotated[
        str, Meta(max_length=64, description="a message type", examples=["CASINO"])
    ]
    event_id: Annotated[
        str, Meta(max_length=512, description="the CloudEvents id of the event", examples=[ID])
    ] = msgspec.field(name="id")


class OneEventSearch:
    """Answers searches for one event.

    Args:
        configs: The configuration of each environment.
    """

    def __init__(self, configs: Mapping[Environment, Config]) -> None:
        self._configs = configs
        self._places = Places(
            SEARCHES_PER_KEY_COUNT,
            SEARCHES_COUNT,
            reason="too_many_pages",
            holder_has_all="the key searches already; send again",
            all_are_taken="others search already; send again",
        )

    async def __call__(self, request: Request) -> Answer:
        """Search for an event."""
        key = key_of(request)
        query = read_query(request, OneEventQuery)
        event_type = find(query.message_type)
        if event_type is None:
            raise Problem(
                400,
                "unknown_type",
                f"message_type: there is no such type{suggestion(query.message_type)}",
            )
        if not rights_of(key).subjects.issuperset(event_type.subjects.values()):
            raise Problem(
                403, "forbidden_subject", "the key may not read all subjects of this type"
            )
        with self._places.taken(key.id):
            answer = await find_event(
                self._configs[key.environment],
                event_type,
                query.event_id,
                brand=key.brand,
                within_s=SEARCH_S,
            )
        if answer.remembered or answer.stored:
            return Answer(200, as_json(answer), headers={"cache-control": "no-store"})
        if answer.store_why and answer.sink_why:
            raise Problem(
                503,
                "unavailable",
                "events cannot be searched for at this moment; send again",
                headers={"retry-after": "2"},
            )
        searched_to_s = answer.reached_s or answer.from_s if answer.sink_why else answer.to_s
        raise Problem(
            404,
            "not_found",
            "the event is neither remembered nor stored, as far as was searched",
            facts={"searched_to": from_epoch_s(searched_to_s)},
        )


def one_event_endpoints(search: OneEventSearch) -> tuple[Endpoint, ...]:
    """Return the endpoint that searches for one event."""
    return (
        Endpoint(
            name="find_event",
            method="GET",
            path="/v1/events/one",
            summary="Find one event by its id",
            description=_DESCRIPTION,
            scope=Scope.EVENTS_READ,
            query=OneEventQuery,
            handle=search,
            answers=(
                AnswerForm(
                    status=200,
                    meaning="What is remembered of the event, and where it is stored.",
                    schema={
                        "title": "FoundEvent",
                        "type": "object",
                        "properties": {
                            "store": {"type": ["array", "null"], "items": _MARK},
                            "sink": {"type": ["array", "null"], "items": _STORED},
                            "scanned_count": {"type": "integer"},
                            "scanned_from": {"type": "string"},
                            "scanned_to": {"type": "string"},
                        },
                    },
                    examples={"found": _FOUND},
                ),
                AnswerForm(
                    status=400,
                    meaning="A parameter is wrong.",
                    examples={
                        **because("invalid", "id: the CloudEvents id of the event, but missing"),
                        **because("unknown_type", "message_type: there is no such type"),
                    },
                ),
                AnswerForm(
                    status=403,
                    meaning="The key may not read this type.",
                    examples=because(
                        "forbidden_subject", "the key may not read all subjects of this type"
                    ),
                ),
                AnswerForm(
                    status=404,
                    meaning="The event was not found.",
                    examples={
                        "not_found": {
                            "reason": "not_found",
                            "detail": "the event is neither remembered nor stored, as far as was "
                            "searched",
                            "searched_to": "2026-01-31T12:00:00.000000Z",
                        }
                    },
                ),
                AnswerForm(
                    status=429,
                    meaning="The key searches for an event already.",
                    examples=because("too_many_pages", "the key searches already; send again"),
                    headers=RETRY,
                ),
                AnswerForm(
                    status=503,
                    meaning="Events cannot be searched for now.",
                    examples={
                        **because(
                            "unavailable",
                            "events cannot be searched for at this moment; send again",
                        ),
                        **because("busy", "others search already; send again"),
                    },
                    headers=RETRY,
                ),
            ),
        ),
    )
