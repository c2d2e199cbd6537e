"""Tells whether a person can be asked."""

from __future__ import annotations

import sys


def can_ask() -> bool:
    """Return true if standard input and standard error are both a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()
