"""The contract of a sender: how samples get to a listener's source, as a brand would send them.

A batch is sent in one go, then all its confirmations are awaited, so that ten thousand messages
take seconds and none is only hoped to have arrived. Not for production traffic: nothing is tried
again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.tools.sample.generate import Sample

CONFIRM_TIMEOUT_S: Final = 15.0
"""For all confirmations of a batch together."""


class Sender(ABC):
    """Sends over one connection: `open`, `send` any number of times, `close`."""

    can_omit_type: bool = True
    """False: a message of this source always has a type, so none can be forgotten."""

    @abstractmethod
    async def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: away, or refusing us.
        """

    @abstractmethod
    async def send(self, samples: Sequence[Sample]) -> None:
        """Send all in order; returns once the broker has confirmed every one.

        Raises:
            Unavailable: not confirmed; some may have been stored.
        """

    @abstractmethod
    async def close(self) -> None:
        """Free the connection. Also after a failed `open`; raises nothing."""
