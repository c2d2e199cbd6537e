"""Says what the pipeline would say of each event in a file, and more, for `consumer validate`.

Responsible for the verdict on an event. The same `Normaliser` as in a lane decides whether an event
is good. If it is not good, `one_by_one.py` finds everything that is wrong with it. Not responsible
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
from consumer.pipeline.budget import max_body_bytes, refuse_long, refuse_many_values
from consumer.pipeline.decode import quoted_type
from consumer.pipeline.plain_body import EXPECTED, LABEL, plain_body
from consumer.pipeline.route import message_bytes
from consumer.tools.validation.cut import EVENT_MAX_BYTES, EventFile, Record
from consumer.tools.validation.habits import habits
from consumer.tools.validation.one_by_one import Faults, OneByOne
from consumer.tools.validation.repeats import UNKNOWN, Earlier, Repeats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.events.base import EventType
    from consumer.events.steps import Oddity

BRAND: Final = "brand"
"""The brand of all events of a file. Its name makes no difference."""
USUAL_MAX_BYTES: Final = 1024 * 1024
"""The default of a NATS server's `max_payload`, which an event may not exceed:
https://docs.nats.io/running-a-nats-service/configuration#limits"""
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
        self._strict = strict
        self._normalise = Normaliser(event_type, BRAND, strict=strict).normalise
        self._one_by_one = OneByOne(event_type, strict=strict)
        self._repeats = Repeats(event_type)
        self._content_encoding = content_encoding
        self._of_type = quoted_type(message_type)
        self._told: set[str] = set()
        self.tally = FileTally()

    def look(self, record: Record) -> list[Remark]:
        """Return all remarks about one event: the errors, then the warnings."""
        self.tally.events_count += 1
        around: list[Oddity] = []
        try:
            record, around = self._plain(record)
            event = self._normalise(record.body, 0.0, str(record.event_number))
        except Rejected as rejected:
            self.tally.wrong_count += 1
            errors, found = self._wrong(record, rejected)
        else:
            errors, found = self._again(record, event)
            if event.oddities:
                found.add(self._one_by_one.look(record.body))
            found.oddities = [*found.oddities, *habits(self._type.fields, record.body)]
            if message_bytes(event) > USUAL_MAX_BYTES:
                found.oddities.append((Reason.TOO_LARGE, _large(event)))
        around = [odd for odd in (*self._of_type, *around) if odd.name not in self._told]
        # All messages of a file have the same properties, so what is odd about them is told once.
        self._told |= {odd.name for odd in around if odd.field in PROPERTIES}
        found.oddities = [*((odd.name, _around(odd)) for odd in around), *found.oddities]
        self.tally.warnings_count += len(found.oddities)
        warnings = [
            remark(record, Severity.WARNING, name, misfit) for name, misfit in found.oddities
        ]
        return [*errors, *warnings]

    def _plain(self, record: Record) -> tuple[Record, list[Oddity]]:
        """Return the record with the JSON of its body, and what is odd about the body."""
        if record.size_bytes > EVENT_MAX_BYTES:
            limit = Misfit("event", f"at most {EVENT_MAX_BYTES} bytes", str(record.size_bytes))
            raise Rejected(Reason.TOO_LARGE, limit)
        limit_bytes = max_body_bytes()
        refuse_long(record.body, limit_bytes)
        body, around = plain_body(
            record.body, self._content_encoding, limit_bytes, strict=self._strict
        )
        refuse_many_values(body, limit_bytes)
        return msgspec.structs.replace(record, body=body), around

    def _wrong(self, record: Record, rejected: Rejected) -> tuple[list[Remark], Faults]:
        """Return the error of the dead letter and the errors that it does not mention.

        Also returns what else was found, for the warnings.
        """
        first = rejected.misfit
        if first is None:  # the body is not JSON
            why = rejected.detail.removeprefix("JSON is malformed: ")
            first = Misfit("", f"JSON ({why})", shown(record.body))
            plain = remark(record, Severity.ERROR, rejected.reason, first)
            return [msgspec.structs.replace(plain, message=rejected.detail)], Faults()
        if rejected.reason is not Reason.INVALID:
            return [remark(record, Severity.ERROR, rejected.reason, first)], Faults()
        found = self._one_by_one.look(record.body)
        misfits = [first, *(misfit for misfit in found.misfits if misfit.field != first.field)]
        errors = [remark(record, Severity.ERROR, rejected.reason, misfit) for misfit in misfits]
        return errors, found

    def _again(self, record: Record, event: Event) -> tuple[list[Remark], Faults]:
        """Count an event as good, unless an earlier event has the same identity.

        Returns:
            The remark about the repetition or the conflict, if there is one; and the changes that
            are lost, because a repetition is not put out.
        """
        before = self._repeats.earlier(event, self._number(record))
        if before is None:
            self.tally.good_count += 1
            return [], Faults()
        earlier = f"{self._unit} {before.number}"
        identity = ", ".join(self._type.identified_by)
        if before.is_conflict:
            self.tally.wrong_count += 1
            same = ", ".join(self._type.deciding)
            misfit = Misfit(identity, f"as in {earlier}: {same}", f"{earlier} with other values")
            message = f"{conflict_text(event)}: see {earlier}"
            again = remark(record, Severity.ERROR, Reason.CONFLICT, misfit)
            return [msgspec.structs.replace(again, message=message)], Faults()
        self.tally.repeated_count += 1
        misfit = Misfit(identity, "sent once", f"repeats {earlier}")
        message = f"{self._unit} {self._number(record)} repeats {earlier}"
        again = remark(record, Severity.WARNING, "repeated", misfit)
        lost = [(LOST, one) for one in self._lost(record, before, earlier)]
        return [msgspec.structs.replace(again, message=message)], Faults(oddities=lost)

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


def _large(event: Event) -> Misfit:
    limit = "at most 1 MiB as an event, unless the operator allows more"
    return Misfit("", limit, f"{message_bytes(event)} bytes")
