"""Defines what is stored with an order for its events, and no ledger knows by itself."""

from __future__ import annotations

import msgspec


class EventFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored with an order.

    Attributes:
        origin: The brand's host.
        exchange_rates: What one unit of a currency is worth, by currency.
        round_end: True if the order closes its round.
        vendor_id: The payment provider of a deposit.
        bonus_id, bonus_product, bonus_type: What the events of a bonus say.
    """

    origin: str
    exchange_rates: dict[str, str]
    round_end: bool = False
    vendor_id: str = ""
    bonus_id: str = ""
    bonus_product: str = ""
    bonus_type: str = ""


read_facts = msgspec.json.Decoder(EventFacts).decode
"""Reads facts. Raises `msgspec.DecodeError` for a text that is none."""
