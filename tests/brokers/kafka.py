"""Kafka in KRaft mode, from its Maven artifacts on the machine's Java."""

from __future__ import annotations

import struct
import subprocess
from typing import Final

from consumer.embedded import EmbeddedError, ServerProcess, free_port
from tests.brokers.base import Broker
from tests.brokers.state import FOLDER

LIBRARIES: Final = FOLDER / "kafka-libraries"
CLUSTER_ID: Final = "4L6g3nShT-eMCtK--X86sw"
API_VERSIONS: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""The request every client begins with: https://kafka.apache.org/protocol#The_Messages_ApiVersions."""


class Kafka(Broker):
    """One node that is broker and controller."""

    name = "kafka"

    @property
    def address(self) -> str:
        """See `Broker.address`."""
        return f"127.0.0.1:{self.port}"

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text(self._properties(free_port()))
            self._format()
        command = [*self._java(), "-Xms256m", "-Xmx512m", "kafka.Kafka", str(properties)]
        return ServerProcess(self.name, command, self.folder / "log")

    def ready(self) -> bool:
        """See `Broker.ready`."""
        return self.asks(API_VERSIONS, b"\x00")

    def _java(self) -> list[str]:
        # Kafka logs through log4j 2, which prints errors only where it finds no configuration.
        return ["java", "-cp", f"{LIBRARIES}/*"]

    def _format(self) -> None:
        arguments = ["format", "-t", CLUSTER_ID, "-c", str(self.folder / "server.properties")]
        command = [*self._java(), "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EmbeddedError(f"Kafka's storage cannot be formatted: {done.stdout}{done.stderr}")

    def _properties(self, controller_port: int) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},"
            f"CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.folder / "data"),
            "num.partitions": "1",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "message.max.bytes": "10485760",
            "replica.fetch.max.bytes": "10485760",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())
