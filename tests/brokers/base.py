"""What all brokers have in common: start until ready, stop, kill, freeze, thaw."""

from __future__ import annotations

import signal
import socket
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from consumer.embedded import EmbeddedError, ServerProcess, free_port

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

READY_DEADLINE_S = 90.0
POLL_S = 0.05


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
    def pid(self) -> int:
        """Of the process group that serves."""
        if self._server is None:
            raise EmbeddedError(f"{self.name} was not started")
        return self._server.pid

    def start(self, *, dies_with_us: bool = True) -> None:
        """Start, and return when it answers.

        Raises:
            EmbeddedError: it ended or did not answer in time, with the end of its log.
        """
        self._server = self.describe()
        self._server.start(dies_with_us=dies_with_us)
        deadline_s = time.monotonic() + READY_DEADLINE_S
        while not self.ready():
            _ = self._server.pid  # raises when it has ended already
            if time.monotonic() > deadline_s:
                raise EmbeddedError(f"{self.name} is not ready: {self._server.log_tail()}")
            time.sleep(POLL_S)  # a server's start can only be polled

    def stop(self) -> None:
        """End it cleanly."""
        if self._server is not None:
            self._server.stop()

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
        self.thaw()
        self.kill()

    def asks(self, question: bytes, expected: bytes) -> bool:
        """Send something over TCP and look at the beginning of the answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(question)
                return connection.recv(len(expected)).startswith(expected)
        except OSError:
            return False
