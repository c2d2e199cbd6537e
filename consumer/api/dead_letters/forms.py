"""The JSON Schemas of dead letters in requests and answers, with examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.api.dead_letters.asked import MAX_NUMBER, NUMBERS_MAX_COUNT, LettersAsked
from consumer.http.body_schema import body_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

CURSOR: Final = "6450f1a3c2b40-11"
ERROR: Final = 'amount: expected number, got "abc"'
TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_NUMBER: Final = {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER}
_TEXTS: Final = {"type": "object", "additionalProperties": TEXT}
MORE: Final = {
    "type": "boolean",
    "description": "true if there may be more letters: go on with `cursor` as `after`",
}
_LETTER_FIELDS: Final[Mapping[str, Mapping[str, object]]] = {
    "number": {**_NUMBER, "description": "the number of the letter; no other letter ever has it"},
    "stored": {**TEXT, "description": "when the letter was stored, RFC 3339"},
    "arrived": {**_TEXT_OR_NULL, "description": "when the delivery arrived, RFC 3339"},
    "listener": {**TEXT, "description": "the listener that took the delivery in"},
    "message_type": {**_TEXT_OR_NULL, "description": "the message type as it was sent"},
    "reason": {**TEXT, "description": "the class of the error"},
    "error": {**TEXT, "description": "the exact error"},
    "attempt": {
        "type": "integer",
        "minimum": 1,
        "description": "1, and one more for each replay that failed",
    },
    "size_bytes": {
        "type": ["integer", "null"],
        "description": "the size of the body in bytes; null if it is not known",
    },
}
_PAST: Final = {
    "type": "object",
    "required": ["attempt", "reason", "error", "until"],
    "properties": {
        "attempt": {"type": "integer"},
        "reason": TEXT,
        "error": TEXT,
        "until": {**TEXT, "description": "when the next attempt failed too, RFC 3339"},
    },
}
_DETAIL_FIELDS: Final[Mapping[str, Mapping[str, object]]] = {
    "content_encoding": {**_TEXT_OR_NULL, "description": "the content encoding as it was sent"},
    "source": {**_TEXTS, "description": "the place of the delivery at its source"},
    "headers": {**_TEXTS, "description": "those headers of the sender that were kept"},
    "history": {"type": "array", "items": _PAST, "description": "earlier attempts"},
    "body": {**_TEXT_OR_NULL, "description": "the body as it was sent; null if it is left out"},
    "body_encoding": {
        "enum": ["utf-8", "base64", None],
        "description": "how `body` is written: as text, or in base64 if it is not UTF-8",
    },
    "body_left_out": {
        "enum": ["too_large", "gone", None],
        "description": "why the body is left out: it has more than 4 MiB, or is not kept any more",
    },
}
LETTER_NUMBER: Final = _LETTER_FIELDS["number"]
LETTER: Final = {
    "title": "DeadLetter",
    "type": "object",
    "required": [*_LETTER_FIELDS],
    "properties": _LETTER_FIELDS,
}
_WHOLE_FIELDS: Final = {**_LETTER_FIELDS, **_DETAIL_FIELDS}
WHOLE_LETTER: Final = {
    "title": "WholeDeadLetter",
    "type": "object",
    "required": [*_WHOLE_FIELDS],
    "properties": _WHOLE_FIELDS,
}
_RESULT: Final = {
    "title": "LetterResult",
    "type": "object",
    "required": ["number", "status"],
    "properties": {
        "number": _NUMBER,
        "status": {
            "type": "string",
            "enum": [
                "stored",
                "duplicate",
                "rejected",
                "dropped",
                "not_found",
                "without_body",
                "left",
            ],
        },
        "id": {**TEXT, "description": "the CloudEvents id"},
        "type": {**TEXT, "description": "the subject of the event"},
        "reason": {**TEXT, "description": "why it was rejected again"},
        "error": {**TEXT, "description": "the exact error"},
        "new_number": {**_NUMBER, "description": "the number of the letter that it has become"},
    },
}
OUTCOME: Final = {
    "title": "LetterResults",
    "type": "object",
    "required": ["results", "more", "cursor"],
    "properties": {
        "results": {"type": "array", "items": _RESULT},
        "more": {
            "type": "boolean",
            "description": "true if not all letters were reached: go on with the numbers that are "
            "`left`, or with `cursor` as `after`",
        },
        "cursor": {**_TEXT_OR_NULL, "description": "null if the letters were named by numbers"},
    },
}
IN_LIST: Final[Mapping[str, object]] = {
    "number": 17,
    "stored": "2026-01-31T12:00:00.412000Z",
    "arrived": "2026-01-31T12:00:00.400000Z",
    "listener": "api",
    "message_type": "CASINO",
    "reason": "invalid",
    "error": ERROR,
    "attempt": 1,
    "size_bytes": 18,
}
DETAIL: Final = {
    **IN_LIST,
    "content_encoding": None,
    "source": {"request": "4f1c2a9e-1b", "path": "/v1/integration/casino"},
    "headers": {"content-type": "application/json", "user-agent": "games/2.1"},
    "history": [],
    "body": '{"amount": "abc"}\n',
    "body_encoding": "utf-8",
    "body_left_out": None,
}


def chosen_schema() -> dict[str, object]:
    """Return the schema of the body that names letters: numbers or a filter."""
    numbers = {
        "type": "array",
        "items": _NUMBER,
        "minItems": 1,
        "maxItems": NUMBERS_MAX_COUNT,
        "description": "the numbers of the letters",
    }
    return {
        "title": "LettersChosen",
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            "numbers": numbers,
            "filter": {
                **body_schema(LettersAsked),
                "title": "LettersFilter",
                "description": "as in the list of letters",
            },
        },
    }
