"""Runs a call that may never return. The event loop and the end of the process do not wait for it.

A file may be on a disk that does not answer. Python waits without a limit for the threads of
`asyncio.to_thread` before a process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def in_daemon_thread(call: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Begin a call in a thread of its own.

    Args:
        call: The call.
        name: The name of the thread.

    Returns:
        A future with what the call returns or raises. To cancel it leaves the thread as it is.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def tell(deliver: Callable[[], None]) -> None:
        def unless_cancelled() -> None:
            if not result.done():
                deliver()

        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(unless_cancelled)

    def run() -> None:
        try:
            found = call()
        except Exception as error:  # noqa: BLE001  # it belongs to whoever waits
            failure = error  # Python forgets `error` at the end of this block
            tell(lambda: result.set_exception(failure))
        else:
            tell(lambda: result.set_result(found))

    threading.Thread(target=run, name=name, daemon=True).start()
    return result
