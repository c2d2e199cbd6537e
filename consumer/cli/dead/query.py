"""Turns the filters of a verb into a query for dead letters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from consumer.tools.replay.query import Query

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadOptions


def query_of(options: DeadOptions) -> Query:
    """Return the query that the options ask for."""
    return Query(
        listener=options.listener,
        reason=options.reason,
        message_type=options.message_type,
        since_s=options.since_s,
        until_s=math.inf if options.until_s is None else options.until_s,
        limit_count=options.limit_count,
    )
