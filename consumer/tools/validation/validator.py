"""Says what the pipeline would say of each event in a file, and more, for `consumer validate`.

Responsible for the remarks about each event, and for what an event repeats. Not responsible for the
verdict on a single event (`verdict.py`), for reading files (`cut.py`) and for printing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.conflict import conflict_text
from consumer.events.refuse import shown
from consumer.pipeline.decode import quoted_type
from consumer.pipeline.plain_body import EXPECTED, LABEL
from consumer.tools.validation.cut import EVENT_MAX_BYTES, EventFile, Record
from consumer.tools.validation.repeats import UNKNOWN, Earlier, Repeats
from consumer.tools.validation.verdict import Judge, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.events.base import EventType
    from consumer.events.normalise import Event
    from consumer.events.steps import Oddity

BRAND: Final = "brand"
"""The brand of all events of a file. Its name makes no difference."""
PROPERTIES: Final = ("type", LABEL)
"""The names of what a message carries beside its body, as oddities have them in `field`."""
LOST: Final = "lost_change"
"""The reason of a remark about a change that a repetition has, and that is not put out."""
UNQUOTED: Final = "the name without quotes"

_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Severity(StrEnum):
    """What a remark means for the event."""

    ERROR = "error"
    """The event would be a dead letter."""
    WARNING = "warning"
    """The event passes, or is a copy of an event that passed."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """An error or a warning about one thing in an event.

    Attributes:
        line: The number of the line where the event begins, from 1.
        event_number: The event's number in the file, from 1. 0 means that the remark is about the
            file.
        severity: The severity, which says whether the event passes.
        reason: The reason of a dead letter, or the name of an oddity; `repeated`; or `lost_change`
            for a field of a repetition that says something else than the earlier event.
        field: The path of the field. Empty text stands for the whole event.
        expected: What was expected, in words.
        found: The value as it was sent. None means that the field is missing.
        message: The whole remark in one sentence. The sentence of an error is written like the
            error of a dead letter.
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
        events_count: The number of all events: good, wrong and repeated together.
        good_count: The number of events that would be put on their subjects.
        wrong_count: The number of events that would be dead letters.
        repeated_count: The number of events that are the same as an earlier event, and would be
            dropped.
        warnings_count: The number of warnings, without those about repeated events. An event may
            have several warnings.
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
    """Looks at the events of one file. It takes about 200 bytes of memory for each good event.

    Args:
        event_type: The type of all events.
        strict: If true, what the vendor's own schema refuses is refused too.
        unit: What the events are numbered by: `line` or `event`.
        message_type: The name of the type as each message has it. Empty means the usual name.
        content_encoding: The content encoding as each message has it. None means none.

    Attributes:
        tally: The counts of the events that it has looked at.
    """

    def __init__(
        self,
        event_type: EventType,
        *,
        strict: bool = False,
        unit: str = "line",
        message_type: str = "",
        content_encoding: str | None = None,
    ) -> None:
        self._type = event_type
        self._unit = unit
        self._judge = Judge(event_type, BRAND, strict=strict)
        self._repeats = Repeats(event_type)
        self._content_encoding = content_encoding
        self._of_type = quoted_type(message_type)
        self._told: set[str] = set()
        self.tally = FileTally()

    def look(self, record: Record) -> list[Remark]:
        """Return all remarks about one event: the errors, then the warnings."""
        self.tally.events_count += 1
        verdict = self._verdict(record)
        record = msgspec.structs.replace(record, body=verdict.body)
        lost: list[tuple[str, Misfit]] = []
        if verdict.event is not None:
            errors, lost = self._again(record, verdict.event)
        else:
            self.tally.wrong_count += 1
            errors = _errors(record, verdict)
        around = [odd for odd in (*self._of_type, *verdict.around) if odd.name not in self._told]
        # All messages of a file have the same properties, so what is odd about them is told once.
        self._told |= {odd.name for odd in around if odd.field in PROPERTIES}
        oddities = [*((odd.name, _around(odd)) for odd in around), *lost, *verdict.oddities]
        self.tally.warnings_count += len(oddities)
        warnings = [remark(record, Severity.WARNING, name, misfit) for name, misfit in oddities]
        return [*errors, *warnings]

    def _verdict(self, record: Record) -> Verdict:
        if record.size_bytes > EVENT_MAX_BYTES:
            limit = Misfit("event", f"at most {EVENT_MAX_BYTES} bytes", str(record.size_bytes))
            return Verdict(record.body, rejected=Rejected(Reason.TOO_LARGE, limit), errors=[limit])
        occurrence = str(record.event_number)
        return self._judge.look(record.body, self._content_encoding, occurrence)

    def _again(self, record: Record, event: Event) -> tuple[list[Remark], list[tuple[str, Misfit]]]:
        """Count an event as good, unless an earlier event has the same identity.

        Returns:
            The remark about the repetition or the conflict, if there is one; and the changes that
            are lost, because a repetition is not put out.
        """
        before = self._repeats.earlier(event, self._number(record))
        if before is None:
            self.tally.good_count += 1
            return [], []
        earlier = f"{self._unit} {before.number}"
        identity = ", ".join(self._type.identified_by)
        if before.is_conflict:
            self.tally.wrong_count += 1
            same = ", ".join(self._type.deciding)
            misfit = Misfit(identity, f"as in {earlier}: {same}", f"{earlier} with other values")
            message = f"{conflict_text(event)}: see {earlier}"
            again = remark(record, Severity.ERROR, Reason.CONFLICT, misfit)
            return [msgspec.structs.replace(again, message=message)], []
        self.tally.repeated_count += 1
        misfit = Misfit(identity, "sent once", f"repeats {earlier}")
        message = f"{self._unit} {self._number(record)} repeats {earlier}"
        again = remark(record, Severity.WARNING, "repeated", misfit)
        lost = [(LOST, one) for one in self._lost(record, before, earlier)]
        return [msgspec.structs.replace(again, message=message)], lost

    def _lost(self, record: Record, before: Earlier, earlier: str) -> Iterator[Misfit]:
        """Yield what a repetition says otherwise than the earlier event."""
        if not before.changed:
            return
        sent = _decode_object(record.body)
        for name in before.changed:
            # The fields that the catalogue does not know have one hash together.
            names = [name] if name != UNKNOWN else self._repeats.unknown([*sent])
            values = [shown(bytes(sent[one])) for one in names if one in sent]
            found = values[0] if len(values) == 1 else "another value in at least one"
            expected = f"as in {earlier} (this change is lost)"
            if not values:
                expected = f"{earlier} has another value, and only that value is put out"
            yield Misfit(", ".join(names), expected, found if values else None)

    def _number(self, record: Record) -> int:
        return record.line if self._unit == "line" else record.event_number


def _errors(record: Record, verdict: Verdict) -> list[Remark]:
    """Return a remark about each error of an event that would be a dead letter."""
    rejected = verdict.rejected
    if rejected is None:
        return []
    if verdict.errors:
        return [
            remark(record, Severity.ERROR, rejected.reason, misfit) for misfit in verdict.errors
        ]
    why = rejected.detail.removeprefix("JSON is malformed: ")
    misfit = Misfit("", f"JSON ({why})", shown(record.body))
    plain = remark(record, Severity.ERROR, rejected.reason, misfit)
    return [msgspec.structs.replace(plain, message=rejected.detail)]


def remark(record: Record, severity: Severity, reason: str, misfit: Misfit) -> Remark:
    """Return a remark about a field of an event."""
    return Remark(
        line=record.line,
        event_number=record.event_number,
        severity=severity,
        reason=str(reason),
        field=misfit.field,
        expected=f"{misfit.expected}; {misfit.note}" if misfit.note else misfit.expected,
        found=misfit.found,
        # A lost change is no missing field.
        message=str(misfit).removesuffix(", but missing") if reason == LOST else str(misfit),
    )


def about_file(file: EventFile, tally: FileTally) -> list[Remark]:
    """Return the warnings about a file that was read, and count them."""
    found: list[Remark] = []
    if file.has_bom:
        misfit = Misfit("", "no byte order mark (skipped)", "EF BB BF")
        found.append(remark(Record(0, 1), Severity.WARNING, "bom", misfit))
    if file.crlf_line:
        misfit = Misfit("", "lines that end with LF (harmless)", "CR LF")
        found.append(remark(Record(0, file.crlf_line), Severity.WARNING, "crlf", misfit))
    tally.warnings_count += len(found)
    return found


def _around(odd: Oddity) -> Misfit:
    expected = UNQUOTED if odd.name == "quoted_type" else EXPECTED[odd.name]
    return Misfit(odd.field, expected, odd.found)
