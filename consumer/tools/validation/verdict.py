"""Says what the pipeline would make of one event, and everything that is wrong or odd about it.

Responsible for the verdict on a single body: `consumer validate` and the HTTP port ask here. The
same `Normaliser` as in a lane decides whether an event is good. If it is not good, `one_by_one.py`
finds everything that is wrong with it. Not responsible for several events (`validator.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK, Clock
from consumer.errors import Misfit, Reason, Rejected
from consumer.events.normalise import Event, Normaliser
from consumer.events.steps import Oddity
from consumer.pipeline.budget import max_body_bytes, refuse_long, refuse_many_values
from consumer.pipeline.plain_body import Unwrapper, plain_body
from consumer.pipeline.route import message_bytes
from consumer.tools.validation.habits import habits, of_the_future
from consumer.tools.validation.one_by_one import OneByOne, expected_of

if TYPE_CHECKING:
    from consumer.events.base import EventType

USUAL_MAX_BYTES: Final = 1024 * 1024
"""The default of a NATS server's `max_payload`, which an event may not exceed:
https://docs.nats.io/running-a-nats-service/configuration#limits"""
CLOSELY_MAX_BYTES: Final = 8 * 1024
CLOSELY_MAX_COUNT: Final = 150
"""An event with more bytes, or more commas, is not looked at closely for a sender that waits. To
find out what each unknown field of a larger event probably means may take seconds."""
TOLD_MAX_COUNT: Final = 20
"""So many errors of such a large event are told at most."""


class Verdict(msgspec.Struct):
    """What became of a body.

    Attributes:
        body: The event inside the body, as JSON. The body itself if no event could be found in it.
        event: The event. None if the body would be a dead letter.
        rejected: Why the body would be a dead letter. None if it is an event.
        errors: Everything that is wrong with the event, the error of the dead letter first. Empty
            if the body is no JSON: then only `rejected` says why.
        around: What is odd about the body around the event.
        oddities: What is odd about the event, each with the name of an oddity.
    """

    body: bytes
    event: Event | None = None
    rejected: Rejected | None = None
    errors: list[Misfit] = []
    around: list[Oddity] = []
    oddities: list[tuple[str, Misfit]] = []


class Judge:
    """Looks at events of one brand and one message type.

    Args:
        event_type: The type of all events.
        brand: The brand that sends them.
        strict: If true, what the vendor's own schema refuses is refused too.
        limit_bytes: The largest size of a body after its content encoding is undone, in bytes.
        unwrap: The field of a body that holds the event. None means that the body is the event.
        clock: The clock. An event that is far ahead of it is odd.
    """

    def __init__(
        self,
        event_type: EventType,
        brand: str,
        *,
        strict: bool = False,
        limit_bytes: int | None = None,
        unwrap: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._type = event_type
        self._clock = clock
        self._strict = strict
        self._limit_bytes = max_body_bytes(limit_bytes)
        self._unwrap = Unwrapper(unwrap).take_out if unwrap is not None else None
        self._normalise = Normaliser(event_type, brand, strict=strict).normalise
        self._one_by_one = OneByOne(event_type, strict=strict)

    def look(
        self,
        body: bytes,
        content_encoding: str | None = None,
        occurrence: str = "",
        *,
        arrived_s: float = 0.0,
        quickly: bool = False,
    ) -> Verdict:
        """Return the verdict on a body.

        Args:
            body: The body as it was sent.
            content_encoding: Its content encoding, as the sender wrote it. None means none.
            occurrence: A name of the message: see `Normaliser.normalise`.
            arrived_s: When the body arrived, in seconds since 1970.
            quickly: If true, only the first errors of a large event are found, and not what an
                unknown field of it probably means.
        """
        verdict = Verdict(body)
        try:
            refuse_long(body, self._limit_bytes)
            verdict.body, verdict.around = plain_body(
                body, content_encoding, self._limit_bytes, strict=self._strict
            )
            if self._unwrap is not None:
                verdict.body = self._unwrap(verdict.body)
            refuse_many_values(verdict.body, self._limit_bytes)
            verdict.event = self._normalise(verdict.body, arrived_s, occurrence)
        except Rejected as rejected:
            verdict.rejected = rejected
        quickly = quickly and _is_large(verdict.body)
        if verdict.rejected is not None:
            self._note_errors(verdict, verdict.rejected, quickly=quickly)
        elif verdict.event is not None:
            self._note_oddities(verdict, verdict.event, quickly=quickly)
        return verdict

    def _note_errors(self, verdict: Verdict, rejected: Rejected, *, quickly: bool) -> None:
        """Note the error of the dead letter, and the errors that it does not mention."""
        first = rejected.misfit
        if first is None:  # the body is not JSON
            return
        verdict.errors = [first]
        if rejected.reason is not Reason.INVALID:
            return
        if quickly:
            found = self._one_by_one.first_misfits(verdict.body, TOLD_MAX_COUNT)
        else:
            faults = self._one_by_one.look(verdict.body)
            found, verdict.oddities = faults.misfits, faults.oddities
        verdict.errors += [misfit for misfit in found if misfit.field != first.field]

    def _note_oddities(self, verdict: Verdict, event: Event, *, quickly: bool) -> None:
        if event.oddities:
            verdict.oddities = (
                [(odd.name, expected_of(odd)) for odd in event.oddities]
                if quickly
                else self._one_by_one.look(verdict.body).oddities
            )
        verdict.oddities = [*verdict.oddities, *habits(self._type.fields, verdict.body)]
        if self._type.time is not None and event.time_s is not None:
            now_s = self._clock.now_s()
            verdict.oddities += of_the_future(self._type.time, event.time_s, now_s)
        if message_bytes(event) > USUAL_MAX_BYTES:
            limit = "at most 1 MiB as an event, unless the operator allows more"
            misfit = Misfit("", limit, f"{message_bytes(event)} bytes")
            verdict.oddities.append((Reason.TOO_LARGE, misfit))


def _is_large(body: bytes) -> bool:
    return len(body) > CLOSELY_MAX_BYTES or body.count(b",") > CLOSELY_MAX_COUNT
