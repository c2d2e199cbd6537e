"""Counts, for each key, how many of its events were rejected lately.

A key that posts mostly broken events fills the dead letters, and makes the lane work for nothing.
So it has to wait until the share of broken events has fallen. The other keys notice nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

WINDOW_S: Final = 60
AT_LEAST_COUNT: Final = 100
MAX_SHARE_RATIO: Final = 0.5


class _Second(msgspec.Struct):
    at_s: int
    events_count: int = 0
    rejected_count: int = 0


class _Window:
    """The last `WINDOW_S` seconds of one key."""

    def __init__(self) -> None:
        self.seconds: deque[_Second] = deque()
        self.events_count = 0
        self.rejected_count = 0

    def add(self, now_s: int, events_count: int, rejected_count: int) -> None:
        if not self.seconds or self.seconds[-1].at_s != now_s:
            self.seconds.append(_Second(now_s))
        newest = self.seconds[-1]
        newest.events_count += events_count
        newest.rejected_count += rejected_count
        self.events_count += events_count
        self.rejected_count += rejected_count

    def forget(self, now_s: int) -> None:
        """Forget what is older than the window."""
        while self.seconds and self.seconds[0].at_s <= now_s - WINDOW_S:
            oldest = self.seconds.popleft()
            self.events_count -= oldest.events_count
            self.rejected_count -= oldest.rejected_count

    @property
    def is_bad(self) -> bool:
        enough = self.events_count >= AT_LEAST_COUNT
        return enough and self.rejected_count > MAX_SHARE_RATIO * self.events_count


class Rejections:
    """The shares of rejected events of all keys. The caller tells the time."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def count(self, key_id: str, now_s: float, events_count: int, rejected_count: int) -> None:
        """Count events that have ended.

        Args:
            key_id: The id of the key that posted them.
            now_s: The time on any clock that never goes back, in seconds.
            events_count: The number of all events, the rejected ones included.
            rejected_count: The number of events that became dead letters because of the sender.
        """
        window = self._windows.get(key_id)
        if window is None:
            window = self._windows[key_id] = _Window()
        window.forget(int(now_s))
        window.add(int(now_s), events_count, rejected_count)

    def wait_s(self, key_id: str, now_s: float) -> int | None:
        """Return how long a key has to wait before its share may have fallen, in seconds.

        Returns:
            None if the key may post.
        """
        window = self._windows.get(key_id)
        if window is None:
            return None
        window.forget(int(now_s))
        if not window.seconds:
            del self._windows[key_id]
            return None
        if not window.is_bad:
            return None
        return max(1, window.seconds[0].at_s + WINDOW_S - int(now_s))
