"""Counts callbacks by environment, verb and outcome, and notes how long each takes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Final

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from consumer.deliveries.origin import Environment
    from consumer.operations.metrics import Metrics

BUG: Final = "ERROR"
"""The code of a callback whose handler has a bug."""
GONE: Final = "GONE"
"""The code of a callback that was not answered, because the process stopped."""
UNKNOWN: Final = "unknown"
"""The environment of a callback whose signature is not good."""


VERBS: Final = ("balance", "bet", "win", "bet-win", "rollback", "round-end")
ENDS: Final = ("OK", "REPLAYED", "UNAVAILABLE", BUG, GONE)


def show_from_the_start(metrics: Metrics, environments: Iterable[Environment]) -> None:
    """Make the counters of the usual ends. An alert sees no increase in a counter that is new."""
    for environment, verb, code in itertools.product(environments, VERBS, ENDS):
        metrics.wallet_callbacks.labels(environment.value, verb, code)


class CallTally:
    """What becomes of one callback.

    Attributes:
        environment: The environment of its key, as soon as it is known.
        code: `OK`, `REPLAYED`, or the code of the refusal.
    """

    def __init__(self) -> None:
        self.environment: str = UNKNOWN
        self.code = BUG


@contextlib.contextmanager
def counted(metrics: Metrics, verb: str) -> Iterator[CallTally]:
    """Count what is answered within the block. The block fills in the tally.

    Raises:
        Problem: The block raised it. Its code is counted.
    """
    began_s, tally = time.perf_counter(), CallTally()
    try:
        yield tally
    except Problem as problem:
        tally.code = str(problem.facts.get("code", problem.reason.upper()))
        raise
    except asyncio.CancelledError:
        tally.code = GONE
        raise
    finally:
        took_s = time.perf_counter() - began_s
        metrics.wallet_callbacks.labels(tally.environment, verb, tally.code).inc()
        metrics.wallet_callback.labels(tally.environment, verb).observe(took_s)
