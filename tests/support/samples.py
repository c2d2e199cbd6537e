"""Bodies as the vendor's pages show them, and the broken ones every listener must survive."""

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


BROKEN: dict[str, tuple[str | None, bytes, str]] = {
    "broken JSON": ("CASINO", b'{"activity_id": "a", ', "malformed"),
    "empty body": ("CASINO", b"", "malformed"),
    "broken UTF-8": ("CASINO", casino(game_name="X").replace(b'"X"', b'"\xff\xfe"'), "malformed"),
    "broken UTF-8 in a field that only passes": (
        "CASINO",
        casino(other="X").replace(b'"X"', b'"\xff"'),
        "malformed",
    ),
    "lone surrogate": ("CASINO", casino(other="X").replace(b'"X"', b'"\\udc00"'), "malformed"),
    "NaN": ("CASINO", casino().replace(b"12.3", b"NaN"), "malformed"),
    "100,000 deep": ("CASINO", b"[" * 100_000, "malformed"),
    "100,000 deep in a field": (
        "CASINO",
        casino(meta="X").replace(b'"X"', b'{"a":' + b"[" * 100_000),
        "malformed",
    ),
    "3 MB of {}": ("CASINO", b"{}," * 1_000_000, "malformed"),
    "an array": ("CASINO", b"[]", "invalid"),
    "no type": (None, casino(), "missing_type"),
    "unknown type": ("CASINOO", casino(), "unknown_type"),
    "missing activity_id": ("CASINO", casino(activity_id=...), "invalid"),
    "empty activity_id": ("CASINO", casino(activity_id=""), "invalid"),
    "control character in the id": ("CASINO", casino(activity_id="a\u0000b"), "invalid"),
    "line break in the id": ("CASINO", casino(activity_id="a\r\nb"), "invalid"),
    "an id of 257 characters": ("CASINO", casino(activity_id="x" * 257), "invalid"),
    "amount is text": ("CASINO", casino(amount="abc"), "invalid"),
    "amount beyond all bounds": ("CASINO", casino(amount="1e999999999"), "invalid"),
    "amount is not finite": ("CASINO", casino(amount="Infinity"), "invalid"),
    "id is true": ("CASINO", casino(user_id=True), "invalid"),
    "no such day": ("CASINO", casino(timestamp="2026-02-30T10:00:00Z"), "invalid"),
    "unknown kind of bet": ("CASINO", casino(type="Wager"), "invalid"),
    "unknown status": ("CASINO", casino(status="Pending"), "invalid"),
    "unknown kind of payment": ("PAYMENT", payment(type="Refund"), "invalid"),
    "missing payment_id": ("PAYMENT", payment(payment_id=...), "invalid"),
}
"""By name: message type, body, and the reason of the dead letter it must become."""
