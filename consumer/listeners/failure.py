"""Remembers why a listener's connection failed: the first failure causes all later failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class FirstFailure:
    """The failure after which a listener cannot be used any more.

    Several tasks use a listener at the same time, and each task has to learn of the failure. Each
    task raises a copy of the exception, because an exception collects the traceback of every place
    that raises it.

    Args:
        wake: A function that wakes the tasks that wait for the connection, so that they check for a
            failure. It is called for every failure, not only for the first. None means that no task
            waits.
    """

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self._wake = wake
        self._first: ListenerUnavailable | None = None

    @property
    def happened(self) -> bool:
        """True if there was a failure."""
        return self._first is not None

    def remember(self, failure: ListenerUnavailable) -> ListenerUnavailable:
        """Remember a failure if it is the first, and wake the tasks that wait.

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
