"""Compares the currencies of a ledger with the configuration, before anything is booked.

Amounts are stored in the smallest unit of their currency. If the digits of a currency changed, all
stored amounts would mean something else. If a currency or its exchange rate were missing, players
could not get back what is theirs, and no event could be made. Both databases understand the
statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.ledger.base import Ledger

USED: Final = "SELECT DISTINCT brand, currency FROM account"
STORED: Final = "SELECT name, digits FROM currency"
STORE: Final = """
    INSERT INTO currency (name, digits) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
    RETURNING name"""


async def misfits_of(
    ledger: Ledger, digits: Mapping[str, int], configured: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """Return what is wrong, in words. If nothing is, store the digits of all configured currencies.

    Args:
        ledger: The ledger, which is open.
        digits: The digits behind the point of all known currencies.
        configured: The exchange rates of each brand, by currency.

    Raises:
        LedgerUnavailable: The database does not answer.
    """
    used = [(brand, currency) for brand, currency in await ledger.rows(USED, ())]
    stored = {str(name): int(count) for name, count in await ledger.rows(STORED, ())}
    found = [*_missing(used, configured), *_changed(stored, digits)]
    if not found:
        currencies = {name for rates in configured.values() for name in rates} - stored.keys()
        for name in sorted(currencies):
            await ledger.rows(STORE, (name, digits[name]))
    return found


def _missing(
    used: list[tuple[str, str]], configured: Mapping[str, Mapping[str, object]]
) -> Iterator[str]:
    for brand, currency in sorted(used):
        if brand not in configured:
            yield f"wallet.brands.{brand}: is missing, and it has players"
        elif currency not in configured[brand]:
            yield (
                f"wallet.brands.{brand}.exchange_rates.{currency}: is missing, and players have "
                "accounts in it"
            )


def _changed(stored: Mapping[str, int], digits: Mapping[str, int]) -> Iterator[str]:
    for name, count in sorted(stored.items()):
        if digits.get(name) != count:
            yield (
                f"wallet.currencies.{name}: the ledger has amounts with {count} digits, "
                f"the configuration says {digits.get(name, 'nothing')}"
            )
