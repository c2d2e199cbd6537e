"""What all brokers have in common: start until ready, stop, kill, freeze, thaw."""

from __future__ import annotations

import signal
import socket
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Self

from consumer.tools.embedded.servers import EmbeddedError, ServerProcess, free_port, is_free

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

READY_DEADLINE_S: Final = 90.0
STOP_DEADLINE_S: Final = 30.0
"""RabbitMQ and Kafka close their files first."""
POLL_S: Final = 0.05


class Broker(ABC):
    """One broker with its own data and port, which survive `kill` and `start`.

    Args:
        folder: of its data.
        port: None: any free one, the same for the object's whole life.
    """

    name: str

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self._server: ServerProcess | None = None

    @property
    @abstractmethod
    def address(self) -> str:
        """What a client connects to."""

    @abstractmethod
    def describe(self) -> ServerProcess:
        """Return the process to start, with its files written."""

    @abstractmethod
    def ready(self) -> bool:
        """Ask over the broker's own protocol."""

    @property
    def running(self) -> bool:
        """Started by this object and not ended; true while it is frozen."""
        return self._server is not None and self._server.running

    @property
    def pid(self) -> int:
        """Of the process group that serves."""
        if self._server is None:
            raise EmbeddedError(f"{self.name} was not started")
        return self._server.pid

    def start(self, *, dies_with_us: bool = True) -> None:
        """Start, and return when it answers.

        Args:
            dies_with_us: see `ServerProcess.start`; false for a thread that ends before the broker.

        Raises:
            EmbeddedError: it runs already, ended or did not answer in time, with the end of its
                log; nothing is left running then.
        """
        if self.running or not is_free(self.port):
            raise EmbeddedError(f"{self.name} runs already, or port {self.port} is taken")
        self._server = self.describe()
        try:
            self._server.start(dies_with_us=dies_with_us)
            self._wait_until_ready(self._server)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, server: ServerProcess) -> None:
        deadline_s = time.monotonic() + READY_DEADLINE_S
        while not self.ready():
            _ = server.pid  # raises when it has ended already
            if time.monotonic() > deadline_s:
                raise EmbeddedError(f"{self.name} is not ready: {server.log_tail()}")
            time.sleep(POLL_S)  # a server's start can only be polled

    def stop(self) -> None:
        """End it cleanly."""
        if self._server is not None:
            self.thaw()  # a frozen process would not hear of it
            self._server.stop(STOP_DEADLINE_S)

    def kill(self) -> None:
        """End it with SIGKILL, and all it started."""
        if self._server is not None:
            self._server.kill()

    def freeze(self) -> None:
        """Let it answer nothing, with its connections open (SIGSTOP)."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._server is not None:
            self._server.signal(number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def ask(self, question: bytes, length: int) -> bytes:
        """Send something over TCP; return the beginning of the answer, or nothing."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(question)
                return connection.recv(length, socket.MSG_WAITALL)
        except OSError:
            return b""
