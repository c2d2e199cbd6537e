"""Defines a question: what one request asks of the lane, and who waits for the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from consumer.deliveries.origin import Origin
from consumer.http.request import Request

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery

KEPT_HEADERS = ("content-type", "content-encoding", "user-agent")
"""The headers of a request that a dead letter keeps. The others may hold secrets."""


class Question(msgspec.Struct, eq=False):
    """Deliveries that were posted together and are answered together.

    Attributes:
        request: The request.
        key_id: The id of its key.
        until_s: The time up to which the sender waits, on the loop's clock.
        answered: The future of the answer: None once all deliveries have ended, otherwise a word
            that says why the sender has to send again.
        open_count: The number of deliveries that have not ended.
    """

    request: Request
    key_id: str
    until_s: float
    answered: asyncio.Future[str | None]
    open_count: int


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
