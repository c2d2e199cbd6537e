"""Turns the error of a part that is away into an answer, for the endpoints that ask NATS."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import structlog

from consumer.errors import Unavailable
from consumer.http.answer import Problem
from consumer.http.endpoint import RETRY, AnswerForm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.http.request import Request

RETRY_MAX_S: Final = 5
"""Each client waits for a random time of up to so many seconds, so that not all come at once."""
WORDS: Final = "this is not possible at this moment; send again"
NOT_AVAILABLE: Final = AnswerForm(
    status=503,
    meaning="What this needs is away, and nobody knows whether anything was changed.",
    examples={"unavailable": {"reason": "unavailable", "detail": WORDS}},
    headers=RETRY,
)

log = structlog.get_logger()


@contextlib.contextmanager
def answered_as_503(request: Request) -> Iterator[None]:
    """Answer 503 if a part is away in the block.

    The client is not told the reason, which is about the platform and not about the brand. It is in
    the log.

    Raises:
        Problem: 503.
    """
    try:
        yield
    except Unavailable as error:
        log.warning("request not possible", request=request.id, path=request.path, why=str(error))
        raise unavailable() from error


def unavailable() -> Problem:
    """Return the answer to a request that is not possible now."""
    retry_s = 1 + secrets.randbelow(RETRY_MAX_S)
    return Problem(503, "unavailable", WORDS, headers={"retry-after": str(retry_s)})
