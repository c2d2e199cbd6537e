"""What `up` has started: addresses, ports and pids, so that `down` ends exactly those."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

FOLDER: Final = Path(__file__).parents[2] / ".brokers"
_FILE: Final = FOLDER / "state.json"


class Entry(msgspec.Struct, frozen=True):
    """One broker."""

    address: str
    port: int
    pid: int

    @property
    def alive(self) -> bool:
        """The process that was started still runs, and it is that one."""
        try:
            environment = Path(f"/proc/{self.pid}/stat").read_text()
            os.kill(self.pid, 0)
        except OSError:
            return False
        return environment.split()[2] != "Z"


def read_state() -> dict[str, Entry]:
    """Return what was started, whether it still runs or not."""
    if not _FILE.exists():
        return {}
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, Entry])


def write_state(state: dict[str, Entry]) -> None:
    """Remember what was started."""
    FOLDER.mkdir(exist_ok=True)
    _FILE.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
