"""Turns the ends of deliveries into answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.deliveries.delivery import Dead, Duplicate, Forwarded
from consumer.errors import Reason
from consumer.http.answer import Answer, Problem, described
from consumer.listeners.http.shed import NotTaken, Shed

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.deliveries.delivery import Delivery
    from consumer.errors import Misfit, Rejected

RETRY_S: Final = {Shed.CLOSED: (1, 5), Shed.FULL: (1, 3), Shed.BUSY: (1, 5), Shed.LATE: (1, 3)}
"""The least and the most seconds after which a sender may send again. Each answer gets a random
number between them, so that the senders do not all send again at once."""
WORDS: Final = {
    Shed.CLOSED: "events are not taken in at this moment; send again",
    Shed.FULL: "too many events wait; send again",
    Shed.BUSY: "events are stored too slowly at this moment; send again",
    Shed.LATE: "no outcome in time; send again, which is safe: nothing is stored twice",
}


class Stored(msgspec.Struct, frozen=True):
    """The answer to an event that is stored.

    Attributes:
        status: `stored`, or `duplicate` if the event was stored before.
        id: The CloudEvents id of the event.
        type: The subject of the event without its prefix.
    """

    status: str
    id: str
    type: str


class LineResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of one line of a batch.

    Attributes:
        line: The number of the line, from 1.
        status: `stored`, `duplicate` or `rejected`.
        id, type: The event's CloudEvents id and subject. Empty if the line was rejected.
        reason, error: Why the line was rejected. Empty if it was not.
    """

    line: int
    status: str
    id: str = ""
    type: str = ""
    reason: str = ""
    error: str = ""


class BatchResult(msgspec.Struct, frozen=True):
    """The answer to a batch.

    Attributes:
        rejected: The number of lines that became dead letters.
        results: The result of each line, in the order of the lines.
    """

    rejected: int
    results: Sequence[LineResult]


_encode: Final = msgspec.json.Encoder().encode


def of_event(
    delivery: Delivery, rejected_status: int, errors_of: Callable[[Rejected], Sequence[Misfit]]
) -> Answer:
    """Answer a single event.

    Args:
        delivery: The delivery, which has ended.
        rejected_status: The status of the answer to a dead letter: 400 or 200.
        errors_of: Finds all mistakes in the event. It is called if the event is a dead letter.

    Raises:
        Problem: The event became a dead letter, and `rejected_status` is 400.
    """
    end = delivery.end
    if isinstance(end, Forwarded):
        return Answer(200, _encode(Stored("stored", end.event.id, end.event.subject)))
    if isinstance(end, Duplicate):
        return Answer(200, _encode(Stored("duplicate", end.event.id, end.event.subject)))
    if end is None:
        raise RuntimeError("settled without an end")  # a bug of ours
    return _rejected(end.rejected, rejected_status, errors_of(end.rejected))


def _rejected(rejected: Rejected, rejected_status: int, errors: Sequence[Misfit]) -> Answer:
    if rejected_status == HTTPStatus.OK:
        facts = {
            "status": "rejected",
            "reason": rejected.reason.value,
            "detail": rejected.detail,
            "errors": list(map(described, errors)),
        }
        return Answer(200, _encode(facts))
    status = _STATUS.get(rejected.reason, rejected_status)
    raise Problem(status, rejected.reason.value, rejected.detail, errors=errors)


_STATUS: Final = {Reason.CONFLICT: 409, Reason.INTERNAL: 500}


def of_lines(results: Sequence[LineResult]) -> Answer:
    """Answer a batch."""
    rejected_count = sum(one.status == "rejected" for one in results)
    return Answer(200, _encode(BatchResult(rejected_count, results)))


def of_line(number: int, delivery: Delivery) -> LineResult:
    """Return the result of one line of a batch, whose delivery has ended."""
    end = delivery.end
    if isinstance(end, Dead):
        return LineResult(
            number, "rejected", reason=end.rejected.reason.value, error=end.rejected.detail
        )
    if end is None:
        raise RuntimeError("settled without an end")  # a bug of ours
    status = "stored" if isinstance(end, Forwarded) else "duplicate"
    return LineResult(number, status, end.event.id, end.event.subject)


def of_refusal(refused: NotTaken) -> Problem:
    """Return the answer to a request whose events were not taken."""
    retry_s = random.randint(*RETRY_S[refused.why])  # noqa: S311  # spreads senders, no secret
    headers = {"retry-after": str(retry_s)}
    return Problem(503, refused.why.value, WORDS[refused.why], headers=headers)
