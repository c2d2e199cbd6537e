"""Requests and questions as tests make them, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access.key import Key, Scope
from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Environment
from consumer.http.request import Request
from consumer.listeners.http.question import Posted
from tests.support.fates import SENDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.listeners.http.question import Question

KEY: Final = Key(
    id="AAAAAAAAAAAA", brand="brand", environment=Environment.LIVE, scopes=(Scope.INGEST,)
)


def request_with(body: bytes = b"", *, key: Key = KEY, **headers: str) -> Request:
    """Return a request that passed all checks, and holds this body."""

    async def read(_: int) -> bytes:
        return body

    return Request(
        id="r1",
        method="POST",
        path="/v1/integration/casino",
        parameters={},
        query=b"",
        headers={name.replace("_", "-"): text for name, text in headers.items()},
        address="127.0.0.1",
        key=key,
        read_body=read,
    )


def deliveries_of(*bodies: bytes) -> Callable[[Question], list[Delivery]]:
    """Return a function that makes a delivery of each body."""

    def make(question: Question) -> list[Delivery]:
        return [Delivery(body, "CASINO", Posted(question, 0), SENDER) for body in bodies]

    return make
