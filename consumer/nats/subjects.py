"""Compares NATS subjects that have wildcards."""

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


def overlap(one: str, other: str) -> bool:
    """Tell whether there is a subject that both match."""
    for part, its in zip(one.split("."), other.split("."), strict=False):
        if ">" in (part, its):
            return True
        if part != its and "*" not in (part, its):
            return False
    return one.count(".") == other.count(".")
