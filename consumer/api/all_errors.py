"""Finds everything that is wrong with a posted event, for the answer to its sender.

A dead letter holds the first error only, because that is enough for an operator and takes a tenth
of the time. A brand's engineer who gets one error for each try would need a try for each error.
`consumer validate` finds the same errors with the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.errors import Reason
from consumer.events.registry import find
from consumer.tools.validation.one_by_one import OneByOne

if TYPE_CHECKING:
    from consumer.errors import Misfit, Rejected

LOOKED_MAX_BYTES: Final = 16 * 1024
"""In a larger event only the first error is told, because the others would take too long."""
TOLD_MAX_COUNT: Final = 20
"""So many errors are told at most."""


class AllErrors:
    """Finds the errors of rejected events.

    Args:
        strict: If true, what the vendor's own schema refuses is an error.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._looks: dict[str, OneByOne] = {}

    def __call__(self, message_type: str, body: bytes, rejected: Rejected) -> list[Misfit]:
        """Return all errors of an event, the error of its dead letter first.

        Args:
            message_type: The name of a message type of the catalogue.
            body: The body, as it was posted.
            rejected: Why it became a dead letter.
        """
        first = rejected.misfit
        if first is None:
            return []
        is_plain = body[:1] == b"{" and len(body) <= LOOKED_MAX_BYTES
        if rejected.reason is not Reason.INVALID or not is_plain:
            return [first]
        found = self._look(message_type).first_misfits(body, TOLD_MAX_COUNT)
        others = [misfit for misfit in found if misfit.field != first.field]
        return [first, *others][:TOLD_MAX_COUNT]

    def _look(self, message_type: str) -> OneByOne:
        look = self._looks.get(message_type)
        if look is None:
            event_type = find(message_type)
            if event_type is None:
                raise KeyError(message_type)  # a bug of ours: a path names it
            look = self._looks[message_type] = OneByOne(event_type, strict=self._strict)
        return look
