"""Defines why a case ends early: the wallet broke a rule, or the file lacks something."""

from __future__ import annotations

from consumer.errors import ConsumerError


class CaseFailed(ConsumerError):
    """A wallet did not do what the contract says.

    Attributes:
        expected: What the contract says.
        found: What the wallet did.
    """

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected = expected
        self.found = found


class CaseSkipped(ConsumerError):
    """A case needs something that the file does not have. The text names it."""
