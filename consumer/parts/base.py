"""States the contract of a part outside this process, such as a store or a sink.

Order of calls:

    open ─► check*, wait_lost ─► open again, any number of times ─► close

`keep_open.py` makes these calls. Lanes only call the methods that a store or a sink adds.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.operations.caveat import Caveat


class Part(ABC):
    """Something outside this process that a daemon needs."""

    @abstractmethod
    async def open(self) -> list[Caveat]:
        """Connect, and check that the part is fit for use.

        Returns:
            A caveat for everything that works but may surprise.

        Raises:
            Unavailable: The part is away, refuses us, or is not fit; the text says what to do.
        """

    @abstractmethod
    async def check(self) -> None:
        """Ask whether the part works now, for `/readyz`.

        Raises:
            Unavailable: The part does not work; the text says what to do.
        """

    async def wait_lost(self) -> str:
        """Return the reason once the connection is gone and `open` has to be called again.

        By default it never returns, because the part's library connects again by itself.
        """
        await asyncio.Event().wait()
        raise AssertionError  # an event that nobody sets

    @abstractmethod
    async def close(self) -> None:
        """Free the connections within 5 s. Never raises, and may be called twice."""
