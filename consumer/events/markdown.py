"""docs/events.md, made from the catalogue: see `page`."""

from __future__ import annotations


def page() -> str:
    """Return the page."""
    return ""
