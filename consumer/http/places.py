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
HOLDER_HAS_ALL: Final = "earlier requests of this kind are not answered yet; wait for their answers"
ALL_ARE_TAKEN: Final = "too many requests of this kind are being answered; send again"


class Places:
    """A limited number of places. Nobody waits for a place.

    Args:
        holder_count: The largest number of places of one holder.
        total_count: The largest number of places of all holders together.
        reason: The reason in the answer if a holder has all its places.
        holder_has_all: The words of this answer.
        all_are_taken: The words of the answer if all places are taken.
    """

    def __init__(
        self,
        holder_count: int,
        total_count: int,
        *,
        reason: str = "too_many_at_once",
        holder_has_all: str = HOLDER_HAS_ALL,
        all_are_taken: str = ALL_ARE_TAKEN,
    ) -> None:
        self._holder_count = holder_count
        self._total_count = total_count
        self._reason = reason
        self._holder_has_all = holder_has_all
        self._all_are_taken = all_are_taken
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
                self._reason,
                self._holder_has_all,
                headers={"retry-after": RETRY_S},
            )
        if self._taken.total() >= self._total_count:
            del self._taken[holder]
            raise Problem(
                503,
                "busy",
                self._all_are_taken,
                headers={"retry-after": RETRY_S},
            )
        self._taken[holder] += 1
        try:
            yield
        finally:
            self._taken[holder] -= 1
            if not self._taken[holder]:
                del self._taken[holder]
