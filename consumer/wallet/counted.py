"""Counts callbacks by verb and outcome, and notes how long each takes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from consumer.http.answer import Answer
    from consumer.http.endpoint import Handle
    from consumer.http.request import Request
    from consumer.operations.metrics import Metrics

BUG: Final = "ERROR"
"""The code of a callback whose handler has a bug."""
GONE: Final = "GONE"
"""The code of a callback that was not answered, because the process stopped."""


def counted(metrics: Metrics, verb: str, handle: Handle) -> Handle:
    """Return a handler that does the same, and counts."""
    seconds = metrics.wallet_callback.labels(verb)

    async def answer(request: Request) -> Answer:
        began_s, code = time.perf_counter(), BUG
        try:
            answered = await handle(request)
            code = "REPLAYED" if "idempotent-replayed" in answered.headers else "OK"
        except Problem as problem:
            code = str(problem.facts.get("code", problem.reason.upper()))
            raise
        except asyncio.CancelledError:
            code = GONE
            raise
        finally:
            metrics.wallet_callbacks.labels(verb, code).inc()
            seconds.observe(time.perf_counter() - began_s)
        return answered

    return answer
