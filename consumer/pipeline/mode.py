"""Decides about an event that repeats or contradicts an earlier event: `[dedupe] mode`.

`enforce` drops repetitions and turns contradictions into dead letters. `shadow` drops nothing: what
`enforce` would have dropped is forwarded with a mark, so that an operator can try out this program
beside subscribers that still drop copies themselves.

Responsible for this decision, and for the mark on a message. Not responsible for finding
repetitions: the store finds them (`dedupe.py`), or the sink by its message ids (`deliver.py`).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from consumer.deliveries.delivery import ShadowMark
from consumer.errors import Reason, Rejected
from consumer.events.conflict import conflict_text
from consumer.sinks.message_id import marked

if TYPE_CHECKING:
    from consumer.events.normalise import Event
    from consumer.pipeline.batch import Work
    from consumer.sinks.base import Message

HEADER: Final = "Consumer-Duplicate"
"""The header of a marked message. It says how the delivery would have ended with `enforce`."""


class Mode(Protocol):
    """Decides about works that are not the first of their identity.

    Attributes:
        wants_ages: If true, `contradicted` uses the age. If false, the store is not asked for it.
    """

    wants_ages: bool

    def repeated(self, work: Work, /) -> None:
        """Decide about an event that is stored already."""

    def copied(self, work: Work, first: Work, /) -> None:
        """Decide about a copy of an earlier delivery of the same batch."""

    def contradicted(self, work: Work, earlier: Event | None, age_s: float | None, /) -> None:
        """Decide about an event whose identity is known with other deciding fields.

        Args:
            work: The event.
            earlier: The earlier event, if it is in the same batch.
            age_s: How long ago the store took the earlier event in, in seconds. None if that is
                not known.
        """


class Enforce:
    """Drops repetitions, and keeps contradictions as dead letters."""

    wants_ages = True

    def repeated(self, work: Work) -> None:
        """See `Mode.repeated`."""
        work.repeat()

    def copied(self, work: Work, first: Work) -> None:
        """See `Mode.copied`."""
        work.join(first)

    def contradicted(self, work: Work, earlier: Event | None, age_s: float | None) -> None:
        """See `Mode.contradicted`."""
        text = conflict_text(work.event, earlier, age_s) if work.event is not None else ""
        work.die(Rejected(Reason.CONFLICT, text))


class Shadow:
    """Forwards everything that is an event, and marks what `Enforce` would not have forwarded."""

    wants_ages = False

    def repeated(self, work: Work) -> None:
        """See `Mode.repeated`. The sink recognises a mark only if we sent the message before."""
        if work.shadow is None:
            work.mark(_mark("duplicate"))
        else:
            work.repeat()

    def copied(self, work: Work, _first: Work) -> None:
        """See `Mode.copied`."""
        work.mark(_mark("duplicate"))

    def contradicted(self, work: Work, _earlier: Event | None, _age_s: float | None) -> None:
        """See `Mode.contradicted`."""
        work.mark(_mark("conflict"))


def _mark(instead: str) -> ShadowMark:
    # The token is made once for each delivery. So the sink recognises a publish that we repeat, and
    # it does not take the message for the event that this delivery repeats.
    return ShadowMark(instead, secrets.token_hex(8))


def marked_message(message: Message, work: Work) -> Message:
    """Return a work's message with its mark, if it has one."""
    if work.shadow is None:
        return message
    return msgspec.structs.replace(
        message,
        message_id=marked(message.message_id, work.shadow.token),
        headers={**message.headers, HEADER: work.shadow.instead},
    )
