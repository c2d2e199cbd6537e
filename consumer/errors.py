"""Every error that crosses a module's border, and what it means to whoever catches it.

    ConsumerError
    ├── ConfigError            the configuration is wrong: exit code 2 before any connection
    ├── Unavailable            transient: the same call may succeed later, so it is repeated
    │   ├── ListenerUnavailable    the source is away, or refuses us for now
    │   │   └── ListenerFlooded    the source is there, and nearly all it sends is broken
    │   ├── StoreUnavailable       the memory of identities is away
    │   └── SinkUnavailable        the sink did not confirm; the message may be stored or not
    └── Rejected               permanent: this delivery can never become an event

A library's exception is translated into one of these in the module that talks to that library,
and nowhere else. What is none of them is a bug.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Why a delivery became a dead letter; also the last token of the letter's subject."""

    MALFORMED = "malformed"
    """Not JSON, not UTF-8, nested too deeply, or not what its content encoding says."""
    INVALID = "invalid"
    """JSON that does not fit its message type."""
    UNKNOWN_TYPE = "unknown_type"
    MISSING_TYPE = "missing_type"
    TOO_LARGE = "too_large"
    """The event is over the server's limit, or the decompressed body over the listener's."""
    CONFLICT = "conflict"
    """The identity is known with other deciding fields."""
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    INTERNAL = "internal"
    """Our bug: counted, logged with a traceback, and the daemon goes on."""


class ConsumerError(Exception):
    """The root of this program's own errors. Its text is written for the operator."""


class ConfigError(ConsumerError):
    """The configuration cannot be used.

    Attributes:
        problems: one line each: the option, what it holds, what was expected.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Unavailable(ConsumerError):
    """A part outside this process is away, or not fit for use yet. Repeat with backoff.

    The text says what to do about it, because it is what `/readyz` and the log show.
    """


class ListenerUnavailable(Unavailable):
    """The source is away. The supervisor opens a new connection after a pause.

    Attributes:
        reason: a bounded label for the metric: `lost`, `refused`, `stalled`, `held_too_long`,
            `flooded`.
    """

    def __init__(self, message: str, *, reason: str = "lost") -> None:
        super().__init__(message)
        self.reason = reason


class ListenerFlooded(ListenerUnavailable):
    """Too much of what the source sends is broken: the listener stays closed until a restart.

    Attributes:
        what: how much of how many; without a value of a sender, so that it can be logged.
        last: the newest of the errors.
    """

    def __init__(self, what: str, last: Rejected | None) -> None:
        super().__init__(
            f"stopped itself: {what}, last: {last}; "
            "mend the sender (or raise [dead_letters] max_share), then restart",
            reason="flooded",
        )
        self.what = what
        self.last = last


class StoreUnavailable(Unavailable):
    """The store did not answer. What it was asked to do may have happened."""


class SinkUnavailable(Unavailable):
    """The sink did not confirm. The message may be stored: send it again under the same id."""


class Misfit(msgspec.Struct, frozen=True):
    """What is wrong with one field.

    Attributes:
        field: its path, such as `bets[1].odds`; empty: the whole body.
        expected: in words.
        found: the value as it was sent, cut to a line; None: the field is missing.
    """

    field: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        name = f"{self.field}: " if self.field else ""
        if self.found is None:
            return f"{name}{self.expected}, but missing"
        return f"{name}expected {self.expected}, got {self.found}"

    def inside(self, path: str) -> Misfit:
        """Return the same, seen from outside of a part of an event."""
        return Misfit(f"{path}.{self.field}" if self.field else path, self.expected, self.found)


class Rejected(ConsumerError):
    """A delivery that can never become an event, with the exact error for its dead letter.

    Attributes:
        reason: the class of the error.
        detail: field, what was expected, what was found; never a whole payload.
        misfit: the same in parts, where it is about a field.
    """

    def __init__(self, reason: Reason, detail: str | Misfit) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = str(detail)
        self.misfit = detail if isinstance(detail, Misfit) else None
