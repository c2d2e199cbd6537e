"""Defines what a part answers to `consumer check`."""

from __future__ import annotations

from typing import Final

import msgspec

CONNECTION_NAME: Final = "consumer check"


class PartAnswer(msgspec.Struct, frozen=True):
    """What a part answered.

    Attributes:
        ok: If true, the daemon would work with this part.
        text: What was found. If `ok` is false: what is wrong, and what to do about it.
        warnings: Properties of the part that may surprise the operator, although it works.
    """

    ok: bool
    text: str = ""
    warnings: tuple[str, ...] = ()
