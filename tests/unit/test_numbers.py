"""Which texts are numbers: code and published schemas agree, for every field of every type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator

from consumer.errors import Reason, Rejected
from consumer.events.base import Form
from consumer.events.facts import Many, facts_of
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
from consumer.tools.schemas import example, json_schema
from tests.support.generated import read, write

if TYPE_CHECKING:
    from consumer.events.base import EventType

ODD: Final = (
    *(" 1.5", "1.5 ", "\t1", "\n1", "1_000", "1,5", "1 000", "\u00a01", "\u0661\u0662", "\uff11"),
    *("", ".", "-", "+", "e5", "1e", "1e+", "--1", "0x10", "1.2.3", "NaN", "Infinity", "inf", "1f"),
)
EQUAL: Final = {
    ".5": "0.5",
    "5.": "5",
    "+5": "5",
    "007.50": "7.50",
    "1e2": "100",
    "1.5E-1": "0.15",
    "0": "0",
    "12.30": "12.30",
}
VALUES: Final[tuple[Any, ...]] = (True, False, [], [1], {}, {"double": 1.5}, [1.5, {"a": 2e5}])
NUMBERS: Final = [
    pytest.param(event_type, fact.name, id=f"{event_type.name}-{fact.name}")
    for event_type in CATALOGUE
    for fact in facts_of(event_type.fields)
    if fact.form in (Form.NUMBER, Form.COUNT) and fact.many is Many.ONE
]


def sent(event_type: EventType, **changes: object) -> bytes:
    """Return an event of a type."""
    return write(example.sent(event_type) | changes)


@pytest.mark.parametrize(("event_type", "name"), NUMBERS)
def test_text_with_another_meaning_is_no_number(event_type: EventType, name: str) -> None:
    """A space, an underscore or a digit of another script may be a mistake of the sender."""
    for strict in (False, True):
        normaliser = Normaliser(event_type, "brand", strict=strict)
        validator = Draft202012Validator(json_schema.incoming(event_type, strict=strict))
        for text in ODD:
            body = sent(event_type, **{name: text})
            with pytest.raises(Rejected, match=f'invalid: {name}: expected number, got "'):
                normaliser.normalise(body, 0.0)
            assert not validator.is_valid(read(body)), (text, strict)


@pytest.mark.parametrize(("event_type", "name"), NUMBERS)
def test_text_with_one_meaning_is_a_number(event_type: EventType, name: str) -> None:
    """It comes out in its normal form."""
    is_count = {fact.name: fact.form for fact in facts_of(event_type.fields)}[name] is Form.COUNT
    normaliser = Normaliser(event_type, "brand")
    validator = Draft202012Validator(json_schema.incoming(event_type))
    for text, normal in EQUAL.items():
        body = sent(event_type, **{name: text})
        data: dict[str, Any] = read(normaliser.normalise(body, 0.0).body)["data"]
        assert str(data[name]) == normal or (is_count and float(data[name]) == float(normal))
        validator.validate(read(body))


@pytest.mark.parametrize(("event_type", "name"), NUMBERS)
def test_other_values_are_shown_as_they_were_sent(event_type: EventType, name: str) -> None:
    """With the numbers inside them as numbers."""
    normaliser = Normaliser(event_type, "brand")
    for value in VALUES:
        with pytest.raises(Rejected) as caught:
            normaliser.normalise(sent(event_type, **{name: value}), 0.0)
        assert caught.value.reason is Reason.INVALID
        assert caught.value.detail == f"{name}: expected number, got {write(value).decode()}"


@pytest.mark.parametrize(("event_type", "name"), NUMBERS)
def test_null_is_for_optional_numbers_only(event_type: EventType, name: str) -> None:
    """A required number has a value."""
    required = {fact.name: fact.required for fact in facts_of(event_type.fields)}[name]
    normaliser = Normaliser(event_type, "brand")
    body = sent(event_type, **{name: None})
    if required:
        with pytest.raises(Rejected, match=f"{name}: expected number, got null"):
            normaliser.normalise(body, 0.0)
    else:
        assert read(normaliser.normalise(body, 0.0).body)["data"][name] is None


@pytest.mark.parametrize("value", [None, "1_0", " 1", True, [1], "x"])
def test_elements_of_lists_of_numbers_are_numbers(value: object) -> None:
    """LOTTERY_V2 has such lists."""
    event_type = next(one for one in CATALOGUE if one.name == "LOTTERY_V2")
    lines = [{"line_id": 1, "numbers": [1, value]}]
    with pytest.raises(Rejected, match=r"lines\[0\]\.numbers\[1\]: expected number, got"):
        Normaliser(event_type, "brand").normalise(sent(event_type, lines=lines), 0.0)
