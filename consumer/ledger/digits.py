"""Compares the currencies of a ledger with the configuration, before anything is booked.

Amounts are stored in the smallest unit of their currency. If the digits of a currency changed, all
stored amounts would mean something else. If a currency or its exchange rate were missing, players
could not get back what is theirs, and no event could be made. The ledger remembers what was
configured, so accounts are only looked for if something is missing. Both databases understand the
statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.ledger.base import Ledger
    from consumer.ledger.look import LedgerRows

STORED: Final = "SELECT brand, name, digits FROM currency ORDER BY brand, name"
STORE: Final = """
    INSERT INTO currency (brand, name, digits) VALUES ($1, $2, $3)
    ON CONFLICT (brand, name) DO NOTHING RETURNING name"""
USED: Final = "SELECT 1 FROM account WHERE brand = $1 AND currency = $2 LIMIT 1"


async def misfits_of(
    ledger: Ledger, digits: Mapping[str, int], configured: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """Return what is wrong, in words. If nothing is, remember what is configured.

    Args:
        ledger: The ledger, which is open.
        digits: The digits behind the point of all known currencies.
        configured: The exchange rates of each brand, by currency.

    Raises:
        LedgerUnavailable: The database does not answer.
    """
    found, stored = await compared(ledger.rows, digits, configured)
    if not found:
        wanted = {(brand, name) for brand, rates in configured.items() for name in rates}
        for brand, name in sorted(wanted - stored):
            await ledger.rows(STORE, (brand, name, digits[name]))
    return found


async def compared(
    rows: LedgerRows, digits: Mapping[str, int], configured: Mapping[str, Mapping[str, object]]
) -> tuple[list[str], set[tuple[str, str]]]:
    """Compare as `misfits_of` does, and change nothing.

    Returns:
        What is wrong, in words; and what the ledger remembers, each a brand and a currency.

    Raises:
        LedgerUnavailable: The database does not answer.
    """
    found: dict[str, None] = {}
    stored: set[tuple[str, str]] = set()
    for brand, name, count in await rows(STORED, ()):
        stored.add((brand, name))
        if name not in configured.get(brand, ()):
            if await rows(USED, (brand, name)):
                found[_missing(brand, name, configured)] = None
        elif digits[name] != count:
            found[
                f"wallet.currencies.{name}: the ledger has amounts with {count} digits, the "
                f"configuration says {digits[name]}"
            ] = None
    return list(found), stored


def _missing(brand: str, name: str, configured: Mapping[str, Mapping[str, object]]) -> str:
    if brand not in configured:
        return f"wallet.brands.{brand}: is missing, and it has players"
    return (
        f"wallet.brands.{brand}.exchange_rates.{name}: is missing, and players have accounts in it"
    )
