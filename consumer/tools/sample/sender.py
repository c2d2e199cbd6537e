"""The contract of a sender, which sends samples to a listener's source as a brand would.

A sender sends a whole batch, and then waits for all its confirmations. So ten thousand messages
take only seconds, and it is certain that each message has arrived. A sender is not made for
production traffic, because it tries nothing a second time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.tools.sample.generate import Sample

CONFIRM_TIMEOUT_S: Final = 15.0
"""How long a sender waits for all confirmations of a batch together, in seconds."""


class SampleSender(ABC):
    """Sends over one connection. Call `open`, then `send` any number of times, then `close`."""

    can_omit_type: bool = True
    """True if a message of this source can be without a type, because a sender has forgotten it."""

    @abstractmethod
    async def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: The source is away, or refuses us.
        """

    @abstractmethod
    async def send(self, samples: Sequence[Sample]) -> None:
        """Send the samples in their order; returns once the broker has confirmed each of them.

        Raises:
            Unavailable: The broker did not confirm all of them. Some may be stored.
        """

    @abstractmethod
    async def close(self) -> None:
        """Free the connection. Raises nothing, and may be called after a failed `open`."""
