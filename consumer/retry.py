"""Says how long to wait before the next try: exponential backoff with jitter.

Source of the scheme: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
All lanes lose the same sink at the same moment. Without jitter, they would also all try again at
the same moments.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

_RANDOM: Final = random.SystemRandom()


@dataclass
class Backoff:
    """Pauses that grow while tries fail, and are short again after a success.

    Args:
        first_s: The longest that the first pause may be, in seconds.
        longest_s: The longest that any pause may be, in seconds.
    """

    first_s: float = 0.1
    longest_s: float = 15.0
    _tries_count: int = field(default=0, init=False)

    def next_s(self) -> float:
        """Return the pause before the next try, in seconds."""
        ceiling_s = min(self.longest_s, self.first_s * 2.0**self._tries_count)
        # The count is bounded only to keep the power finite: 2**32 is above any longest pause.
        self._tries_count = min(self._tries_count + 1, 32)
        # Half of the pause is fixed. A pause drawn from 0 on could be so short that a refused login
        # is repeated at once.
        return ceiling_s / 2 + _RANDOM.uniform(0, ceiling_s / 2)

    def reset(self) -> None:
        """Begin with the first pause again, because the last try succeeded."""
        self._tries_count = 0
