"""What comes out means what came in, to the last digit, for every message type."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from consumer.events.normalise import Normaliser
from consumer.events.registry import find
from consumer.tools.schemas import example
from tests.support.generated import IDS, Spelled, decimals, json_values, read, times, write

if TYPE_CHECKING:
    from consumer.events.base import EventType


def type_of(name: str) -> EventType:
    """Return a message type that is there."""
    event_type = find(name)
    assert event_type is not None
    return event_type


def envelope(event: dict[str, Any], message_type: str = "CASINO") -> Any:  # noqa: ANN401  # any JSON value
    """Return what an event becomes."""
    return read(Normaliser(type_of(message_type), "b").normalise(write(event), 0.0).body)


def casino(**changes: object) -> dict[str, Any]:
    """Return a small CASINO event."""
    return example.sent(type_of("CASINO")) | changes


@given(decimals(), st.sampled_from([Decimal, str, "{:f}".format, "{:e}".format]))
def test_any_number_comes_out_equal(number: Decimal, spell: Any) -> None:  # noqa: ANN401  # what makes a JSON value
    """As JSON number or text, with or without exponent; no exponent comes out."""
    written = envelope(casino(amount=spell(number)))["data"]["amount"]
    assert Decimal(written) == number
    assert set(written) <= set("-.0123456789")


@given(decimals())
def test_no_zero_is_dropped(number: Decimal) -> None:
    """`12.30` says that cents are counted."""
    written = envelope(casino(amount=number))["data"]["amount"]
    assert Decimal(written).as_tuple().exponent == min(number.as_tuple().exponent, 0)


@given(IDS)
def test_any_id_comes_out_as_its_text(sent: str | int) -> None:
    """Text stays as it is, a number becomes text."""
    event = envelope(casino(activity_id=sent, user_id=sent))
    assert event["id"] == event["subject"] == event["data"]["activity_id"] == str(sent)


@given(times())
def test_any_spelling_of_a_time_comes_out_in_utc(time: Spelled) -> None:
    """Compared with arithmetic of the standard library; up to nine digits are kept in data."""
    event = envelope(casino(timestamp=time.text))
    seconds = time.moment.isoformat()
    said = time.fraction.rstrip("0")
    kept = 6 if len(said) <= 6 else 9
    assert event["data"]["timestamp"] == f"{seconds}.{said.ljust(kept, '0')}Z"
    assert event["time"] == f"{seconds}.{time.fraction.ljust(6, '0')[:6]}Z"


@given(times())
def test_time_without_zone_is_counted(time: Spelled) -> None:
    """It is taken as UTC, which may be wrong."""
    body = write(casino(timestamp=time.text))
    oddities = Normaliser(type_of("CASINO"), "b").normalise(body, 0.0).oddities
    assert [one.name for one in oddities] == ([] if time.zoned else ["no_zone"])


@given(times())
def test_seconds_since_1970_are_those_of_the_standard_library(time: Spelled) -> None:
    """For the age of an event, to the microsecond."""
    body = write(casino(timestamp=time.text))
    found = Normaliser(type_of("CASINO"), "b").normalise(body, 0.0).time_s
    assert found is not None
    micros = int(time.fraction.ljust(6, "0")[:6])
    since = time.moment - time.moment.replace(1970, 1, 1, 0, 0, 0)
    assert found == pytest.approx((since + timedelta(microseconds=micros)) / timedelta(seconds=1))


@given(st.dictionaries(st.text("abc", min_size=1).map("x_{}".format), json_values(), min_size=1))
def test_unknown_fields_survive(unknown: dict[str, Any]) -> None:
    """Whatever they hold, at the top of an event."""
    found = envelope(casino(**unknown))["data"]
    assert {name: found[name] for name in unknown} == read(write(unknown))


@given(json_values(), st.sampled_from(["bets", "outcomes"]))
def test_unknown_fields_survive_inside_parts(value: object, where: str) -> None:
    """In a leg of a bet, and in what was bet on in it."""
    event = example.sent(type_of("SPORTSBOOK"))
    leg = event["bets"][0]
    leg["outcomes"] = [{"criterion_name": "a", "outcome_label": "b"}]
    (leg if where == "bets" else leg["outcomes"][0])["x"] = value
    found = envelope(event, "SPORTSBOOK")["data"]["bets"][0]
    assert (found if where == "bets" else found["outcomes"][0])["x"] == read(write(value))


@given(st.lists(json_values(), min_size=1, max_size=3))
def test_unknown_fields_survive_in_each_part_of_a_list(values: list[Any]) -> None:
    """Each stays with its own account."""
    event = example.sent(type_of("USER_BALANCES_UPDATE"))
    account = event["balances"][0]
    event["balances"] = [account | {"x": value} for value in values]
    found = envelope(event, "USER_BALANCES_UPDATE")["data"]["balances"]
    assert [one["x"] for one in found] == read(write(values))
