"""Limits how many requests of a kind are answered at the same time, in all and for each holder."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Final

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_S: Final = "1"
"""The seconds after which a refused request may be sent again. The answers take no longer."""


class Places:
    """A limited number of places.

    Args:
        holder_count: The largest number of places of one holder.
        total_count: The largest number of places of all holders together.
    """

    def __init__(self, holder_count: int, total_count: int) -> None:
        self._holder_count = holder_count
        self._total_count = total_count
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def taken(self, holder: str) -> Iterator[None]:
        """Take a place for the time of the block.

        Raises:
            Problem: 429 if the holder has all its places; 503 if all places are taken.
        """
        if self._taken[holder] >= self._holder_count:
            raise Problem(
                429,
                "too_many_at_once",
                "earlier requests of this kind are not answered yet; wait for their answers",
                headers={"retry-after": RETRY_S},
            )
        if self._taken.total() >= self._total_count:
            del self._taken[holder]
            raise Problem(
                503,
                "busy",
                "too many requests of this kind are being answered; send again",
                headers={"retry-after": RETRY_S},
            )
        self._taken[holder] += 1
        try:
            yield
        finally:
            self._taken[holder] -= 1
            if not self._taken[holder]:
                del self._taken[holder]
