"""Answers in time, also if the letters, the sink or the store are away."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import structlog

from consumer.errors import Unavailable
from consumer.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RETRY_S: Final = "5"

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def answered_within(limit_s: float) -> AsyncIterator[None]:
    """Limit the time of the block to a number of seconds.

    Raises:
        Problem: 503: the time is over, or something is away. The answer does not say what, because
            that is the operator's concern. The log says it.
    """
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError:
        raise _away(f"no answer within {limit_s:g} s") from None
    except Unavailable as error:
        raise _away(str(error)) from error
    except BaseExceptionGroup as group:
        away, others = group.split(Unavailable)
        if away is None or others is not None:
            raise
        raise _away(str(_first(away))) from group


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


def _away(why: str) -> Problem:
    log.warning("dead letters not reached over http", why=why)
    return Problem(
        503,
        "unavailable",
        "the dead letters cannot be reached at this moment; send again, which is safe",
        headers={"retry-after": RETRY_S},
    )
