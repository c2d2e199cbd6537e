"""A daemon with a public port, for acceptance tests: its tables, and keys in its bucket."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from consumer.access.edit import opened_keys
from consumer.access.key import Key, Scope
from consumer.access.settings import KeysSettings
from consumer.deliveries.origin import Environment
from consumer.sinks.base import SinkSettings
from consumer.tools.embedded.servers import free_port
from tests.support.daemon import Daemon
from tests.support.sink_reader import SinkReader

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from consumer.access.edit import Keys

DRAIN_DELAY_S: Final = 0.5


class PublicPort:
    """The surroundings of one daemon that only HTTP reaches.

    Args:
        folder: of its configuration and log.
        redis_url, nats_url: as the daemon is to reach them.
        direct_url: of NATS, as the test reaches it; none: the same.

    Attributes:
        port: the public port's number.
        tables: the daemon's configuration.
        sink: what was stored with live keys.
        sandbox: what was stored with test keys.
    """

    def __init__(
        self, folder: Path, redis_url: str, nats_url: str, direct_url: str | None = None
    ) -> None:
        self._folder = folder
        self._direct_url = direct_url or nats_url
        self.name = f"h{secrets.token_hex(4)}"
        self.port = free_port()
        upper = self.name.upper()
        self.tables: dict[str, Any] = {
            "listeners": {"api": {"kind": "http"}},
            "dedupe": {"url": redis_url, "key_prefix": f"{self.name}:"},
            "sink": {"url": nats_url, "stream": f"EV_{upper}", "subject_prefix": self.name},
            "dead_letters": {"stream": f"DL_{upper}", "subject_prefix": f"{self.name}dead"},
            "http": {
                "bind": f"127.0.0.1:{self.port}",
                "drain_delay_s": DRAIN_DELAY_S,
                "max_connections_per_address_count": 1000,
            },
            "keys": {"bucket": f"KEYS_{upper}"},
            "sandbox": {
                "subject_prefix": f"{self.name}sand",
                "stream": f"EVS_{upper}",
                "dead_letters": f"DLS_{upper}",
                "dead_subject_prefix": f"{self.name}sanddead",
                "rate": 100_000,
            },
            "log": {"format": "json"},
        }
        self.sink = SinkReader(self._direct_url, f"EV_{upper}", f"DL_{upper}")
        self.sandbox = SinkReader(self._direct_url, f"EVS_{upper}", f"DLS_{upper}")

    def daemon(self) -> Daemon:
        """Return the daemon, not started."""
        return Daemon(self._folder, self.tables)

    def keys(self) -> AbstractAsyncContextManager[Keys]:
        """Open the bucket of the keys."""
        bucket = KeysSettings(bucket=self.tables["keys"]["bucket"])
        return opened_keys(SinkSettings(url=self._direct_url), bucket)

    async def new_keys(
        self, count: int, environment: Environment = Environment.LIVE, brand: str = "brand"
    ) -> list[str]:
        """Make so many keys, and return their texts."""
        wanted = Key(id="", brand=brand, environment=environment, scopes=(Scope.INGEST,))
        async with self.keys() as keys:
            return [(await keys.create(wanted))[1] for _ in range(count)]
