"""The endpoints of ingest: a path for most message types, and a path for many events."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint, because
from consumer.listeners.http.answers import WORDS
from consumer.listeners.http.many import LINES_MAX_COUNT, ManyEvents
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.listeners.http.shed import Shed
from consumer.listeners.http.single import OneEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.listeners.http.ingest import Ingest

JSON_TYPES: Final = ("application/json", "text/json")
LINES_TYPE: Final = "application/x-ndjson"
LINE_TYPES: Final = (LINES_TYPE, "application/jsonl", *JSON_TYPES)
GAME: Final = "GAME"
"""The message type whose events may have no identity of their own."""
ID: Final = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"

_STORED: Final = {
    "title": "StoredEvent",
    "type": "object",
    "required": ["status", "id", "type"],
    "properties": {
        "status": {"type": "string", "enum": ["stored", "duplicate"]},
        "id": {"type": "string", "description": "the CloudEvents id"},
        "type": {"type": "string", "description": "the subject of the event"},
    },
}
_REJECTED: Final = {
    "title": "RejectedEvent",
    "type": "object",
    "required": ["status", "reason", "detail", "errors"],
    "properties": {
        "status": {"type": "string", "const": "rejected"},
        "reason": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}
_LINE: Final = {
    "title": "LineResult",
    "type": "object",
    "required": ["line", "status"],
    "properties": {
        "line": {"type": "integer", "minimum": 1},
        "status": {"type": "string", "enum": ["stored", "duplicate", "rejected"]},
        "id": {"type": "string"},
        "type": {"type": "string"},
        "reason": {"type": "string"},
        "error": {"type": "string"},
    },
}
_LINES: Final = {
    "title": "BatchResult",
    "type": "object",
    "required": ["rejected", "results"],
    "properties": {
        "rejected": {"type": "integer", "minimum": 0},
        "results": {"type": "array", "items": _LINE},
    },
}
_EVENT: Final = {
    "title": "EventWithType",
    "type": "object",
    "required": ["type", "data"],
    "properties": {
        "type": {"type": "string", "description": "the message type, such as CASINO"},
        "data": {
            "type": "object",
            "additionalProperties": True,
            "description": "the event, as the type's own path takes it",
        },
    },
}
_SENT: Final = (
    {
        "type": "CASINO",
        "data": {
            "activity_id": ID,
            "type": "Bet",
            "amount": "12.30",
            "currency": "EUR",
            "exchange_rate": "1",
            "game_id": "132",
            "game_name": "Dead or Alive",
            "round_id": "636",
            "is_round_end": False,
            "status": "Approved",
            "user_id": "player-17",
            "vendor_id": "12",
            "origin": "www.brand.com",
            "timestamp": "2026-01-31T12:00:00.250Z",
        },
    },
    {
        "type": "LOGIN_V2",
        "data": {
            "user_id": "player-17",
            "origin": "www.brand.com",
            "timestamp": "2026-01-31T11:58:00Z",
        },
    },
)
_SAFE: Final = "Sending again is safe: an event that is stored already is a duplicate."
_SAFE_IF: Final = (
    "Sending again is safe if the event has `last_modified`. Without it, each request is an event."
)


def ingest_endpoints(
    ingest: Ingest, answer_timeout_s: float, rejected_status: int
) -> tuple[Endpoint, ...]:
    """Return all endpoints of ingest.

    Args:
        ingest: The way into the lanes.
        answer_timeout_s: How long a sender waits, in seconds.
        rejected_status: The status of the answer to a rejected event: 400 or 200.
    """
    singles = [
        _single(name, *PATHS[name], OneEvent(ingest, name), rejected_status) for name in PATHS
    ]
    return (*singles, _many(ManyEvents(ingest, answer_timeout_s), rejected_status))


def _single(name: str, method: str, path: str, event: OneEvent, rejected_status: int) -> Endpoint:
    return Endpoint(
        name=f"ingest_{name.lower()}",
        method=method,
        path=path,
        summary=f"Post one event of type {name}",
        description=f"Answers once the event is stored. {_SAFE_IF if name == GAME else _SAFE}",
        scope=Scope.INGEST,
        handle=event,
        take=event.take,
        body=BodyForm(
            media_types=JSON_TYPES,
            schema={"application/json": {"$ref": f"#/components/schemas/{name}"}},
        ),
        answers=(*_single_answers(rejected_status), *_not_now()),
    )


def _single_answers(rejected_status: int) -> tuple[AnswerForm, ...]:
    stored: dict[str, dict[str, object]] = {
        "stored": {"status": "stored", "id": ID, "type": "game.bet"},
        "duplicate": {"status": "duplicate", "id": ID, "type": "game.bet"},
    }
    meaning = "The event is stored, or was stored before."
    if rejected_status == HTTPStatus.OK:
        rejected: dict[str, dict[str, object]] = {
            "rejected": {"status": "rejected", "reason": "invalid", **_MISFIT}
        }
        return (
            AnswerForm(
                status=200,
                meaning=f"{meaning} With the status `rejected`, it will never be an event.",
                schema={"oneOf": [_STORED, _REJECTED]},
                examples=stored | rejected,
            ),
        )
    return (
        AnswerForm(status=200, meaning=meaning, schema=_STORED, examples=stored),
        AnswerForm(
            status=400,
            meaning="This will never be an event. It is kept as a dead letter. Mend it first.",
            examples={
                "invalid": {"reason": "invalid", **_MISFIT},
                **because("malformed", "Input data was truncated"),
                **because("too_large", "body: expected at most 52428 values, got more"),
                **because(
                    "unsupported_encoding",
                    "content-encoding: expected none, identity, gzip, deflate or zstd, got 'br'",
                ),
                **because("forbidden_type", "type: this listener does not take PAYMENT"),
                **because(
                    "owned_by_wallet",
                    'vendor_id: expected a vendor whose bets the wallet does not send, got "acme"',
                ),
            },
        ),
        AnswerForm(
            status=409,
            meaning="An event with this identity was stored before, with other content.",
            examples=because(
                "conflict",
                f'id "{ID}" was sent before, about 3 h ago, with another value in at least one '
                "of user_id, type, amount, currency, game_id, round_id, vendor_id",
            ),
        ),
    )


_MISFIT: Final = {
    "detail": 'amount: expected number, got "abc"',
    "errors": [{"field": "amount", "expected": "number", "found": '"abc"'}],
}


def _many_ended(example: Mapping[str, object], rejected_status: int) -> tuple[AnswerForm, ...]:
    ended = "All lines have ended. A rejected line is kept as a dead letter."
    no_array = "The body begins as an array, and is none. It is kept as one dead letter."
    why = {"reason": "malformed", "detail": "Input data was truncated"}
    if rejected_status == HTTPStatus.OK:
        broken: dict[str, object] = {"status": "rejected", **why, "errors": []}
        return (
            AnswerForm(
                status=200,
                meaning=f"{ended} With the status `rejected`: {no_array}",
                schema={"oneOf": [_LINES, _REJECTED]},
                examples={"mixed": example, "rejected": broken},
            ),
        )
    return (
        AnswerForm(status=200, meaning=ended, schema=_LINES, examples={"mixed": example}),
        AnswerForm(status=400, meaning=no_array, examples=because(**why)),
    )


def _many(handle: ManyEvents, rejected_status: int) -> Endpoint:
    example = {
        "rejected": 1,
        "results": [
            {"line": 1, "status": "stored", "id": ID, "type": "game.bet"},
            {
                "line": 2,
                "status": "rejected",
                "reason": "invalid",
                "error": 'amount: expected number, got "abc"',
            },
        ],
    }
    return Endpoint(
        name="ingest_events",
        method="POST",
        path=MANY_PATH,
        summary="Post many events",
        description=(
            "Each line, or each element of a JSON array, is one event with its type. The answer "
            f"has a result for each line, in order. Lines are stored in order. "
            f"A request may have {LINES_MAX_COUNT} lines. {_SAFE}"
        ),
        scope=Scope.INGEST,
        handle=handle,
        body=BodyForm(
            media_types=LINE_TYPES,
            schema={
                LINES_TYPE: {"type": "string", "description": "a line of JSON for each event"},
                "application/json": {"type": "array", "items": _EVENT},
            },
            examples={
                LINES_TYPE: "".join(f"{json.dumps(event)}\n" for event in _SENT),
                "application/json": _SENT,
            },
        ),
        answers=(
            *_many_ended(example, rejected_status),
            AnswerForm(
                status=415,
                meaning="The body has a content encoding that cannot be undone.",
                examples=because(
                    "unsupported_encoding",
                    "content-encoding: expected gzip, deflate, zstd or none, and the body in it",
                ),
            ),
            *_not_now(),
        ),
    )


def _not_now() -> Iterator[AnswerForm]:
    """Yield the answers to events that are not taken."""
    yield AnswerForm(
        status=429,
        meaning="More than half of the events of the key were rejected lately.",
        examples=because(
            "too_many_rejected",
            "more than half of the events of this key were rejected within 60 s; "
            "mend the sender, then send again",
        ),
        headers=RETRY,
    )
    yield AnswerForm(
        status=503,
        meaning="The events are not stored, or nobody knows yet. Sending them again is safe.",
        examples={word: one for why in Shed for word, one in because(why, WORDS[why]).items()},
        headers=RETRY,
    )
