"""RabbitMQ from Debian's package, one node of its own with its own Erlang port mapper."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Final

from consumer.tools.embedded.servers import ServerProcess, free_port
from tests.brokers.base import Broker

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = "/usr/lib/rabbitmq/bin/rabbitmq-server"
PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME: Final = b"\x01"


class RabbitMQ(Broker):
    """A RabbitMQ node on loopback."""

    name = "rabbitmq"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self._mapper: ServerProcess | None = None

    @property
    def address(self) -> str:
        """See `Broker.address`."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        enabled = self.folder / "enabled_plugins"
        enabled.write_text("[].\n")
        settings = self.folder / "rabbitmq.conf"
        settings.write_text(f"listeners.tcp.default = 127.0.0.1:{self.port}\n")
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"consumer{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(enabled),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._mapper_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Makes the script become the Erlang machine. Otherwise it stays its parent, and the
            # machine survives when the script is killed.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return ServerProcess(self.name, [PROGRAM], self.folder / "log", environment)

    def ready(self) -> bool:
        """See `Broker.ready`."""
        return self.ask(PROTOCOL_HEADER, 1) == METHOD_FRAME

    def start(self, *, dies_with_us: bool = True) -> None:
        """See `Broker.start`.

        The port mapper comes first, as a child of ours: the node would start it as a daemon, which
        outlives a test run that is killed.
        """
        self.end_mapper()
        port = str(self._mapper_port())
        self._mapper = ServerProcess(
            "epmd", ["epmd", "-port", port, "-address", "127.0.0.1"], self.folder / "mapper-log"
        )
        self._mapper.start(dies_with_us=dies_with_us)
        super().start(dies_with_us=dies_with_us)

    def stop(self) -> None:
        """See `Broker.stop`; the port mapper goes as well."""
        super().stop()
        self.end_mapper()

    def kill(self) -> None:
        """See `Broker.kill`; the port mapper goes as well, or a restarted node finds its ghost."""
        super().kill()
        self.end_mapper()

    def end_mapper(self) -> None:
        """End the Erlang port mapper, whoever of us started it."""
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper = None
            return
        command = ["epmd", "-port", str(self._mapper_port()), "-kill"]
        with contextlib.suppress(FileNotFoundError):  # not installed: none runs
            subprocess.run(command, capture_output=True, check=False)

    def _mapper_port(self) -> int:
        """Return a port kept in a file, so that another process can end the mapper."""
        file = self.folder / "mapper-port"
        if not file.exists():
            file.write_text(str(free_port()))
        return int(file.read_text())
