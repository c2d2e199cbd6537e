"""Reads which dead letters a request asks for: by a filter, or by their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consumer.clock import SYSTEM_CLOCK
from consumer.errors import Misfit, Reason
from consumer.events import timestamp
from consumer.http.answer import Problem
from consumer.http.parameters import read_object, refused
from consumer.options.duration import duration_s
from consumer.tools.replay.query import Query

if TYPE_CHECKING:
    from consumer.deliveries.origin import Sender

NUMBERS_MAX_COUNT: Final = 1000
LIMIT_MAX_COUNT: Final = 1000
MAX_NUMBER: Final = 2**63 - 1
ReasonName = Literal[
    "malformed",
    "invalid",
    "unknown_type",
    "forbidden_type",
    "missing_type",
    "too_large",
    "conflict",
    "unsupported_encoding",
    "owned_by_wallet",
    "internal",
]
"""The values of `Reason`, as the description of an endpoint can hold them."""


class LettersAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a list, which are also the filter of a replay or a drop."""

    reason: Annotated[
        ReasonName | UnsetType,
        Meta(description=f"the reason of the letters, one of {', '.join(Reason)}"),
    ] = UNSET
    message_type: Annotated[
        str,
        Meta(max_length=256, description="the message type of the letters, in any case"),
    ] = ""
    since: Annotated[
        str,
        Meta(
            max_length=64,
            description="the time from which on the letters were stored, in RFC 3339, or how long "
            "ago that was: 30m, 1h, 2d",
        ),
    ] = ""
    after: Annotated[str, Meta(max_length=64, description="the cursor of an earlier answer")] = ""
    limit: Annotated[
        int,
        Meta(ge=1, le=LIMIT_MAX_COUNT, description="the number of letters, from 1 to 1,000"),
    ] = 100

    def query_of(self, sender: Sender) -> Query:
        """Return the query for the letters of a sender.

        Raises:
            Problem: 400: `since` cannot be read as a time.
        """
        return Query(
            sender=sender,
            reason=None if self.reason is UNSET else Reason(self.reason),
            message_type=self.message_type or None,
            since_s=_time_s(self.since) if self.since else 0.0,
            limit_count=self.limit,
        )


LetterNumber = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
LetterNumbers = Annotated[
    tuple[LetterNumber, ...],
    Meta(min_length=1, max_length=NUMBERS_MAX_COUNT, description="1 to 1,000 numbers of letters"),
]


class _Chosen(msgspec.Struct, frozen=True, kw_only=True):
    numbers: LetterNumbers | UnsetType = UNSET
    filter: Annotated[dict[str, object], Meta(description="an object")] | UnsetType = UNSET


def read_chosen(body: bytes) -> tuple[int, ...] | LettersAsked:
    """Return the numbers, or the filter, of a request to replay or drop letters.

    Raises:
        Problem: 400: the body names neither, or both, or something else is wrong with it.
    """
    chosen = read_object(body, _Chosen)
    if (chosen.numbers is UNSET) == (chosen.filter is UNSET):
        found = "neither" if chosen.numbers is UNSET else "both"
        raise refused([Misfit("", "either numbers or filter", found)])
    if chosen.numbers is not UNSET:
        return tuple(dict.fromkeys(chosen.numbers))
    try:
        return read_object(msgspec.json.encode(chosen.filter), LettersAsked)
    except Problem as problem:
        raise refused([misfit.inside("filter") for misfit in problem.errors]) from problem


def _time_s(text: str) -> float:
    ago_s = duration_s(text)
    if ago_s is not None:
        return SYSTEM_CLOCK.now_s() - ago_s
    try:
        return timestamp.parse(text).epoch_s
    except ValueError:
        misfit = Misfit("since", "30m, 1h, 2d or 2026-01-31T12:00:00Z", repr(text))
        raise refused([misfit]) from None
