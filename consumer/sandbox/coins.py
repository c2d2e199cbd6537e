"""Reads and writes amounts as a game server does that knows the wallet by its answers only.

A game server has no list of currencies. It learns how many digits a currency has from the text of a
balance: the wallet writes all of them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_is_amount: Final = re.compile(r"(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,9}))?").fullmatch


class Coins(msgspec.Struct, frozen=True):
    """A currency as a game server knows it. Its amounts are integers of the smallest unit.

    Attributes:
        currency: The name of the currency.
        digits_count: The digits behind the point.
    """

    currency: str
    digits_count: int

    def read(self, text: str) -> int:
        """Return an amount in the smallest units.

        Raises:
            ValueError: The text is not an amount of this currency.
        """
        found = _is_amount(text)
        if found is None or len(found[2] or "") > self.digits_count:
            raise ValueError(f"expected an amount with at most {self.digits_count} digits")
        return int(found[1] + (found[2] or "").ljust(self.digits_count, "0"))

    def write(self, units: int) -> str:
        """Return the text of an amount that is not negative, with all digits of the currency."""
        text = str(units).rjust(self.digits_count + 1, "0")
        if not self.digits_count:
            return text
        return f"{text[: -self.digits_count]}.{text[-self.digits_count :]}"


def coins_of(currency: str, balance: str) -> Coins:
    """Return a currency, whose digits are those of a balance that the wallet has written.

    Raises:
        ValueError: The balance is not an amount.
    """
    found = _is_amount(balance)
    if found is None:
        raise ValueError("expected the balance to be a text such as 12.30")
    return Coins(currency, len(found[2] or ""))
