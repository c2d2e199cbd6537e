"""What the verbs of `consumer dead` are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from consumer.errors import Reason


class DeadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters a verb is about. A filter that is None lets every letter pass.

    Attributes:
        config_file: The configuration file. None means the first of the usual files.
        listener: The name of the listener that took in the delivery.
        reason: The reason of the letter.
        message_type: The message type of the delivery, in any case.
        since_s: The letter was stored at this time or later, in seconds since 1970.
        until_s: The letter was stored before this time, in seconds since 1970.
        limit_count: The largest number of letters.
    """

    config_file: Path | None
    listener: str | None
    reason: Reason | None
    message_type: str | None
    since_s: float
    until_s: float | None
    limit_count: int


class DeadListOptions(DeadOptions, frozen=True, kw_only=True):
    """What `dead list` is asked for.

    Attributes:
        form: The form of the list. None means a table on a terminal and JSON lines in a pipe.
    """

    form: Literal["table", "json"] | None


class DeadShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `dead show` is asked for.

    Attributes:
        config_file: The configuration file. None means the first of the usual files.
        number: The number of the letter.
        raw: Nothing but the original bytes is wanted.
    """

    config_file: Path | None
    number: int
    raw: bool


class DeadReplayOptions(DeadOptions, frozen=True, kw_only=True):
    """What `dead replay` is asked for.

    Attributes:
        numbers: Only letters of these numbers. Empty means every number.
        rate_per_s: The largest number of letters a second. None means no limit.
        dry_run: Letters are decoded only.
        yes: The user has agreed already.
    """

    numbers: tuple[int, ...]
    rate_per_s: float | None
    dry_run: bool
    yes: bool


class DeadDropOptions(DeadOptions, frozen=True, kw_only=True):
    """What `dead drop` is asked for.

    Attributes:
        numbers: Only letters of these numbers. Empty means every number.
        dry_run: Letters are counted only.
        erase: The bytes on the disk are overwritten too.
        yes: The user has agreed already.
    """

    numbers: tuple[int, ...]
    dry_run: bool
    erase: bool
    yes: bool
