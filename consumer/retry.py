"""Says how long to wait before the next try: exponential backoff with jitter.

Source of the scheme: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
Jitter matters here because every lane loses the same sink at the same moment.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Pauses that grow while tries fail, and start small again after a success.

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
        self._tries_count = min(
            self._tries_count + 1, 32
        )  # 2**32 is past any ceiling; a bound, not a rule
        # Half is fixed so that a refused login never becomes a busy loop by an unlucky draw.
        return ceiling_s / 2 + random.uniform(0, ceiling_s / 2)  # noqa: S311  # not a secret

    def reset(self) -> None:
        """Start small again: the last try succeeded."""
        self._tries_count = 0
