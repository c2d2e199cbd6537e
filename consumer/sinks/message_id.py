"""Puts the mark of shadow mode on the id under which the sink recognises a message.

An event's own message id is a hash (`events/identity.py`). A hash holds no dot, so the mark is
put behind a dot.
"""

from __future__ import annotations


def marked(message_id: str, token: str) -> str:
    """Make a message id unique, so that the sink stores the message beside the event's own."""
    return f"{message_id}.{token}"


def unmarked(message_id: str) -> str:
    """Return the event's own message id, whether the given id is marked or not."""
    return message_id.partition(".")[0]
