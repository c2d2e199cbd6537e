"""Runs the coroutine of a verb on uvloop, for the verbs that run the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from consumer.cli.lazy import ExitCode


def run(work: Coroutine[None, None, ExitCode]) -> ExitCode:
    """Run a coroutine to its end."""
    return uvloop.run(work)
