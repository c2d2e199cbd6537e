"""Defines a question: what one request asks of the lane, and who waits for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.deliveries.origin import Origin
from consumer.http.request import Request

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery
    from consumer.listeners.http.shed import Shed

KEPT_HEADERS = ("content-type", "content-encoding", "user-agent")
"""The headers of a request that a dead letter keeps. The others may hold secrets."""


class Question(msgspec.Struct, eq=False):
    """Deliveries that were posted together and are answered together.

    A subclass answers the sender. The intake calls either `ended` or `let_go`, and calls it once.
    Neither may raise.

    Attributes:
        request: The request.
        key_id: The id of its key.
        until_s: The time up to which the sender waits, on the loop's clock. The intake sets it.
        open_count: The number of deliveries that have not ended.
        is_over: True once the sender was answered, or has gone.
    """

    request: Request
    key_id: str
    until_s: float = 0.0
    open_count: int = 0
    is_over: bool = False

    def ended(self, last: Delivery, /) -> None:
        """Answer the sender, because all deliveries have ended.

        Args:
            last: The delivery that ended last.
        """
        raise NotImplementedError

    def let_go(self, why: Shed, /) -> None:
        """Tell the sender to send again."""
        raise NotImplementedError


class Posted(msgspec.Struct, eq=False, gc=False):
    """The token of a posted delivery.

    Attributes:
        question: The question that the delivery belongs to.
        line: The line of a batch, from 1. 0 for a delivery that is a whole body.
    """

    question: Question
    line: int


def posted(delivery: Delivery) -> Posted:
    """Return the token that this listener has put into a delivery."""
    token = delivery.token
    if not isinstance(token, Posted):
        raise TypeError(token)  # a bug of ours: another listener made this delivery
    return token


def describe(token: Posted) -> Origin:
    """Return where a delivery came from, with the few headers that a letter may keep."""
    request = token.question.request
    coordinates = {
        "request": request.id,
        "path": request.path,
        "key": token.question.key_id,
        "address": request.address,
    }
    if token.line:
        coordinates["line"] = str(token.line)
    headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    return Origin(coordinates, headers)
