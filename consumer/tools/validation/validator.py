"""Says of each event in a file what the pipeline would say, and more: `consumer validate`.

Responsible for the verdict on an event. The same `Normaliser` as in a lane decides whether an event
is good; `one_by_one.py` finds everything that is wrong with an event that is not. Not responsible
for reading files (`cut.py`) and for printing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.conflict import conflict_text
from consumer.events.normalise import Event, Normaliser
from consumer.events.refuse import shown
from consumer.tools.validation.cut import EVENT_MAX_BYTES, EventFile, Record
from consumer.tools.validation.one_by_one import Faults, OneByOne

if TYPE_CHECKING:
    from consumer.events.base import EventType

BRAND: Final = "brand"
"""All events of a file belong to one brand; its name makes no difference."""
USUAL_MAX_BYTES: Final = 1024 * 1024
"""The default of a NATS server's `max_payload`, which an event may not exceed:
https://docs.nats.io/running-a-nats-service/configuration#limits"""
FINGERPRINT_BITS: Final = 64


class Severity(StrEnum):
    """What a remark means for the event."""

    ERROR = "error"
    """The event would be a dead letter."""
    WARNING = "warning"
    """The event passes, or is a copy of an event that passed."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say about one thing in an event.

    Attributes:
        line: The number of the line where the event begins, from 1.
        event_number: The event's number in the file, from 1; 0 for a remark about the file.
        severity: Whether the event passes.
        reason: The reason of a dead letter, or the name of an oddity, or `repeated`.
        field: The path of the field; empty for the whole event.
        expected: What was expected, in words.
        found: The value as it was sent; None: the field is missing.
        message: All of this in a sentence; for an error, the sentence of the dead letter.
    """

    line: int
    event_number: int = msgspec.field(name="event")
    severity: Severity
    reason: str
    field: str
    expected: str
    found: str | None
    message: str


class FileTally(msgspec.Struct):
    """The counts of a file, or of several.

    Attributes:
        events_count: All events: good, wrong and repeated together.
        good_count: Events that would be put on their subjects.
        wrong_count: Events that would be dead letters.
        repeated_count: Events that are the same as an earlier event, and would be dropped.
        warnings_count: Oddities; an event may have several.
    """

    events_count: int = msgspec.field(default=0, name="events")
    good_count: int = msgspec.field(default=0, name="good")
    wrong_count: int = msgspec.field(default=0, name="wrong")
    repeated_count: int = msgspec.field(default=0, name="repeated")
    warnings_count: int = msgspec.field(default=0, name="warnings")

    def add(self, other: FileTally) -> None:
        """Add the counts of another file."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Validator:
    """Looks at the events of one file. It remembers about 150 bytes of each good event.

    Args:
        event_type: The type of all events.
        strict: Refuse what the vendor's own schema refuses.
        unit: What the events are numbered by: `line` or `event`.

    Attributes:
        tally: The counts of the events that it has looked at.
    """

    def __init__(self, event_type: EventType, *, strict: bool = False, unit: str = "line") -> None:
        self._type = event_type
        self._unit = unit
        self._normalise = Normaliser(event_type, BRAND, strict=strict).normalise
        self._one_by_one = OneByOne(event_type, strict=strict)
        # Keys and values are whole numbers: they take a fraction of the memory of text and tuples.
        # A key is the identity's key; a value is the event's number and, below it, its fingerprint.
        self._seen: dict[int, int] = {}
        self.tally = FileTally()

    def look(self, record: Record) -> list[Remark]:
        """Return everything about one event: errors, then warnings."""
        self.tally.events_count += 1
        try:
            event = self._read(record)
        except Rejected as rejected:
            self.tally.wrong_count += 1
            errors, found = self._wrong(record, rejected)
        else:
            errors, found = self._again(record, event), Faults()
            if event.oddities:
                found = self._one_by_one.look(record.body)
            if len(event.body) > USUAL_MAX_BYTES:
                found.oddities.append((Reason.TOO_LARGE, _large(event)))
        self.tally.warnings_count += len(found.oddities)
        warnings = [
            remark(record, Severity.WARNING, name, misfit) for name, misfit in found.oddities
        ]
        return [*errors, *warnings]

    def _read(self, record: Record) -> Event:
        if record.size_bytes > EVENT_MAX_BYTES:
            limit = Misfit("event", f"at most {EVENT_MAX_BYTES} bytes", str(record.size_bytes))
            raise Rejected(Reason.TOO_LARGE, limit)
        return self._normalise(record.body, 0.0, str(record.event_number))

    def _wrong(self, record: Record, rejected: Rejected) -> tuple[list[Remark], Faults]:
        """Return the dead letter's error, then those that it does not mention."""
        first = rejected.misfit
        if first is None:  # the body is not JSON
            why = rejected.detail.removeprefix("JSON is malformed: ")
            first = Misfit("", f"JSON ({why})", shown(record.body))
            plain = remark(record, Severity.ERROR, rejected.reason, first)
            return [msgspec.structs.replace(plain, message=rejected.detail)], Faults()
        if rejected.reason is not Reason.INVALID:
            return [remark(record, Severity.ERROR, rejected.reason, first)], Faults()
        found = self._one_by_one.look(record.body)
        misfits = [first, *(misfit for misfit in found.misfits if misfit != first)]
        errors = [remark(record, Severity.ERROR, rejected.reason, misfit) for misfit in misfits]
        return errors, found

    def _again(self, record: Record, event: Event) -> list[Remark]:
        """Count an event as good, unless an earlier event has its identity."""
        key, fingerprint = int(event.identity.key, 16), int(event.identity.fingerprint, 16)
        before = self._seen.setdefault(key, self._number(record) << FINGERPRINT_BITS | fingerprint)
        number = before >> FINGERPRINT_BITS
        if number == self._number(record):
            self.tally.good_count += 1
            return []
        earlier = f"{self._unit} {number}"
        identity = ", ".join(self._type.identified_by)
        if before & ((1 << FINGERPRINT_BITS) - 1) == fingerprint:
            self.tally.repeated_count += 1
            misfit = Misfit(identity, "sent once", f"repeats {earlier}")
            message = f"{self._unit} {self._number(record)} repeats {earlier}"
            again = remark(record, Severity.WARNING, "repeated", misfit)
        else:
            self.tally.wrong_count += 1
            same = ", ".join(self._type.deciding)
            misfit = Misfit(identity, f"as in {earlier}: {same}", f"{earlier} with other values")
            message = f"{conflict_text(event)}: see {earlier}"
            again = remark(record, Severity.ERROR, Reason.CONFLICT, misfit)
        return [msgspec.structs.replace(again, message=message)]

    def _number(self, record: Record) -> int:
        return record.line if self._unit == "line" else record.event_number


def remark(record: Record, severity: Severity, reason: str, misfit: Misfit) -> Remark:
    """Return a remark about a field of an event."""
    return Remark(
        line=record.line,
        event_number=record.event_number,
        severity=severity,
        reason=str(reason),
        field=misfit.field,
        expected=misfit.expected,
        found=misfit.found,
        message=str(misfit),
    )


def about_file(file: EventFile, tally: FileTally) -> list[Remark]:
    """Return the warnings about a file that was read, and count them."""
    found: list[Remark] = []
    if file.has_bom:
        misfit = Misfit("", "no byte order mark (skipped; a listener refuses it)", "EF BB BF")
        found.append(remark(Record(0, 1), Severity.WARNING, "bom", misfit))
    if file.crlf_line:
        misfit = Misfit("", "lines that end with LF (harmless)", "CR LF")
        found.append(remark(Record(0, file.crlf_line), Severity.WARNING, "crlf", misfit))
    tally.warnings_count += len(found)
    return found


def _large(event: Event) -> Misfit:
    limit = "at most 1 MiB as an event, unless the operator allows more"
    return Misfit("", limit, f"{len(event.body)} bytes")
