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
| count | a whole number, also as `3.0` or `"3"` | a JSON number |
| time | RFC 3339, and what is said below | `2015-03-02T08:27:58.100000Z` |
| one of | these values in any case, else the event is `invalid` | as spelled here |
| usually | these values; others pass, and are counted | as sent |
| text, flag, object, whole numbers | as JSON has them | as sent |

- Numbers lose no digit, `12.30` no zero; exponents are written out.
- A *time* may have a one-digit hour, a space for the T, a comma before its fraction of one to nine
  digits, and no zone, which is taken as UTC. Where more than six digits came, nine are put out.
- *Required*: *yes*; *strict*: by a listener with `validation = "strict"`. Every other field may be
  absent or null, and stays so.
- Strict listeners also refuse an *amount* below 0, empty text that is *not empty*, and times that
  are none. To others a time that is none, but for the event's own, passes as it is and is counted.
- Fields that are not listed pass as they came, at every level.
- *Identity*: two deliveries of one brand and type that agree in it are one event, put out once. If
  they differ in a *deciding* field, the second one becomes a dead letter (`conflict`).
- The subjects have the sink's `subject_prefix` in front, if there is one.
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
    lines += [_row(_link(one), _identity(one), _subjects(one)) for one in CATALOGUE]
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
    yield from ("", "| Field | Form | Required | Values | Meaning |")
    yield "| --- | --- | --- | --- | --- |"
    yield from _fields(describe(event_type.fields), "", event_type.strict)
    yield from ("", "In:", "", *_json(example.sent(event_type)))
    yield from ("", "Out:", "", *_json(example.put_out(event_type)))


def _fields(fields: tuple[Described, ...], path: str, strict: tuple[str, ...]) -> Iterator[str]:
    for field in fields:
        fact = field.fact
        required = "yes" if fact.required else "strict" if field.name in strict else ""
        name = f"{path}{field.name}"
        yield _row(f"`{name}`", _form(field), required, _code(fact.values), field.meaning)
        if fact.nested is not None:
            inner = f"{name}[]." if fact.many is Many.LIST else f"{name}."
            yield from _fields(describe(fact.nested), inner, ())


def _form(field: Described) -> str:
    fact = field.fact
    if fact.form is Form.ID:
        word = "id, may be empty" if fact.may_be_empty else "id"
    elif fact.not_negative:
        word = "amount"
    elif fact.not_empty:
        word = "text, not empty"
    else:
        word = _WORDS.get(fact.form, str(fact.form))
    match fact.many:
        case Many.LIST:
            return f"list: {word}"
        case Many.EITHER:
            return f"{word}, or a list"
        case _:
            return word


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
