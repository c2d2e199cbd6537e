"""Tells which NATS subjects a subject with wildcards covers."""

from __future__ import annotations


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every subject that `narrow` matches is matched by `wide` as well.

    `*` stands for one token, and `>` stands for one or more tokens at the end:
    https://docs.nats.io/nats-concepts/subjects#wildcards
    """
    wide_parts, narrow_parts = wide.split("."), narrow.split(".")
    for index, part in enumerate(wide_parts):
        if part == ">":
            return len(narrow_parts) > index
        if index >= len(narrow_parts) or narrow_parts[index] == ">":
            return False
        if part not in ("*", narrow_parts[index]):
            return False
    return len(wide_parts) == len(narrow_parts)
