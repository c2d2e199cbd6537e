"""Kafka in KRaft mode, from its Maven artifacts on the machine's Java."""

from __future__ import annotations

import struct
import subprocess
from typing import Final

from consumer.tools.embedded.servers import EmbeddedError, ServerProcess, free_port
from tests.brokers.base import Broker
from tests.brokers.state import FOLDER

LIBRARIES: Final = FOLDER / "kafka-libraries"
CLUSTER_ID: Final = "4L6g3nShT-eMCtK--X86sw"
METADATA: Final = struct.pack(">ihhihi", 14, 3, 1, 1, -1, 0)
"""Asks for the brokers and no topic: https://kafka.apache.org/protocol#The_Messages_Metadata."""


class Kafka(Broker):
    """One node that is broker and controller."""

    name = "kafka"

    @property
    def address(self) -> str:
        """See `Broker.address`."""
        return f"127.0.0.1:{self.port}"

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        if not LIBRARIES.exists():
            raise EmbeddedError("Kafka is not installed: python -m tests.brokers up")
        properties = self.folder / "server.properties"
        properties.write_text(self._properties(free_port()))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()
        command = [*self._java(), "-Xms256m", "-Xmx512m", "kafka.Kafka", str(properties)]
        return ServerProcess(self.name, command, self.folder / "log")

    def ready(self) -> bool:
        """See `Broker.ready`."""
        answer = self.ask(METADATA, 12)  # size, correlation id, count of brokers that may lead
        return len(answer) == 12 and answer.endswith(struct.pack(">i", 1))

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
            # The controller refuses a restarted broker until the killed one's session has ended;
            # with the default of 9 s a start after a kill takes 13 s.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "message.max.bytes": "10485760",
            "replica.fetch.max.bytes": "10485760",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())
