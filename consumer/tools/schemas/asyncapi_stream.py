"""The messages of `/v1/stream` as an AsyncAPI 3.0 document, over WebSocket and Server-Sent Events.

Responsible for the messages around the events. The events come from `json_schema.py`.
https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.events.registry import CATALOGUE
from consumer.readers.messages import ID_MAX_CHARACTERS, PATTERNS_MAX_COUNT
from consumer.tools.schemas import example, json_schema
from consumer.tools.schemas.asyncapi import Document, info, payload_of, reference, tags_of
from consumer.tools.schemas.describe import subjects, summary

if TYPE_CHECKING:
    from consumer.events.base import EventType

PATH: Final = "/v1/stream"
CURSOR: Final = "7c2e4f81a0-1207"
"""The cursor of the examples."""

_ID: Final[Document] = {
    "type": "string",
    "maxLength": ID_MAX_CHARACTERS,
    "description": "The name that the client has given to the subscription. Over Server-Sent "
    "Events, it is `stream`.",
}
_CURSOR: Final[Document] = {
    "type": "string",
    "description": "A place in the stream. Send it as `after` to go on from there. Only the server "
    "knows what the text means.",
}
_SUBJECTS: Final[Document] = {
    "type": "array",
    "items": {"type": "string"},
    "maxItems": PATTERNS_MAX_COUNT,
    "description": "Subjects without a prefix, such as `game.bet` or `withdrawal.*`. None: all "
    "that the key may read.",
}
_USER: Final[Document] = {"type": "string", "description": "Only events of this player."}
_AFTER: Final[Document] = {
    "type": "string",
    "description": "The cursor after which to begin. Not together with `since`.",
}
_SINCE: Final[Document] = {
    "type": "string",
    "format": "date-time",
    "description": "The time of storing from which to begin. Not together with `after`. Without "
    "both, the subscription begins with the next event.",
}
_TICKET: Final[Document] = {
    "type": "string",
    "description": "A ticket of `POST /v1/tickets`, for browsers, which cannot send the header "
    "`Authorization`.",
}
_EARLIEST: Final[Document] = {
    "type": "string",
    "description": "The cursor of the earliest place that the stream still has.",
}


def stream_document() -> Document:
    """Return the AsyncAPI document of the stream over HTTP."""
    events = [f"event.{event_type.name}" for event_type in CATALOGUE]
    received = ["subscribe", "unsubscribe"]
    sent = ["subscribed", "caught_up", "unsubscribed", "heartbeat", "error", "shutdown"]
    sse = ["subscribed", "caught_up", "heartbeat", "cursor_expired", "error", "shutdown"]
    return {
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": "application/json",
        "channels": {
            "websocket": _websocket_channel([*received, *sent, *events]),
            "sse": _sse_channel([*sse, *events]),
        },
        "operations": {
            **{name: _operation("receive", "websocket", [name]) for name in received},
            **{name: _operation("send", "websocket", [name]) for name in sent},
            "event": _operation("send", "websocket", events),
            **{f"sse.{name}": _operation("send", "sse", [name]) for name in sse},
            "sse.event": _operation("send", "sse", events),
        },
        "components": {
            "messages": {
                **_client_messages(),
                **_server_messages(),
                **{f"event.{each.name}": _event_message(each) for each in CATALOGUE},
            },
            "schemas": {
                each.name: payload_of(json_schema.outgoing(each), each) for each in CATALOGUE
            },
        },
    }


def _websocket_channel(messages: list[str]) -> Document:
    return {
        "address": PATH,
        "title": "The stream over a WebSocket",
        "description": "The subprotocol is `consumer.v1`. Each message is a text frame with one "
        "JSON object. A message of a client has at most 64 KiB, and a connection has at most 32 "
        "subscriptions. Close codes: 1012: the server restarts, so connect again; 4401: the key "
        "was revoked or has expired; 4408: the client was too slow, and the reason has its last "
        "cursor.",
        "messages": {name: reference("messages", name) for name in messages},
        "bindings": {
            "ws": {"method": "GET", "query": _object(("ticket", _TICKET), required=())},
        },
    }


def _sse_channel(messages: list[str]) -> Document:
    return {
        "address": PATH,
        "title": "The stream as Server-Sent Events",
        "description": "A GET with `Accept: text/event-stream`. The query is one subscription: "
        "`ticket`, `subject` (any number of times), `user`, `after` or `since`. The field `data` "
        "has one JSON object, and the field `id` its cursor. Only events have no name; the name of "
        "any other message is its `op`. After a `Last-Event-ID` that is too old comes a message "
        "with the name `cursor_expired` and an empty `id`, and then what is new. An `after` that "
        "is too old is answered with 410.",
        "messages": {name: reference("messages", name) for name in messages},
    }


def _operation(action: str, channel: str, messages: list[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _client_messages() -> Document:
    return {
        "subscribe": _message(
            "subscribe",
            "Begin a subscription.",
            _object(
                ("id", _ID),
                ("subjects", _SUBJECTS),
                ("user", _USER),
                ("after", _AFTER),
                ("since", _SINCE),
                op="subscribe",
                required=("id",),
            ),
            {"id": "a", "subjects": ["withdrawal.*"], "after": CURSOR},
        ),
        "unsubscribe": _message(
            "unsubscribe",
            "End a subscription.",
            _object(("id", _ID), op="unsubscribe", required=("id",)),
            {"id": "a"},
        ),
    }


def _server_messages() -> Document:
    at_cursor = (("id", _ID), ("cursor", _CURSOR))
    caught_up = {"type": "boolean", "description": "False while history is still to come."}
    return {
        "subscribed": _message(
            "subscribed",
            "The subscription has begun.",
            _object(
                *at_cursor,
                ("caught_up", caught_up),
                op="subscribed",
                required=("id", "cursor", "caught_up"),
            ),
            {"id": "a", "cursor": CURSOR, "caught_up": False},
        ),
        "caught_up": _message(
            "caught_up",
            "History has been sent, and live events follow, without a gap and without a repeat.",
            _object(*at_cursor, op="caught_up", required=("id", "cursor")),
            {"id": "a", "cursor": CURSOR},
        ),
        "unsubscribed": _message(
            "unsubscribed",
            "The subscription has ended.",
            _object(("id", _ID), op="unsubscribed", required=("id",)),
            {"id": "a"},
        ),
        "heartbeat": _message(
            "heartbeat",
            "Nothing has passed for a while. The place has moved on all the same.",
            _object(("cursor", _CURSOR), op="heartbeat", required=("cursor",)),
            {"cursor": CURSOR},
        ),
        "error": _error(
            "error",
            "Something is wrong with what the client has sent. The connection stays.",
            {
                "id": "a",
                "reason": "forbidden_subject",
                "temporary": False,
                "message": "the key may not read withdrawal.*",
            },
        ),
        "cursor_expired": _error(
            "cursor_expired",
            "The stream does not have all events behind the cursor any more, and sends none.",
            {
                "reason": "cursor_expired",
                "temporary": False,
                "message": "the events behind this cursor are gone",
                "earliest": CURSOR,
            },
        ),
        "shutdown": _message(
            "shutdown",
            "The server restarts. The connection is closed with 1012: connect again.",
            _object(op="shutdown", required=()),
            {},
        ),
    }


def _error(name: str, meaning: str, values: Document) -> Document:
    schema = _object(
        ("id", _ID),
        ("reason", {"type": "string", "description": "A word for programs."}),
        (
            "temporary",
            {"type": "boolean", "description": "True if the same may work a little later."},
        ),
        ("message", {"type": "string", "description": "What is wrong, for people."}),
        ("earliest", _EARLIEST),
        op="error",
        required=("reason", "temporary", "message"),
    )
    return _message(name, meaning, schema, values, op="error")


def _event_message(event_type: EventType) -> Document:
    event = example.put_out(event_type)
    subject = {
        "type": "string",
        "enum": [*subjects(event_type)],
        "description": "The subject of the event, without a prefix.",
    }
    schema = _object(
        ("id", _ID),
        ("cursor", _CURSOR),
        ("subject", subject),
        ("event", reference("schemas", event_type.name)),
        op="event",
        required=("id", "cursor", "subject", "event"),
    )
    values = {"id": "a", "cursor": CURSOR, "subject": event["type"], "event": event}
    message = _message("event", summary(event_type.fields), schema, values)
    return {**message, "title": event_type.name, "tags": tags_of(event_type)}


def _message(
    name: str, meaning: str, payload: Document, values: Document, op: str | None = None
) -> Document:
    return {
        "name": name,
        "summary": meaning,
        "contentType": "application/json",
        "payload": payload,
        "examples": [{"payload": {"op": op or name, **values}}],
    }


def _object(
    *fields: tuple[str, Document], required: tuple[str, ...], op: str | None = None
) -> Document:
    kind: Document = {} if op is None else {"op": {"const": op}}
    return {
        "type": "object",
        "properties": {**kind, **dict(fields)},
        "required": [*kind, *required],
    }
