"""Turns an amount from its text into the smallest units of its currency, and back. Never rounds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from consumer.errors import ConsumerError
from consumer.ledger.orders import LIMIT_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

_is_amount: Final = re.compile(r"(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,9}))?").fullmatch


class BadAmount(ConsumerError):
    """A text cannot be read as an amount of its currency. The error says why."""


class UnknownCurrency(ConsumerError):
    """The wallet has no such currency."""


class Amounts:
    """Reads and writes amounts.

    Args:
        digits_counts: The digits behind the point, by currency.
    """

    def __init__(self, digits_counts: Mapping[str, int]) -> None:
        self._digits_counts = digits_counts

    def read(self, text: str, currency: str) -> int:
        """Return an amount in the smallest units of its currency.

        Raises:
            BadAmount: It is not written as an amount, has more digits than the currency, or is too
                large.
            UnknownCurrency: The wallet does not know the currency.
        """
        digits_count = self.digits_of(currency)
        found = _is_amount(text)
        if found is None:
            raise BadAmount('expected a text such as "12.30", not negative and without an exponent')
        fraction = found[2] or ""
        if len(fraction) > digits_count:
            raise BadAmount(
                f"expected at most {digits_count} digits behind the point of {currency}"
            )
        units = int(found[1] + fraction.ljust(digits_count, "0"))
        if units >= LIMIT_UNITS:
            raise BadAmount(f"expected less than 10^18 of the smallest units of {currency}")
        return units

    def write(self, units: int, currency: str) -> str:
        """Return the text of an amount. It has all digits of the currency."""
        digits_count = self.digits_of(currency)
        if not digits_count:
            return str(units)
        sign = "-" if units < 0 else ""
        text = str(abs(units)).rjust(digits_count + 1, "0")
        return f"{sign}{text[:-digits_count]}.{text[-digits_count:]}"

    def digits_of(self, currency: str) -> int:
        """Return the digits behind the point of a currency.

        Raises:
            UnknownCurrency: The wallet does not know the currency.
        """
        try:
            return self._digits_counts[currency]
        except KeyError as error:
            raise UnknownCurrency(f"the wallet has no currency {currency[:16]!r}") from error
