"""The table of the endpoints for readers, with their descriptions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.http.body_schema import body_schema
from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint, because
from consumer.readers.endpoints import EventsQuery, StreamQuery, TicketWish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.readers.endpoints import ReadersEndpoints

CURSOR: Final = "64f3a1b2c3d4e-1f4"
EVENT: Final[Mapping[str, object]] = {
    "specversion": "1.0",
    "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "source": "/brand-a/casino",
    "type": "game.bet",
    "subject": "player-17",
    "time": "2026-01-31T12:00:00.250000Z",
    "datacontenttype": "application/json",
    "brand": "brand-a",
    "data": {"amount": "12.30", "currency": "EUR"},
}
_SENT_EVENT: Final = {
    "op": "event",
    "id": "events",
    "cursor": CURSOR,
    "subject": EVENT["type"],
    "event": EVENT,
}
_EVENT_SCHEMA: Final[Mapping[str, object]] = {
    "title": "Event",
    "description": "A CloudEvent: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md",
    "type": "object",
    "required": [name for name in EVENT if name != "subject"],
    "properties": {
        "specversion": {"type": "string"},
        "id": {"type": "string", "description": "unique together with `source`"},
        "source": {"type": "string", "description": "the brand and the message type"},
        "type": {"type": "string", "description": "the subject, without the operator's prefix"},
        "subject": {"type": "string", "description": "the player"},
        "time": {"type": "string", "description": "when it happened, or when it arrived"},
        "datacontenttype": {"type": "string"},
        "brand": {"type": "string"},
        "sequence": {
            "type": "string",
            "description": "the number of the event among those of its player; only events of the "
            "wallet have it",
        },
        "data": {
            "type": "object",
            "additionalProperties": True,
            "description": "`GET /v1/types/{message_type}/schema` has the schema of its fields",
        },
    },
}
_STREAM: Final = """\
A stream of events: live, and from a cursor or a time on. A WebSocket has the subprotocol
`consumer.v1`. With `Accept: text/event-stream`, the stream is Server-Sent Events, and the query
says which events are sent. `/asyncapi.json` describes the messages, and docs/subscribing.md
explains them."""
_TICKET: Final = """\
A ticket opens streams in place of a key: `/v1/stream?ticket=…`. It is for browsers, which cannot
send a key in a header when they open a stream. A ticket allows reading only, and never more than
its key. It ends with the key, and may be used any number of times until it expires."""
_EVENTS: Final = """\
Events that were stored before, in the order of the stream. If `more` is true, ask for the next page
with the cursor of this page, even if this page is empty. Without `after` and `since`, the first
page begins with the oldest event of the stream."""


def reader_endpoints(handlers: ReadersEndpoints) -> tuple[Endpoint, ...]:
    """Return all endpoints for readers."""
    return (_stream(handlers), _ticket(handlers), _events(handlers))


def _stream(handlers: ReadersEndpoints) -> Endpoint:
    return Endpoint(
        name="open_stream",
        method="GET",
        path="/v1/stream",
        summary="Follow events live",
        description=_STREAM,
        scope=Scope.EVENTS_READ,
        takes_ticket=True,
        query=StreamQuery,
        open_stream=handlers.open_stream,
        check_stream=handlers.check_stream,
        handle=handlers.no_stream,
        answers=(
            AnswerForm(
                status=200,
                meaning="The stream, as Server-Sent Events.",
                media_type="text/event-stream",
                schema={"type": "string"},
                examples={"event": f"id: {CURSOR}\ndata: {json.dumps(_SENT_EVENT)}\n\n"},
                headers={"Cache-Control": "`no-store`"},
            ),
            *_wrong_selection(),
            _expired(),
            AnswerForm(
                status=406,
                meaning="The request asks for neither form of a stream.",
                examples=because(
                    "not_acceptable", "expected a WebSocket, or Accept: text/event-stream"
                ),
            ),
            AnswerForm(
                status=429,
                meaning="The key has too many open streams.",
                examples=because("too_many_streams", "the key may have 100 open streams"),
                headers=RETRY,
            ),
            _away(),
        ),
    )


def _ticket(handlers: ReadersEndpoints) -> Endpoint:
    return Endpoint(
        name="create_ticket",
        method="POST",
        path="/v1/tickets",
        summary="Make a ticket for a browser",
        description=_TICKET,
        scope=Scope.EVENTS_READ,
        handle=handlers.ticket,
        body=BodyForm(
            required=False,
            media_types=("application/json",),
            schema={"application/json": body_schema(TicketWish)},
            examples={
                "application/json": {
                    "subjects": ["wallet.*"],
                    "user": "player-17",
                    "expires_s": 60,
                }
            },
        ),
        answers=(
            AnswerForm(
                status=201,
                meaning="The ticket.",
                schema={
                    "title": "Ticket",
                    "type": "object",
                    "required": ["ticket", "expires"],
                    "properties": {
                        "ticket": {"type": "string"},
                        "expires": {"type": "string", "format": "date-time"},
                    },
                },
                examples={
                    "made": {"ticket": "ct_3q2-7wAA…", "expires": "2026-01-31T12:01:00.000000Z"}
                },
            ),
            *_wrong_selection(),
        ),
    )


def _events(handlers: ReadersEndpoints) -> Endpoint:
    return Endpoint(
        name="list_events",
        method="GET",
        path="/v1/events",
        summary="Read events of the past",
        description=_EVENTS,
        scope=Scope.EVENTS_READ,
        query=EventsQuery,
        handle=handlers.events,
        answers=(
            AnswerForm(
                status=200,
                meaning="A page of events.",
                schema={
                    "title": "EventsPage",
                    "type": "object",
                    "required": ["events", "cursor", "more"],
                    "properties": {
                        "events": {"type": "array", "items": _EVENT_SCHEMA},
                        "cursor": {"type": "string"},
                        "more": {"type": "boolean"},
                    },
                },
                examples={"page": {"events": [EVENT], "cursor": CURSOR, "more": True}},
            ),
            *_wrong_selection(with_type=True),
            _expired(),
            AnswerForm(
                status=429,
                meaning="The key reads too many pages at the same time.",
                examples=because(
                    "too_many_pages", "at most 2 pages of a key are read at a time; send again"
                ),
                headers=RETRY,
            ),
            _away(),
            AnswerForm(
                status=503,
                meaning="Too many pages are being read.",
                examples=because("busy", "at most 8 pages are read at a time; send again"),
                headers=RETRY,
            ),
        ),
    )


def _wrong_selection(*, with_type: bool = False) -> tuple[AnswerForm, ...]:
    wrong = {
        **because("invalid", "limit: expected a whole number from 1 to 1000, got '0'"),
        **because("unknown_subject", "subjects: there is no such subject; did you mean game.*?"),
    }
    if with_type:
        wrong |= because("unknown_type", "message_type: there is no such type, did you mean CART?")
    return (
        AnswerForm(status=400, meaning="A parameter is wrong.", examples=wrong),
        AnswerForm(
            status=403,
            meaning="The key, or the ticket, may not read this.",
            examples={
                **because("forbidden_subject", "subjects: the key may not read all of game.*"),
                **because("forbidden_user", "user: the ticket is for another user"),
            },
        ),
    )


def _expired() -> AnswerForm:
    return AnswerForm(
        status=410,
        meaning="Events behind the cursor are gone, or the stream was made anew.",
        examples={
            "cursor_expired": {
                "reason": "cursor_expired",
                "detail": "events behind the cursor are gone",
                "earliest": CURSOR,
            }
        },
    )


def _away() -> AnswerForm:
    return AnswerForm(
        status=503,
        meaning="Events cannot be read now. Sending the request again is safe.",
        examples=because("unavailable", "events cannot be read at this moment; send again"),
        headers=RETRY,
    )
