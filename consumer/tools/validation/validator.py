"""Says of each event in a file what the pipeline would say, and more: `consumer validate`.

Whether an event is good is decided by the same `Normaliser` as in a lane; what is wrong with one
that is not, all of it, by `one_by_one.py`. Not for reading files (`cut.py`) and printing.
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
"""A file is one brand's, whoever that is."""
USUAL_MAX_BYTES: Final = 1024 * 1024
"""The default of a NATS server's `max_payload`, in which the event has to fit:
https://docs.nats.io/running-a-nats-service/configuration#limits"""
FINGERPRINT_BITS: Final = 64


class Severity(StrEnum):
    """What a remark means for the event."""

    ERROR = "error"
    """The event would become a dead letter."""
    WARNING = "warning"
    """The event would pass, or would be dropped as a copy of an event that passed."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about one event.

    Attributes:
        line: The line on which the event begins; the first line is 1.
        event: The event's number in its file; the first event is 1. 0: the remark is about the
            file.
        severity: Whether the event passes.
        reason: The reason of the dead letter, or the name of an oddity, or `repeated`.
        field: The path of the field. Empty: the remark is about the whole event.
        expected: What was expected, in words.
        found: The value as it was sent. None: the field is missing.
        message: All of this in a sentence. The sentence of an error is that of the dead letter.
    """

    line: int
    event: int
    severity: Severity
    reason: str
    field: str
    expected: str
    found: str | None
    message: str


class FileTally(msgspec.Struct):
    """The numbers of a file's events, by what would become of them.

    Attributes:
        events: All events: good, wrong and repeated together.
        good: Events that would be put on their subjects.
        wrong: Events that would become dead letters.
        repeated: Events that are the same as an earlier event, and would be dropped.
        warnings: Oddities. An event may have several.
    """

    events: int = 0
    good: int = 0
    wrong: int = 0
    repeated: int = 0
    warnings: int = 0

    def add(self, other: FileTally) -> None:
        """Add the numbers of another file."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Validator:
    """Looks at the events of one file. Remembers about 150 bytes of each good one.

    Args:
        event_type: of all of them.
        strict: refuse what the vendor's own schema refuses.
        unit: what to call an event by its number: `line` or `event`.

    Attributes:
        tally: of what it has looked at.
    """

    def __init__(self, event_type: EventType, *, strict: bool = False, unit: str = "line") -> None:
        self._type = event_type
        self._unit = unit
        self._normalise = Normaliser(event_type, BRAND, strict=strict).normalise
        self._one_by_one = OneByOne(event_type, strict=strict)
        # Key and value are numbers, because those are smaller than what they are made of.
        self._seen: dict[int, int] = {}
        self.tally = FileTally()

    def look(self, record: Record) -> list[Remark]:
        """Return everything about one event: errors, then warnings."""
        self.tally.events += 1
        try:
            event = self._read(record)
        except Rejected as rejected:
            self.tally.wrong += 1
            errors, found = self._wrong(record, rejected)
        else:
            errors, found = self._again(record, event), Faults()
            if event.oddities:
                found = self._one_by_one.look(record.body)
            if len(event.body) > USUAL_MAX_BYTES:
                found.oddities.append((Reason.TOO_LARGE, _large(event)))
        self.tally.warnings += len(found.oddities)
        warnings = [
            finding(record, Severity.WARNING, name, misfit) for name, misfit in found.oddities
        ]
        return [*errors, *warnings]

    def _read(self, record: Record) -> Event:
        if record.size_bytes > EVENT_MAX_BYTES:
            limit = Misfit("event", f"at most {EVENT_MAX_BYTES} bytes", str(record.size_bytes))
            raise Rejected(Reason.TOO_LARGE, limit)
        return self._normalise(record.body, 0.0, str(record.event))

    def _wrong(self, record: Record, rejected: Rejected) -> tuple[list[Remark], Faults]:
        """Return the dead letter's error, then those that it does not mention."""
        first = rejected.misfit
        if first is None:  # no JSON
            why = rejected.detail.removeprefix("JSON is malformed: ")
            first = Misfit("", f"JSON ({why})", shown(record.body))
            plain = finding(record, Severity.ERROR, rejected.reason, first)
            return [msgspec.structs.replace(plain, message=rejected.detail)], Faults()
        if rejected.reason is not Reason.INVALID:
            return [finding(record, Severity.ERROR, rejected.reason, first)], Faults()
        found = self._one_by_one.look(record.body)
        misfits = [first, *(one for one in found.misfits if one != first)]
        return [finding(record, Severity.ERROR, rejected.reason, one) for one in misfits], found

    def _again(self, record: Record, event: Event) -> list[Remark]:
        """Count an event as good, unless an earlier one has its identity."""
        key, fingerprint = int(event.identity.key, 16), int(event.identity.fingerprint, 16)
        before = self._seen.setdefault(key, self._number(record) << FINGERPRINT_BITS | fingerprint)
        number = before >> FINGERPRINT_BITS
        if number == self._number(record):
            self.tally.good += 1
            return []
        earlier = f"{self._unit} {number}"
        identity = ", ".join(self._type.identified_by)
        if before & ((1 << FINGERPRINT_BITS) - 1) == fingerprint:
            self.tally.repeated += 1
            misfit = Misfit(identity, "sent once", f"repeats {earlier}")
            message = f"{self._unit} {self._number(record)} repeats {earlier}"
            again = finding(record, Severity.WARNING, "repeated", misfit)
        else:
            self.tally.wrong += 1
            same = ", ".join(self._type.deciding)
            misfit = Misfit(identity, f"as in {earlier}: {same}", f"{earlier} with other values")
            message = f"{conflict_text(event)}: see {earlier}"
            again = finding(record, Severity.ERROR, Reason.CONFLICT, misfit)
        return [msgspec.structs.replace(again, message=message)]

    def _number(self, record: Record) -> int:
        return record.line if self._unit == "line" else record.event


def finding(record: Record, severity: Severity, reason: str, misfit: Misfit) -> Remark:
    """Return a finding about a field."""
    return Remark(
        line=record.line,
        event=record.event,
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
        found.append(finding(Record(0, 1), Severity.WARNING, "bom", misfit))
    if file.crlf_line:
        misfit = Misfit("", "lines that end with LF (harmless)", "CR LF")
        found.append(finding(Record(0, file.crlf_line), Severity.WARNING, "crlf", misfit))
    tally.warnings += len(found)
    return found


def _large(event: Event) -> Misfit:
    limit = "at most 1 MiB as an event, unless the operator allows more"
    return Misfit("", limit, f"{len(event.body)} bytes")
