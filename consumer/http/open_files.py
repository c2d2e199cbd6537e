"""Keeps files for the rest of the process when the public port has many connections.

Each connection is an open file, and the system allows a process a number of them: often 1,024.
Without files, the operations port answers nobody, and a lost broker cannot be reached again.
"""

from __future__ import annotations

import resource
from typing import Final

import structlog

KEPT_COUNT: Final = 128
"""So many files are kept for brokers, stores, logs and the operations port."""

log = structlog.get_logger()


def connections_allowed(wanted_count: int) -> int:
    """Return how many connections the port may have.

    The limit of the process is raised as far as the system allows it. A warning in the log says if
    that is not enough.

    Args:
        wanted_count: The number that the configuration asks for.
    """
    needed_count = wanted_count + KEPT_COUNT
    soft_count, hard_count = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_count == resource.RLIM_INFINITY or soft_count >= needed_count:
        return wanted_count
    is_free = hard_count == resource.RLIM_INFINITY
    most_count = needed_count if is_free else min(needed_count, hard_count)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_count, hard_count))
    if most_count == needed_count:
        return wanted_count
    allowed_count = max(1, most_count - KEPT_COUNT)
    log.warning(
        "too few open files for all connections of the public port",
        open_files=most_count,
        connections=allowed_count,
        wanted=wanted_count,
        advice=f"allow the process {needed_count} open files (ulimit -n, LimitNOFILE)",
    )
    return allowed_count
