"""Keeps the public keys of providers in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.ledger.base import KEYS_MAX_COUNT
from consumer.ledger.sqlite.book import now_us

if TYPE_CHECKING:
    import apsw

    from consumer.ledger.shown import ProviderKey


def add(db: apsw.Connection, key: ProviderKey) -> bool:
    """Add a key. See `Ledger.add_provider_key`."""
    db.execute(
        "INSERT INTO provider_key SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?7 >"
        " (SELECT count(*) FROM provider_key"
        "  WHERE brand = ?2 AND provider = ?3 AND (ends_us IS NULL OR ends_us > ?8))",
        (
            *(key.id, key.brand, key.provider, key.public_key, int(key.created_s * 1e6)),
            *(None if key.ends_s is None else int(key.ends_s * 1e6), KEYS_MAX_COUNT, now_us()),
        ),
    )
    return db.changes() > 0


def end(db: apsw.Connection, key_id: str, ends_s: float) -> bool:
    """Let a key end. See `Ledger.end_provider_key`."""
    db.execute(
        "UPDATE provider_key SET ends_us = min(coalesce(ends_us, ?1), ?1) WHERE id = ?2",
        (int(ends_s * 1e6), key_id),
    )
    return db.changes() > 0
