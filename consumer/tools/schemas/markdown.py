"""Makes docs/events.md from the catalogue, so that the page always says what is decoded.

Responsible for the words and tables of that page. `make docs` writes the page, and a test checks
that it is up to date.
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

`make docs` makes this page from the catalogue in [consumer/events](../consumer/events); do not edit
it. The catalogue can also be printed as JSON Schema: `consumer schema TYPE --incoming` prints what
a brand may send, and `consumer schema TYPE` prints what a subscriber gets. `consumer schema
--asyncapi` prints both, with all subjects.

## In and out

A brand sends JSON, and the message type beside it: in the property `type` of RabbitMQ, or in the
header `type` of Kafka and NATS. Upper and lower case of the type are the same. A subscriber gets a
[CloudEvents](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) object. Its
`data` holds the fields that the brand sent, each in one form:

| Form | Accepted | Put out |
| --- | --- | --- |
| id | text of 1 to 256 characters without control characters, or a whole number | text |
| number, amount | JSON number or text, at most 128 digits on each side of the point | `"12.30"` |
| count | the same as for a number, such as `3`, `3.0` or `"3"` | a JSON number |
| time | RFC 3339, and the spellings that are listed below | `2015-03-02T08:27:58.100000Z` |
| one of | the listed values in any case; other text makes the event `invalid` | as listed |
| usually | the listed values; other text passes too, and is counted | as sent |
| text, flag, object | a JSON string, `true` or `false`, a JSON object | as sent |

- A number keeps all its digits, also the last zero of `12.30`. An exponent is written out. A count
  with a fraction passes and is counted.
- An id may be a whole number with a point: `132.0` becomes `"132"`, and is counted. An id that the
  vendor's schema calls a number may also have a fraction. A number with a point that is beyond 2^53
  is refused, because the sender's language may have rounded it. For the same reason a number is
  refused that has at least 6 digits and an exponent with `+` that adds zeros behind them, such as
  `1.23457e+07` = 12345700. Java writes all digits and no `+`: `1.234567E7` becomes `"12345670"`.
- `-0` is put out as `0`.
- A *time* may have an hour of one digit, a space instead of the T, and a comma before the fraction.
  The fraction may have one to nine digits. If it has more than six, nine digits are put out. A time
  without a zone is taken as UTC.
- Lenient listeners also read what some languages and libraries write by themselves, and count it: a
  time without seconds (`04:05Z`), with a space before the zone, with the zone `UTC`, `+0000`, `+00`
  or `+00:00:00`, with the name of a zone behind the offset (`+01:00[Europe/Malta]`, `+0100 CET`,
  `-0300 -03`), or in milliseconds as .NET writes it (`/Date(1770091506848)/`); a flag as `1`,
  `0`, or a text with `1`, `0`, `true` or `false` (also `True` and `TRUE`); a listed value with
  spaces around it; `[]` for an object that may be absent; and an object with numbers as keys for a
  list (`{"0": …, "2": …}`, as PHP's `array_filter` makes it; if no objects are in the list, the
  largest key has to be less than twice the number of keys).
- The event's own time has to be after 1970-01-01: an earlier time was never set.
- If the event's own time cannot be read, the event is `invalid`. Any other time that cannot be read
  passes as it is and is counted.
- *Required*: *yes* means that every listener requires the field, and *strict* that a listener with
  `validation = "strict"` requires it. Every other field may be absent or null, and stays so.
- Fields that are not listed pass as they came, at every level. The exception is another spelling
  of a field that decides (*one of*, or listed under *Deciding*), such as `Status` for `status`. If
  the field itself is absent or null, the event is refused. So is an event that has a field with
  *one of* in two spellings with different values.
- *Identity*: two deliveries of one brand and type that have the same identity are one event, which
  is put out once. If they differ in a *deciding* field, the second delivery becomes a dead letter
  (`conflict`).
- If the sink has a `subject_prefix`, it stands in front of every subject.

## What the vendor's schemas decide

Every event that the vendor's own [JSON Schema][schemas] of its type accepts is accepted here, by
lenient and by strict listeners. The exceptions are:

- an event whose identifying id is empty: it could not be told from other events without an id;
- an identifying id that was never set (`undefined`, `null`, `(null)`, `[object Object]`, the UUID
  of zeros; and 0, if the identity has no other id): many events would have the same id. A player's
  id may be `null`, because players choose such names;
- an identifying id that is the text of a number that was rounded (`1.23457E+15`, or
  `1.2345678901234567E19`, which is beyond 2^53), for the same reason;
- a value that is larger than the limits above;
- a time of the event before 1970-01-02: it was never set, and as part of an identity it would make
  every event of a player a duplicate;
- a time that is only a day or only a time of day, which the vendor's validator takes;
- a field of another form than its page says, if the schema accepts any value in the field; in the
  tables these fields have *any* under *Strict*.

A listener with `validation = "strict"` also refuses what the schema refuses, and so does
`consumer validate --strict`. A strict listener:

- wants what the tables list under *Required* and *Strict*;
- takes null only if *null* is listed;
- compares the values of *one of* with their case;
- wants the T and the zone in a time.

It accepts two things that the schema refuses:

- a number that is written as text. It means the same, and text is the better way to send money,
  because many languages round a number before they write it;
- a CASINO event of type `Loss`, which is on the vendor's newest page but not in its schema.

GAME_ROUND and IT_PING have no schema, so strict listeners accept what lenient listeners accept.

[schemas]: https://github.com/fasttrack-solutions/json-schema

| Strict | The vendor's schema |
| --- | --- |
| text, number, text or number | wants the id in this JSON type |
| digits | wants the digits 0 to 9 and nothing else |
| not empty | wants at least one character |
| 0 or more | takes no negative number |
| only … | takes only these values; *only these* means all values that are listed |
| one value | takes no list |
| null | takes null |
| any | does not know the field, or takes any value in it |
"""

_WORDS: Final = {
    Form.FLAG: "flag",
    Form.NESTED: "object",
    Form.CHOICE: "text, one of",
    Form.HINT: "text, usually",
}
"""The forms for which the page has other words than the catalogue."""


def page() -> str:
    """Return the whole page as Markdown."""
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
    """Return the words for what strict listeners want of a field and other listeners do not."""
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
