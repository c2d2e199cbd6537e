"""Makes a store for the tests of Redis."""

from __future__ import annotations

from consumer.stores.base import DedupeSettings
from consumer.stores.redis import RedisStore


def make_store(url: str, prefix: str = "test:", timeout_s: float = 5.0) -> RedisStore:
    """Return a store, not opened."""
    settings = DedupeSettings(url=url, key_prefix=prefix, timeout_s=timeout_s)
    return RedisStore(settings)
