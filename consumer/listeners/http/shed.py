"""Defines why posted events are not taken in, or are not answered in time."""

from __future__ import annotations

from enum import StrEnum

from consumer.errors import ConsumerError


class Shed(StrEnum):
    """Why a question was not answered: the value of the label `reason` of `http_shed`."""

    CLOSED = "closed"
    """No lane reads from the intake: the lane is not open yet, or the process drains."""
    FULL = "full"
    """The key has its share of `max_buffered_bytes`, or all bytes are used up."""
    BUSY = "busy"
    """The answer would probably come too late, or the key has its share of the deliveries."""
    LATE = "late"
    """There was no answer within `answer_timeout_s`."""


class NotTaken(ConsumerError):
    """A question gets no answer. The sender can safely send its events again.

    Attributes:
        why: The reason.
    """

    def __init__(self, why: Shed) -> None:
        super().__init__(why)
        self.why = why
