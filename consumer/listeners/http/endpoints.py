"""The endpoints of ingest: a path for most message types, and a path for many events."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.http.endpoint import AnswerForm, BodyForm, Endpoint
from consumer.listeners.http.many import ManyEvents
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.listeners.http.single import OneEvent

if TYPE_CHECKING:
    from consumer.listeners.http.ingest import Ingest

JSON_TYPES: Final = ("application/json", "text/json")
LINES_TYPE: Final = "application/x-ndjson"
LINE_TYPES: Final = (LINES_TYPE, "application/jsonl", *JSON_TYPES)
ID: Final = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"

_STORED: Final = {
    "type": "object",
    "required": ["status", "id", "type"],
    "properties": {
        "status": {"enum": ["stored", "duplicate"]},
        "id": {"type": "string", "description": "the CloudEvents id"},
        "type": {"type": "string", "description": "the subject of the event"},
    },
}
_REJECTED: Final = {
    "type": "object",
    "required": ["status", "reason", "detail", "errors"],
    "properties": {
        "status": {"const": "rejected"},
        "reason": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}
_LINE: Final = {
    "type": "object",
    "required": ["line", "status"],
    "properties": {
        "line": {"type": "integer", "minimum": 1},
        "status": {"enum": ["stored", "duplicate", "rejected"]},
        "id": {"type": "string"},
        "type": {"type": "string"},
        "reason": {"type": "string"},
        "error": {"type": "string"},
    },
}
_LINES: Final = {
    "type": "object",
    "required": ["rejected", "results"],
    "properties": {
        "rejected": {"type": "integer", "minimum": 0},
        "results": {"type": "array", "items": _LINE},
    },
}
_EVENT: Final = {
    "type": "object",
    "required": ["type", "data"],
    "properties": {
        "type": {"type": "string", "description": "the message type, such as CASINO"},
        "data": {"type": "object", "description": "the event, as the type's own path takes it"},
    },
}
_SAFE: Final = "Sending again is always safe: an event that is stored already is a duplicate."


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
    return (*singles, _many(ManyEvents(ingest, answer_timeout_s)))


def _single(name: str, method: str, path: str, handle: OneEvent, rejected_status: int) -> Endpoint:
    return Endpoint(
        name=f"ingest_{name.lower()}",
        method=method,
        path=path,
        summary=f"Post one event of type {name}",
        description=f"Answers once the event is stored. {_SAFE}",
        scope=Scope.INGEST,
        handle=handle,
        body=BodyForm(
            media_types=JSON_TYPES,
            schema={"application/json": {"$ref": f"#/components/schemas/{name}"}},
        ),
        answers=_single_answers(rejected_status),
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
            examples={"invalid": {"status": 400, "reason": "invalid", **_MISFIT}},
        ),
        AnswerForm(
            status=409,
            meaning="An event with this identity was stored before, with other content.",
            examples={
                "conflict": {
                    "status": 409,
                    "reason": "conflict",
                    "detail": "activity_id: 6f9619ff was sent before with another amount",
                }
            },
        ),
    )


_MISFIT: Final = {
    "detail": 'amount: expected number, got "abc"',
    "errors": [{"field": "amount", "expected": "number", "found": '"abc"'}],
}


def _many(handle: ManyEvents) -> Endpoint:
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
            f"has a result for each line, in order. Lines are stored in order. {_SAFE}"
        ),
        scope=Scope.INGEST,
        handle=handle,
        body=BodyForm(
            media_types=LINE_TYPES,
            schema={
                LINES_TYPE: {"type": "string", "description": "a line of JSON for each event"},
                "application/json": {"type": "array", "items": _EVENT},
            },
        ),
        answers=(
            AnswerForm(
                status=200,
                meaning="All lines have ended. A rejected line is kept as a dead letter.",
                schema=_LINES,
                examples={"mixed": example},
            ),
        ),
    )
