"""Defines what an endpoint answers, and the problem documents for everything that goes wrong.

Every error of the port is a problem document: https://www.rfc-editor.org/rfc/rfc9457.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from consumer.errors import ConsumerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.errors import Misfit

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"

log = structlog.get_logger()


class Answer(msgspec.Struct, frozen=True):
    """What is sent back.

    Attributes:
        status: The status code.
        body: The bytes.
        content_type: The media type of the bytes.
        headers: Further headers. Names in lower case.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = {}


class Problem(ConsumerError):
    """Ends a request with a problem document.

    Attributes:
        status: The status code.
        reason: A word for programs, such as `invalid`. It never changes its meaning.
        detail: What is wrong and what to do, for people. It tells a brand nothing of other brands.
        errors: What is wrong with each field of an event.
        headers: Further headers of the answer. Names in lower case.
        facts: Further fields of the document.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        errors: Sequence[Misfit] = (),
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.facts = facts or {}

    def answer(self, request_id: str) -> Answer:
        """Write the document."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            "request_id": request_id,
            **self.facts,
        }
        if self.errors:
            document["errors"] = [described(misfit) for misfit in self.errors]
        return Answer(self.status, msgspec.json.encode(document), PROBLEM, self.headers)


def closing_answer(problem: Problem) -> bytes:
    """Return the whole text of an answer behind which the connection is closed.

    It has a request id of its own, as the request has none yet.
    """
    request_id = secrets.token_hex(6)
    log.debug("request refused", request=request_id, why=problem.reason)
    answer = problem.answer(request_id)
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"content-type: {answer.content_type}\r\ncontent-length: {len(answer.body)}\r\n"
        f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + answer.body


def described(misfit: Misfit) -> dict[str, str | None]:
    """Return a misfit as answers show it."""
    found: dict[str, str | None] = {
        "field": misfit.field,
        "expected": misfit.expected,
        "found": misfit.found,
    }
    if misfit.note:
        found["note"] = misfit.note
    return found
