"""What `up` has started: addresses, ports and pids, so that `down` ends exactly those."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parents[2] / ".brokers"
_FILE: Final = FOLDER / "state.json"


class Entry(msgspec.Struct, frozen=True):
    """One broker."""

    address: str
    port: int
    pid: int
    started_ticks: int
    """When the process began, since boot: a pid alone may be somebody else's by now."""

    @property
    def alive(self) -> bool:
        """The process that was started still runs, and it is that one."""
        return self.started_ticks == started_ticks(self.pid)


def started_ticks(pid: int) -> int | None:
    """Return when a process began; None: there is none, or it has ended and nobody has asked how.

    The fields: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *others = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state == "Z" else int(others[18])


def read_state() -> dict[str, Entry]:
    """Return what was started, whether it still runs or not."""
    if not _FILE.exists():
        return {}
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, Entry])


def write_state(state: dict[str, Entry]) -> None:
    """Remember what was started."""
    unfinished = _FILE.with_suffix(".part")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    unfinished.replace(_FILE)  # at once, for whoever reads it meanwhile


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other `up` or `down` is at work in this repository."""
    FOLDER.mkdir(exist_ok=True)
    descriptor = os.open(FOLDER / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
