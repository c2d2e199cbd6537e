"""Bodies as the vendor's pages show them."""

from __future__ import annotations

import json
from typing import Any


def casino(**changes: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """Return the casino page's own example; a field set to `...` is left out."""
    return _body(
        {
            "activity_id": "6f9619ff-8b86",
            "amount": 12.3,
            "balance_after": 23.4,
            "balance_before": 35.7,
            "bonus_wager_amount": 0.0,
            "currency": "EUR",
            "exchange_rate": 0.1,
            "game_id": "132",
            "game_name": "Dead or Alive",
            "game_type": "Slots",
            "is_round_end": False,
            "origin": "www.brand.com",
            "round_id": "636",
            "timestamp": "2015-03-02T8:27:58.10Z",
            "type": "Bet",
            "user_id": "player-17",
            "vendor_id": "12",
            "vendor_name": "NetEnt",
            "wager_amount": 12.3,
            "meta": {"key1": "value1", "key2": 2, "key3": True},
            "status": "Approved",
        },
        changes,
    )


def payment(**changes: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """Return the payment page's example; a field set to `...` is left out."""
    return _body(
        {
            "amount": 100.0,
            "bonus_code": "",
            "currency": "EUR",
            "exchange_rate": 0.1,
            "fee_amount": 0.0,
            "note": "",
            "origin": "www.brand.com",
            "payment_id": "23541",
            "status": "Approved",
            "timestamp": "2015-03-02T8:27:58.721607Z",
            "type": "Credit",
            "user_id": "player-17",
            "vendor_id": "162",
            "vendor_name": "Skrill",
        },
        changes,
    )


def _body(fields: dict[str, Any], changes: dict[str, Any]) -> bytes:
    fields.update(changes)
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()
