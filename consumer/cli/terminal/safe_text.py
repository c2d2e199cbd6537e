"""Makes an outsider's text safe to print on a terminal."""

from __future__ import annotations


def printable(text: str, *, keep: str = "") -> str:
    r"""Escape every character that a terminal could obey, such as `\x1b` or `\u202e`.

    Senders choose ids, types and error texts. Unescaped, they could move the cursor, hide lines, or
    make text read from right to left.

    Args:
        text: The text, which an outsider may have written.
        keep: Characters that stay as they are, such as the end of a line.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else ascii(char)[1:-1] for char in text
    )
