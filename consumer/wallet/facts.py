"""Writes down what the events of an order need, and the ledger does not know.

They are stored with the order. So an event that is made later, or a second time, is the same event,
even if the configuration was changed meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.errors import Unavailable
from consumer.ledger.facts import EventFacts

if TYPE_CHECKING:
    from consumer.wallet.settings import WalletSettings


class NotConfigured(Unavailable):
    """The configuration lacks what an order needs. The order is not carried out."""


class Facts:
    """Writes down facts.

    Args:
        settings: The options of the wallet.
    """

    def __init__(self, settings: WalletSettings) -> None:
        self._settings = settings

    def of(
        self,
        brand: str,
        *,
        currency: str | None = None,
        round_end: bool = False,
        vendor_id: str = "",
    ) -> str:
        """Return the facts of an order, as JSON.

        Args:
            brand: The brand of the player.
            currency: The currency of an account. None means that of an account that is open: its
                rate is there, because `ledger/digits.py` has looked.
            round_end: True if the order closes its round.
            vendor_id: The payment provider of a deposit.

        Raises:
            NotConfigured: The configuration has no table for the brand, or no exchange rate.
        """
        found = self._settings.brands.get(brand)
        if found is None:
            raise NotConfigured(f"wallet.brands.{brand}: is missing")
        if currency is not None and currency not in found.exchange_rates:
            raise NotConfigured(f"wallet.brands.{brand}.exchange_rates.{currency}: is missing")
        facts = EventFacts(
            origin=found.origin,
            exchange_rates=found.exchange_rates,
            round_end=round_end,
            vendor_id=vendor_id,
            bonus_id=found.bonus.bonus_id,
            bonus_product=found.bonus.product,
            bonus_type=found.bonus.type,
        )
        return msgspec.json.encode(facts).decode()
