"""Turns the refusal of a key into an answer."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from consumer.access.refusal import Refusal
from consumer.http.answer import Problem

if TYPE_CHECKING:
    from consumer.access.refusal import KeyRefused

STATUS: Final = {
    Refusal.UNREAD: 503,
    Refusal.ENVIRONMENT: 403,
    Refusal.SCOPE: 403,
    Refusal.ADDRESS: 403,
    Refusal.RATE: 429,
}
"""The status of the answer to each refusal of a key. For a refusal that is not here, it is 401."""


def problem_of(refused: KeyRefused) -> Problem:
    """Return the answer to a request whose key was refused."""
    status = STATUS.get(refused.refusal, 401)
    reason = {401: "unauthorized", 403: "forbidden", 429: "rate", 503: "keys_unread"}[status]
    headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    if refused.retry_after_s is not None:
        wait = str(max(1, math.ceil(refused.retry_after_s)))
        headers["retry-after"] = wait
        if refused.limit is not None:
            # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
            limit = refused.limit
            policy = f'"{limit.name}";q={limit.quota_count};w={limit.window_s:g}'
            headers |= {
                "ratelimit-policy": policy,
                "ratelimit": f'"{limit.name}";r=0;t={wait}',
            }
    return Problem(status, reason, str(refused), headers=headers)
