"""Carries out what a brand asks: on the ledger of its key's environment, for its key's brand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.http.answer import Answer
from consumer.http.request import key_of
from consumer.wallet.told import refusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from consumer.deliveries.origin import Environment
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.base import Ledger

ANSWER_S: Final = 10.0
"""How long a brand waits at most, in seconds."""


class BrandDesk:
    """Answers the requests of brands.

    Args:
        ledgers: The ledger of each environment that is served.
        amounts: Reads and writes amounts.

    Attributes:
        amounts: See `Args`.
    """

    def __init__(self, ledgers: Mapping[Environment, Ledger], amounts: Amounts) -> None:
        self._ledgers = ledgers
        self.amounts = amounts

    async def answer(
        self,
        request: Request,
        carry: Callable[[Ledger, str], Awaitable[Mapping[str, object]]],
        status: int = 200,
    ) -> Answer:
        """Carry out a request, and answer it with what `carry` returns.

        Args:
            request: The request, whose key was checked.
            carry: Gets the ledger and the name of the brand.
            status: The status of the answer.

        Raises:
            Problem: It is refused, or the ledger does not answer in time.
        """
        key = key_of(request)
        told: Mapping[str, object] = {}
        with refusals(self.amounts, request.id):
            async with asyncio.timeout(ANSWER_S):
                told = await carry(self._ledgers[key.environment], key.brand)
        return Answer(status, msgspec.json.encode(told))
