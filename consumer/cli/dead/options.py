"""The options of the verbs of `consumer dead`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from consumer.errors import Reason


class DeadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options that choose letters. A filter that is None lets every letter pass.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists.
        listener: The name of the listener that took in the delivery.
        reason: The reason of the letter.
        message_type: The message type of the delivery, in any case.
        since_s: The time from which on a letter was stored, in seconds since 1970.
        until_s: The time before which a letter was stored, in seconds since 1970.
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
    """The options of `dead list`.

    Attributes:
        form: The form of the list. None means a table on a terminal and JSON lines in a pipe.
    """

    form: Literal["table", "json"] | None


class DeadShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `dead show`.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists.
        number: The number of the letter.
        raw: If true, print the original bytes and nothing else.
    """

    config_file: Path | None
    number: int
    raw: bool


class DeadMendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `dead mend`.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists.
        number: The number of the letter.
        message_type: The message type to read the letter as. None means that of the letter.
        from_file: The file with the text to begin with. None means the text of the letter.
    """

    config_file: Path | None
    number: int
    message_type: str | None
    from_file: Path | None


class DeadActOptions(DeadOptions, frozen=True, kw_only=True):
    """The options that `dead replay` and `dead drop` share.

    Attributes:
        numbers: The numbers of the letters. Empty means every number.
        dry_run: If true, nothing is changed: letters are only decoded, or only counted.
        yes: If true, the user is not asked to confirm.
    """

    numbers: tuple[int, ...]
    dry_run: bool
    yes: bool


class DeadReplayOptions(DeadActOptions, frozen=True, kw_only=True):
    """The options of `dead replay`.

    Attributes:
        rate_per_s: The largest number of letters per second. None means no limit.
    """

    rate_per_s: float | None


class DeadDropOptions(DeadActOptions, frozen=True, kw_only=True):
    """The options of `dead drop`.

    Attributes:
        erase: If true, the bytes on the disk are overwritten too.
        everything: If true, all letters may be deleted.
    """

    erase: bool
    everything: bool

    @property
    def chooses(self) -> bool:
        """True if the user has named letters or a filter."""
        filters = (self.listener, self.reason, self.message_type, self.until_s)
        return bool(self.numbers or self.since_s) or any(each is not None for each in filters)
