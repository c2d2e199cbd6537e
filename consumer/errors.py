"""The errors that cross a module's border, and what each of them means to the caller.

    ConsumerError
    ├── ConfigError            the configuration cannot be used: the exit code is 2
    ├── Unavailable            transient: the same call may succeed later, so it is repeated
    │   ├── ListenerUnavailable    the source is away, or it refuses us for now
    │   │   └── ListenerFlooded    the source is there, but too many of its messages are broken
    │   ├── StoreUnavailable       the memory of identities is away
    │   └── SinkUnavailable        the sink did not confirm; the message may be stored or not
    └── Rejected               permanent: this delivery can never become an event

The module that talks to a library translates the library's exceptions into these errors. No other
module does that. Any other exception is a bug.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """The reason why a delivery became a dead letter: the last token of the letter's subject."""

    MALFORMED = "malformed"
    """The body is not JSON, not UTF-8, nested too deeply, or not in its stated content encoding."""
    INVALID = "invalid"
    """The body is JSON, but does not fit its message type."""
    UNKNOWN_TYPE = "unknown_type"
    """The catalogue has no message type with the name that the sender wrote."""
    FORBIDDEN_TYPE = "forbidden_type"
    """The listener takes only some message types (its option `types`), and this type is none of
    them."""
    MISSING_TYPE = "missing_type"
    """The message names no type."""
    TOO_LARGE = "too_large"
    """The event is larger than the server's limit, or the decompressed body is larger than the
    listener's limit."""
    CONFLICT = "conflict"
    """The identity was sent before with other values in its deciding fields."""
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    """The body has a content encoding that cannot be undone here."""
    OWNED_BY_WALLET = "owned_by_wallet"
    """Only the wallet may send this event: the vendor is in its option `owns_vendors`, or the id is
    like those of the wallet's events."""
    INTERNAL = "internal"
    """A bug in this program. It is counted and logged with a traceback, and the daemon goes on."""


class ConsumerError(Exception):
    """The base class of this program's own errors. The text is written for the operator."""


class ConfigError(ConsumerError):
    """The configuration cannot be used.

    Attributes:
        problems: One line for each mistake: the option, what it holds, and what was expected.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Unavailable(ConsumerError):
    """Something outside this process is away, or not fit for use yet.

    The daemon repeats the call after growing pauses. The text says what to do, because `/readyz`
    and the log show it.

    Attributes:
        refused: True if another try fails again until somebody changes something, such as a
            password. The log then has an ERROR. False if it may end by itself.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class ListenerUnavailable(Unavailable):
    """The source is away, or it refuses us. The supervisor opens a new connection after a pause.

    Attributes:
        reason: The value of a metric's label: `lost`, `refused`, `stalled`, `held_too_long` or
            `flooded`.
    """

    def __init__(self, message: str, *, reason: str = "lost") -> None:
        super().__init__(message, refused=reason == "refused")
        self.reason = reason


class ListenerFlooded(ListenerUnavailable):
    """Too many of the source's messages are broken. The listener stays closed for a while.

    The text quotes nothing that a sender wrote, because `/readyz` shows it. The dead letters have
    the values.

    Attributes:
        what: The share of broken deliveries and the number of all deliveries, in words.
        last: The error of the newest broken delivery.
    """

    def __init__(self, what: str, last: Rejected | None) -> None:
        super().__init__(
            f"stopped itself: {what}, last: {_without_value(last)}; "
            "mend the sender, or raise [dead_letters] max_share",
            reason="flooded",
        )
        self.what = what
        self.last = last


def _without_value(rejected: Rejected | None) -> str:
    if rejected is None:
        return "nothing"
    field = rejected.misfit.field if rejected.misfit else ""
    return f"{rejected.reason} ({field})" if field else rejected.reason.value


class StoreUnavailable(Unavailable):
    """The store did not answer. It may have done what it was asked to do, or not."""


class SinkUnavailable(Unavailable):
    """The sink did not confirm. The message may be stored: it is sent again under the same id."""


class Misfit(msgspec.Struct, frozen=True):
    """What is wrong with one field.

    Attributes:
        field: The path of the field, such as `bets[1].odds`. Empty means the whole body.
        expected: The expected value, in words.
        found: The value as it was sent, cut to a short text. None means that the field is missing.
        note: A hint what may be wrong. Empty if there is none.
    """

    field: str
    expected: str
    found: str | None
    note: str = ""

    def __str__(self) -> str:
        """Write the misfit in one line."""
        name = f"{self.field}: " if self.field else ""
        note = f"; {self.note}" if self.note else ""
        if self.found is None:
            return f"{name}{self.expected}, but missing{note}"
        return f"{name}expected {self.expected}, got {self.found}{note}"

    def inside(self, path: str) -> Misfit:
        """Return the same misfit, with the path of the object that holds the field."""
        inside = f"{path}.{self.field}" if self.field else path
        return Misfit(inside, self.expected, self.found, self.note)


class Rejected(ConsumerError):
    """A delivery that can never become an event, with the exact error for its dead letter.

    Attributes:
        reason: The reason, which is also the last token of the dead letter's subject.
        detail: The field, what was expected, and what was found. It never holds a whole body.
        misfit: The same facts in parts. None if the error is not about a field.
    """

    def __init__(self, reason: Reason, detail: str | Misfit) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = str(detail)
        self.misfit = detail if isinstance(detail, Misfit) else None
