"""Events that went wrong on their way or at their sender: for whatever must survive all of them.

From a seeded generator, not from Hypothesis: a hundred thousand take eight seconds.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from consumer.events.base import Form
from consumer.events.facts import Fact, Many, facts_of
from consumer.events.registry import CATALOGUE
from consumer.pipeline.batch import Batch, Work
from tests.support.fates import sent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from consumer.events.base import EventType, Fields, Nested

    Container = dict[str, Any] | list[Any]

PLAIN: Final[dict[Form, Any]] = {
    Form.ID: 17,
    Form.NUMBER: "12.30",
    Form.COUNT: 3,
    Form.TIME: "2026-01-01T00:00:00Z",
    Form.FLAG: True,
    Form.OBJECT: {"a": [1, {"b": 2.5}]},
}
WRONG: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 10**30, 10**300, "", "x", "1e5", "1e999999999", "NaN", "-0"),
    *(
        "\0",
        "\u2028",
        "\ud83d\ude00",
        "x" * 300,
        "9999-12-31T23:59:60-23:59",
        "2026-02-30T00:00:00Z",
    ),
    *([], [[]], [None], [1, "x"], {}, {"": None}, {"a": {}}),
)
LITERALS: Final = (
    *(b"NaN", b"-", b"1e99999999999999999999", b"0" * 70, b"9" * 5000, b"1." + b"0" * 5000),
    *(b"1e-999999999", b'"\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xc3"', b"[" * 2000, b"tru"),
    *(b"[" * 400 + b"]" * 400, b"[" * 1200 + b"]" * 1200, b'{"a":' * 600 + b"1" + b"}" * 600),
)
"""What no JSON library would write. They take the place of a marker."""
MARK: Final = "\x01mark"


def whole(event_type: EventType) -> dict[str, Any]:
    """Return an event of a type with all of its fields."""
    return _object(event_type.fields)


def mutated(source: Random, event_type: EventType) -> bytes:
    """Return an event of that type with one to four things wrong."""
    event = json.loads(_whole_json(event_type))
    for _ in range(source.randint(1, 3)):
        _spoil(source, event)
    body = json.dumps(event, ensure_ascii=source.random() < 0.5)
    found = body.encode(errors="surrogatepass")
    found = found.replace(json.dumps(MARK).encode(), source.choice(LITERALS))
    return _noise(source, found) if source.random() < 0.2 else found


def mutated_works(source: Random, count: int) -> Iterator[Work]:
    """Give works with mutated bodies of all types, to be decoded.

    Args:
        source: seeded.
        count: of works.
    """
    for _ in range(count):
        event_type = source.choice(CATALOGUE)
        yield Work(sent(mutated(source, event_type), event_type.name))


def batch(works: list[Work]) -> Batch:
    """Return a batch of them, taken in long ago."""
    return Batch(works, 0.0, 0.0)


@cache
def _whole_json(event_type: EventType) -> str:
    return json.dumps(whole(event_type))


def _object(struct: type[Fields | Nested]) -> dict[str, Any]:
    return {fact.name: _value(fact) for fact in facts_of(struct)}


def _value(fact: Fact) -> Any:  # noqa: ANN401  # any JSON value
    plain = fact.values[0] if fact.values else PLAIN.get(fact.form, "text")
    value = _object(fact.nested) if fact.nested is not None else plain
    return [value, value] if fact.many is Many.LIST else value


def _spoil(source: Random, event: dict[str, Any]) -> None:
    """Do one thing to one place, at any depth."""
    kind = source.choice(("value", "value", "value", "literal", "drop", "repeat"))
    places = list(_places(event))
    inside, key = source.choice(places) if places else (event, "")
    if kind == "value":
        inside[key] = copy.deepcopy(source.choice(WRONG))
    elif kind == "literal":
        inside[key] = MARK
    elif kind == "drop":
        del inside[key]
    elif isinstance(inside, dict):
        inside[source.choice(("", "new", "a.b", "x" * 300, key.upper()))] = copy.deepcopy(
            inside[key]
        )


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found = [(value, key) for key in value]
    elif isinstance(value, list):
        found = [(value, index) for index in range(len(value))]
    yield from found
    for inside, key in found:
        yield from _places(inside[key])


def _noise(source: Random, body: bytes) -> bytes:
    """Flip, cut, repeat or splice bytes."""
    start = source.randrange(len(body) + 1)
    end = min(len(body), start + source.randint(0, 40))
    other = _whole_json(source.choice(CATALOGUE)).encode()
    match source.randrange(5):
        case 0:
            return body[:start] + source.randbytes(source.randint(1, 3)) + body[start + 1 :]
        case 1:
            return body[:start]
        case 2:
            return body[:end] + body[start:]
        case 3:
            return body[:start] + other[source.randrange(len(other)) :]
        case _:
            return body[:start] + body[end:]
