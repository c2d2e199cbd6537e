"""Describes the errors that every endpoint may answer, because they come from the checks before it.

The checks are in `http/application.py`, `http/connection.py` and `http/opening.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.http.endpoint import RETRY, AnswerForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.http.endpoint import Endpoint

PROBLEM_SCHEMA: Final[Mapping[str, object]] = {
    "title": "Problem",
    "type": "object",
    "description": "A problem document: https://www.rfc-editor.org/rfc/rfc9457",
    "required": ["type", "title", "status", "detail", "reason", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong and what to do, for people"},
        "reason": {"type": "string", "description": "a word for programs"},
        "request_id": {"type": "string"},
        "earliest": {
            "type": "string",
            "description": "with `cursor_expired`: the first cursor that still holds",
        },
        "searched_to": {
            "type": "string",
            "format": "date-time",
            "description": "the time of storing up to which the stream was searched for an event",
        },
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}
RATE: Final = RETRY | {
    "RateLimit": "what is left of the rate of the key, and the seconds until it is whole again",
    "RateLimit-Policy": "the rate of the key",
}


def _form(
    status: int, reason: str, meaning: str, detail: str, headers: dict[str, str] | None = None
) -> AnswerForm:
    return AnswerForm(
        status=status,
        meaning=meaning,
        examples={reason: {"detail": detail, "reason": reason}},
        headers=headers or {},
    )


ALWAYS: Final = (
    _form(
        400,
        "bad_request",
        "The request is not HTTP.",
        "the request cannot be read: expected one Host",
    ),
    _form(
        408,
        "timeout",
        "The request came too slowly.",
        "the request came too slowly",
    ),
    _form(
        431,
        "headers_too_large",
        "The headers are too large.",
        "the headers are too large, expected at most 32768 bytes",
    ),
    _form(
        500,
        "internal",
        "A bug of the server. It was logged.",
        "this is a bug of the server; it was logged under the request id",
    ),
)
WITH_KEY: Final = (
    _form(
        401,
        "unauthorized",
        "There is no key, or it is wrong, expired or revoked.",
        "the key is unknown",
        {"WWW-Authenticate": "`Bearer`"},
    ),
    _form(
        403,
        "forbidden",
        "The key may not do this, or not from this address, or its environment is not served.",
        "the key does not have the scope ingest",
    ),
    _form(
        429,
        "rate",
        "The key sends faster than it may.",
        "the key may send 500 events a second",
        RATE,
    ),
    _form(
        503,
        "keys_unread",
        "The request cannot be served now. Sending it again is safe.",
        "the keys cannot be read at this moment; send again",
        RETRY,
    ),
)
WITH_BODY: Final = (
    _form(
        413,
        "too_large",
        "The body, or an event in it, is too large.",
        "body: expected at most 262144 bytes",
    ),
    _form(
        415,
        "media_type",
        "The body has another media type.",
        "content-type: expected application/json or text/json",
    ),
)


WITH_STREAM: Final = (
    _form(
        400,
        "websocket",
        "The handshake of the WebSocket is wrong.",
        "the handshake of the WebSocket is wrong: expected the subprotocol consumer.v1, or none",
    ),
    _form(
        403,
        "origin",
        "The WebSocket has a cookie, and comes from the page of another origin.",
        "a WebSocket with a cookie needs an Origin that http.cors_origins lists",
    ),
)


def common_problems(endpoint: Endpoint) -> Iterator[AnswerForm]:
    """Yield the errors of the checks before an endpoint."""
    yield from ALWAYS
    if endpoint.needs_key:
        yield from WITH_KEY
    if endpoint.body is not None:
        yield from WITH_BODY
    if endpoint.open_stream is not None:
        yield from WITH_STREAM
