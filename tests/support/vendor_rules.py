"""The vendor's rules for each type: read from the table, from a schema, or from the catalogue.

`tests/data/vendor_rules.toml` explains the form. Nothing here is made from the catalogue's own
code but `of_catalogue`, so that the two can be held against each other.
"""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from consumer.events.base import Form
from consumer.events.facts import Fact, Many, facts_of
from consumer.events.shared_ids import NEVER_SET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.events.base import EventType, Fields, Nested

Rules = dict[str, Any]
Rule = str | Rules
"""What a field takes: a word, or a table."""
Event = dict[str, Any]

RULES: Final[dict[str, Rules]] = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "vendor_rules.toml").read_text(encoding="utf-8")
)

FILES: Final = {"user_tags": "USER_TAG"}
"""Types whose schema has a file of another name."""
WORDS: Final = {
    "array": "list",
    "boolean": "flag",
    "null": "null",
    "number": "number",
    "object": "object",
    "string": "text",
}
"""Our words for the types of JSON Schema."""
TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{1,2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
"""The vendor's pages write the hour with one digit, and its validator reads that."""
NUMBER: Final = re.compile(r"-?\d+(\.\d+)?(e\d+)?", re.ASCII)


def of_schema(schema: Rules) -> Rule:
    """Return a JSON Schema of the vendor's as rules."""
    if "type" not in schema:
        return "anything"
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if types == ["array"]:
        return {"list": of_schema(schema["items"])}
    if schema.get("properties"):
        fields = {name: of_schema(inner) for name, inner in schema["properties"].items()}
        return {"required": sorted(schema["required"]), "fields": fields}
    is_time = schema.get("format") == "date-time"
    word = "time" if is_time else " or ".join(sorted(WORDS[name] for name in types))
    narrowed: Rules = {
        "not_empty": schema.get("minLength") == 1,
        "not_negative": schema.get("minimum") == 0,
        "only_digits": schema.get("pattern") == "^[0-9]+$",
        "only": sorted(schema.get("enum", ())),
    }
    return _rule(word, narrowed)


def of_catalogue(event_type: EventType) -> Rules:
    """Return what the catalogue states of a type as rules; a field of a page alone is left out."""
    rules = _of_struct(event_type.fields)
    return rules | {"required": sorted({*rules["required"], *event_type.strict})}


def _of_struct(struct: type[Fields | Nested]) -> Rules:
    named = [fact for fact in facts_of(struct) if not fact.page_only]
    return {
        "required": sorted(fact.name for fact in named if fact.required),
        "fields": {fact.name: _of_fact(fact) for fact in named},
    }


def _of_fact(fact: Fact) -> Rule:
    words = {
        Form.ID: str(fact.sent_as),
        Form.NUMBER: "number",
        Form.COUNT: "number",
        Form.TIME: "time",
        Form.FLAG: "flag",
        Form.OBJECT: "object",
    }
    kinds = {*words.get(fact.form, "text").split(" or "), *(["null"] if fact.null_too else [])}
    only = fact.values if fact.form is Form.CHOICE else fact.schema_values
    narrowed: Rules = {
        "not_empty": fact.not_empty,
        "not_negative": fact.not_negative,
        "only_digits": fact.only_digits,
        "only": sorted(only),
    }
    rule = _of_struct(fact.nested) if fact.nested else _rule(" or ".join(sorted(kinds)), narrowed)
    return {"list": rule} if fact.many is Many.LIST else rule


def _rule(word: str, narrowed: Rules) -> Rule:
    narrowed = {name: value for name, value in narrowed.items() if value}
    return {"is": word, **narrowed} if narrowed else word


def accepts(rule: Rule, value: object, *, text_for_number: bool = False) -> bool:
    """Tell whether a rule takes a value.

    Args:
        rule: A word or a table.
        value: Any JSON value.
        text_for_number: Take text that writes a number for that number.
    """
    table: Rules = {"is": rule} if isinstance(rule, str) else rule

    def inner(rule: Rule, value: object) -> bool:
        return accepts(rule, value, text_for_number=text_for_number)

    if "fields" in table:
        return (
            isinstance(value, dict)
            and value.keys() >= {*table["required"]}
            and all(
                inner(table["fields"].get(name, "anything"), one) for name, one in value.items()
            )
        )
    if "list" in table:
        return isinstance(value, list) and all(inner(table["list"], one) for one in value)
    words = table["is"].split(" or ")
    if text_for_number and "number" in words and "text" not in words and isinstance(value, str):
        return bool(NUMBER.fullmatch(value)) and _narrow(table, float(value))
    return any(_is(word, value) for word in words) and _narrow(table, value)


def _is(word: str, value: object) -> bool:
    match word:
        case "anything":
            return True
        case "time":
            return isinstance(value, str) and bool(TIME.fullmatch(value))
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case _:
            types = {"text": str, "flag": bool, "object": dict, "null": type(None)}
            return isinstance(value, types[word])


def _narrow(table: Rules, value: object) -> bool:
    if isinstance(value, str):
        return (
            not (table.get("not_empty") and not value)
            and not (table.get("only_digits") and not re.fullmatch("[0-9]+", value))
            and value in table.get("only", [value])
        )
    return not (isinstance(value, (int, float)) and table.get("not_negative") and value < 0)


TEXT: Final = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9
).filter(lambda text: text not in NEVER_SET)
"""Without the ids that are refused whatever the schema says."""
NUMBERS: Final = st.integers(0, 2**53) | st.integers(0, 10**6).map(lambda cents: cents / 100)
TIMES: Final = st.sampled_from(
    ["2015-03-02T8:27:58.10Z", "2026-02-03T04:05:06Z", "2026-02-03T04:05:06.123456789-08:00"]
)
FAULTS: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, -2.5, 7, 10**15, "", "x", "7", "-7", "1e3", "12.30"),
    *("Bet", "bet", "Loss", "APPROVED", "Casino", "Live Casino", "mobile", "Single", "Combo"),
    *("2026-02-03T04:05:06Z", "2026-02-03 04:05:06Z", "2026-02-03T04:05:06", "yesterday"),
    *([], ["x"], [1.5], [None], [{}], ["mobile"], {}, {"x": 1}, {"type": "x", "amount": -1}),
)
"""What takes the place of a value, whether or not that is wrong there."""
SPOILT: Final[st.SearchStrategy[Any]] = st.sampled_from(FAULTS)


def whole(rules: Rules) -> Event:
    """Return an object that the rules take, with every field that they name."""
    names = {*rules["fields"], *rules["required"]}
    return {name: _whole(rules["fields"].get(name, "anything")) for name in sorted(names)}


def _whole(rule: Rule) -> object:
    table: Rules = {"is": rule} if isinstance(rule, str) else rule
    if "fields" in table:
        return whole(table)
    if "list" in table:
        return [_whole(table["list"])]
    if "only" in table:
        return table["only"][0]
    by_word = {"number": 7, "flag": True, "object": {}, "time": "2015-03-02T8:27:58.10Z"}
    return by_word.get(table["is"].split(" or ")[-1], "17")


def faulty(event: Event) -> Iterator[Event]:
    """Give an event with each of its values, at any depth, missing or replaced by each fault."""
    for path in _paths(event):
        for fault in (..., *FAULTS):
            changed = copy.deepcopy(event)
            inside: Any = changed
            for key in path[:-1]:
                inside = inside[key]
            if fault is ...:
                del inside[path[-1]]
            else:
                inside[path[-1]] = copy.deepcopy(fault)
            yield changed


def _paths(value: object) -> Iterator[tuple[Any, ...]]:
    """Give the keys that lead to each value inside of another."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found = list(value.items())
    elif isinstance(value, list):
        found = list(enumerate(value))
    for key, inner in found:
        yield (key,)
        yield from ((key, *path) for path in _paths(inner))


def events(rules: Rules) -> st.SearchStrategy[Any]:
    """Return objects that the rules take, with unknown fields now and then."""
    fields = rules["fields"]
    required = {name: values(fields.get(name, "anything")) for name in rules["required"]}
    optional = {name: values(fields[name]) for name in fields.keys() - required.keys()}
    return st.fixed_dictionaries(required, optional=optional | {"x_unknown": SPOILT})


def values(rule: Rule) -> st.SearchStrategy[Any]:
    """Return values that a rule takes."""
    table: Rules = {"is": rule} if isinstance(rule, str) else rule
    if "fields" in table:
        return events(table)
    if "list" in table:
        return st.lists(values(table["list"]), max_size=2)
    if "only" in table:
        return st.sampled_from(table["only"])
    by_word: dict[str, st.SearchStrategy[Any]] = {
        "text": st.text("0123456789", min_size=1, max_size=9) if "only_digits" in table else TEXT,
        "number": NUMBERS if "not_negative" in table else NUMBERS | NUMBERS.map(lambda n: -n),
        "flag": st.booleans(),
        "object": st.dictionaries(TEXT, SPOILT, max_size=2),
        "null": st.none(),
        "time": TIMES,
        "anything": SPOILT,
    }
    return st.one_of([by_word[word] for word in table["is"].split(" or ")])


@st.composite
def spoilt(draw: st.DrawFn, rules: Rules) -> Event:
    """Draw an event in which up to two values, at any depth, are missing or of another kind."""
    event: Event = copy.deepcopy(draw(events(rules)))
    for _ in range(draw(st.integers(0, 2))):
        inside: Any = event
        while True:
            keys = sorted(inside) if isinstance(inside, dict) else list(range(len(inside)))
            key = draw(st.sampled_from(keys))
            if not isinstance(inside[key], (dict, list)) or not inside[key] or draw(st.booleans()):
                break
            inside = inside[key]
        if draw(st.booleans()) and draw(st.booleans()):
            del inside[key]
        else:
            inside[key] = copy.deepcopy(draw(SPOILT))
        if not event:
            break
    return event
