"""Remembers why a listener's connection failed: the first failure is the cause of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class FirstFailure:
    """The failure after which a listener cannot be used any more.

    Several tasks use a listener at the same time, and each of them has to hear of the failure. An
    exception gets the traceback of every place that raises it, so each task raises a copy of its
    own.

    Args:
        wake: Wakes the tasks that wait for something from the connection, so that they look here.
            It is called for each failure, also for those after the first. None: no task waits.
    """

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self._wake = wake
        self._first: ListenerUnavailable | None = None

    @property
    def happened(self) -> bool:
        """Whether there was a failure."""
        return self._first is not None

    def remember(self, failure: ListenerUnavailable) -> ListenerUnavailable:
        """Remember a failure, unless there was another before it, and wake the tasks that wait.

        Returns:
            A copy of the first failure, for a caller that raises it.
        """
        if self._first is None:
            self._first = failure
        if self._wake is not None:
            self._wake()
        return _copy(self._first)

    def check(self) -> None:
        """Raise a copy of the first failure, if there was a failure.

        Raises:
            ListenerUnavailable: With the text and the reason of the first failure.
        """
        if self._first is not None:
            raise _copy(self._first)


def _copy(failure: ListenerUnavailable) -> ListenerUnavailable:
    return ListenerUnavailable(str(failure), reason=failure.reason)
