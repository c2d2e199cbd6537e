"""docs/events.md, made from the catalogue, so that it cannot drift from what is decoded.

Responsible for the words and tables of that page. `make docs` writes it, a test checks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.events.base import Form
from consumer.events.facts import Many
from consumer.events.registry import CATALOGUE
from consumer.tools.schemas import example
from consumer.tools.schemas.describe import Described, describe, subjects, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.events.base import EventType
    from consumer.events.facts import Fact

HEAD: Final = """\
# Events

Made from the catalogue in [consumer/events](../consumer/events) by `make docs`; do not edit. The
same as JSON Schema: `consumer schema TYPE --incoming` is what a brand may send, `consumer schema
TYPE` what a subscriber gets; `consumer schema --asyncapi` is both with all subjects.

## In and out

A brand sends JSON with the message type beside it: RabbitMQ's property `type`, the header `type` of
Kafka and NATS, in any case. A subscriber gets a
[CloudEvents](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) object; its
`data` holds the same fields in one form:

| Form | Accepted | Put out |
| --- | --- | --- |
| id | text of 1 to 256 characters without control characters, or a whole number | text |
| number, amount | JSON number or text, at most 64 digits on each side of the point | `"12.30"` |
| count | as a number, also as `3.0` or `"3"` | a JSON number |
| time | RFC 3339, and what is said below | `2015-03-02T08:27:58.100000Z` |
| one of | these values in any case, else the event is `invalid` | as spelled here |
| usually | these values; other text passes, and is counted | as sent |
| text, flag, object | as JSON has them | as sent |

- Numbers lose no digit, `12.30` no zero; exponents are written out. A count with a fraction passes
  and is counted.
- An id that the vendor's schema calls a number may have a point: `132.0` becomes `"132"`, and is
  counted. Beyond 2^53 it is refused, because the sender's language may have rounded it.
- A *time* may have a one-digit hour, a space for the T, a comma before its fraction of one to nine
  digits, and no zone, which is taken as UTC. Where more than six digits came, nine are put out. A
  time that cannot be read makes the event `invalid` only as the event's own time; any other passes
  as it is and is counted.
- *Required*: *yes*; *strict*: by a listener with `validation = "strict"`. Every other field may be
  absent or null, and stays so.
- Fields that are not listed pass as they came, at every level.
- *Identity*: two deliveries of one brand and type that agree in it are one event, put out once. If
  they differ in a *deciding* field, the second one becomes a dead letter (`conflict`).
- The subjects have the sink's `subject_prefix` in front, if there is one.

## What the vendor's schemas decide

Every event that the vendor's own [JSON Schema][schemas] of its type accepts is accepted here, by
lenient and by strict listeners. The exceptions are:

- an event whose identifying id is empty: it could not be told from other events without an id;
- what is larger than the limits above;
- a time that is only a day or only a time of day, which the vendor's validator takes;
- a field of another form than its page says, where the schema accepts any value; in the tables
  these fields have *any* under *Strict*.

A listener with `validation = "strict"` also refuses what the schema refuses, and so does
`consumer validate --strict`. Such a listener wants what the tables list under *Required* and
*Strict*; it takes null only where *null* is listed; it compares the values of *one of* with their
case; and of a time it wants the T and the zone. It accepts two things that the schema refuses:

- a number that is written as text. It means the same, and text is the better way to send money,
  because many languages round a number before they write it;
- a CASINO event of type `Loss`, which the vendor's newest page has and its schema does not.

GAME_ROUND and IT_PING have no schema, so strict listeners accept what lenient listeners accept.

[schemas]: https://github.com/fasttrack-solutions/json-schema

| Strict | The vendor's schema |
| --- | --- |
| text, number, text or number | wants the id in this JSON type |
| digits | wants the digits 0 to 9 and nothing else |
| not empty | wants at least one character |
| 0 or more | takes no negative number |
| only … | takes these values alone; *only these*: all that are listed |
| one value | takes no list |
| null | takes null |
| any | does not know the field, and takes any value in it |
"""

_WORDS: Final = {
    Form.FLAG: "flag",
    Form.NESTED: "object",
    Form.CHOICE: "text, one of",
    Form.HINT: "text, usually",
}
"""Where the page has other words than the catalogue."""


def page() -> str:
    """Return the page."""
    lines = [HEAD, "## Types", "", "| Type | Identity | Subjects |", "| --- | --- | --- |"]
    lines += [
        _row(_link(event_type), _identity(event_type), _subjects(event_type))
        for event_type in CATALOGUE
    ]
    for event_type in CATALOGUE:
        lines += _section(event_type)
    return "\n".join([*lines, ""])


def _section(event_type: EventType) -> Iterator[str]:
    yield from ("", f"## {event_type.name}", "", summary(event_type.fields), "")
    if event_type.aliases:
        yield f"- Also called: {_code(event_type.aliases)}"
    yield f"- Subjects: {_subjects(event_type)}"
    yield f"- Identity: {_identity(event_type)}"
    yield f"- Deciding: {_code(event_type.deciding) or 'none'}"
    yield from (f"- Source: <{source}>" for source in event_type.sources)
    yield from ("", "| Field | Form | Required | Strict | Values | Meaning |")
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from _fields(describe(event_type.fields), "", event_type)
    yield from ("", "In:", "", *_json(example.sent(event_type)))
    yield from ("", "Out:", "", *_json(example.put_out(event_type)))


def _fields(fields: tuple[Described, ...], path: str, event_type: EventType) -> Iterator[str]:
    for field in fields:
        fact = field.fact
        needed = not path and fact.name in event_type.strict
        required = "yes" if fact.required else "strict" if needed else ""
        strict = _strict(fact) if event_type.has_schema else ""
        name = f"{path}{fact.name}"
        yield _row(f"`{name}`", _form(fact), required, strict, _code(fact.values), field.meaning)
        if fact.nested is not None:
            inner = f"{name}[]." if fact.many is Many.LIST else f"{name}."
            yield from _fields(describe(fact.nested), inner, event_type)


def _form(fact: Fact) -> str:
    if fact.form is Form.ID:
        word = "id, may be empty" if fact.may_be_empty else "id"
    elif fact.form is Form.NUMBER and fact.not_negative:
        word = "amount"
    else:
        word = _WORDS.get(fact.form, str(fact.form))
    match fact.many:
        case Many.LIST:
            return f"list: {word}"
        case Many.EITHER:
            return f"{word}, or a list"
        case _:
            return word


def _strict(fact: Fact) -> str:
    """Return what only strict listeners want of a field."""
    if fact.page_only:
        return "any"
    listed = fact.schema_values
    every = "only these" if {*listed} == {*fact.values} else f"only {_code(listed)}"
    wanted = {
        str(fact.sent_as): fact.form is Form.ID,
        "digits": fact.only_digits,
        "not empty": fact.not_empty,
        "0 or more": fact.not_negative,
        every: bool(listed),
        "one value": fact.one_value,
        "null": fact.null_too,
    }
    return ", ".join(words for words, is_wanted in wanted.items() if is_wanted)


def _link(event_type: EventType) -> str:
    return f"[{event_type.name}](#{event_type.name.lower()})"


def _identity(event_type: EventType) -> str:
    return "; ".join(event_type.identified_by)


def _subjects(event_type: EventType) -> str:
    return _code(subjects(event_type))


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _row(*cells: str) -> str:
    return " | ".join(["", *(cell.replace("|", "\\|") for cell in cells), ""]).strip()


def _json(value: dict[str, Any]) -> tuple[str, ...]:
    return ("```json", msgspec.json.format(msgspec.json.encode(value)).decode(), "```")
