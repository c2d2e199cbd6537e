"""Turns a provider's amounts into ours and back. Never rounds what moves money."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.ledger.amounts import Amounts


def exact_units(amounts: Amounts, text: str, currency: str) -> int:
    """Read an amount that may have more zeros behind the point than its currency has digits.

    Providers write all amounts with the same number of digits, such as `100.00` yen.

    Raises:
        BadAmount: It is not written as an amount, or does not fit into the currency.
        UnknownCurrency: The wallet does not know the currency.
    """
    whole, point, fraction = text.partition(".")
    kept = fraction.rstrip("0")
    if fraction.isdigit():
        text = f"{whole}.{kept}" if kept else whole
    elif point:
        text = f"{whole}.{fraction}"  # `amounts` says what is wrong with it
    return amounts.read(text, currency)


def ten_to(count: int) -> int:
    """Return 10 to the power of a count, which is not negative."""
    return int("1" + "0" * count)


def units_of_scaled(amounts: Amounts, number: int, digits_count: int, currency: str) -> int:
    """Read an amount that is written as a whole number with `digits_count` digits behind the point.

    Raises:
        BadAmount: It does not fit into the currency.
        UnknownCurrency: The wallet does not know the currency.
    """
    whole, fraction = divmod(number, ten_to(digits_count))
    return exact_units(amounts, f"{whole}.{fraction:0{digits_count}d}", currency)


def scaled_down(amounts: Amounts, units: int, digits_count: int, currency: str) -> int:
    """Write a balance as a whole number with `digits_count` digits behind the point.

    What a currency has behind these digits is left out, so a balance never looks larger than it is.
    """
    shift = digits_count - amounts.digits_of(currency)
    return units * ten_to(shift) if shift >= 0 else units // ten_to(-shift)
