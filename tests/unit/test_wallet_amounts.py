"""Amounts are read exactly or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from consumer.ledger.amounts import Amounts, BadAmount, UnknownCurrency
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.orders import LIMIT_UNITS

AMOUNTS = Amounts({**BUILT_IN, "POINT": 0})


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("12.30", "EUR", 1230),
        ("12.3", "EUR", 1230),
        ("12", "EUR", 1200),
        ("0", "EUR", 0),
        ("0.00", "EUR", 0),
        ("7", "JPY", 7),
        ("0.001", "KWD", 1),
        ("0.00000001", "BTC", 1),
        ("999999999.999999999", "ETH", LIMIT_UNITS - 1),
    ],
)
def test_amount_becomes_smallest_units(text: str, currency: str, units: int) -> None:
    """By the digits of its currency."""
    assert AMOUNTS.read(text, currency) == units


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1 ", " 1", "1,5", "1.", ".5", "-1", "-0", "+1", "01", "1e3", "1E3", "0x1"),
        *("NaN", "Infinity", "1_000", "\u0661", "1.2.3", "12.345", "12.300", "1" * 40, "1\n"),
        "10000000000000000",  # 10^16 EUR are 10^18 cents
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Never rounded, never guessed."""
    with pytest.raises(BadAmount):
        AMOUNTS.read(text, "EUR")


def test_currency_without_digits_has_no_point() -> None:
    """In both directions."""
    with pytest.raises(BadAmount):
        AMOUNTS.read("7.0", "JPY")
    assert AMOUNTS.write(7, "JPY") == "7"
    assert AMOUNTS.write(5, "POINT") == "5"


def test_unknown_currency_is_told() -> None:
    """It has no digits."""
    with pytest.raises(UnknownCurrency, match="'XXX'"):
        AMOUNTS.read("1", "XXX")


@given(st.integers(-LIMIT_UNITS + 1, LIMIT_UNITS - 1), st.sampled_from(sorted(BUILT_IN)))
def test_what_is_written_is_read_again(units: int, currency: str) -> None:
    """A negative amount is only shown, as the result of a session."""
    text = AMOUNTS.write(units, currency)
    assert AMOUNTS.read(text.removeprefix("-"), currency) == abs(units)
    assert text.startswith("-") == (units < 0)
