"""The installed command as a process, looked at only from outside."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import urllib.error
import urllib.request
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import tomli_w

from consumer.tools.embedded.servers import ServerProcess, free_port
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

ENDS: Final = ("forwarded", "duplicates", "dead_letters")
_REASON = re.compile(r'reason="(\w+)"')
_SAMPLE = re.compile(r"^consumer_(\w+?)(?:_total)?(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Daemon:
    """`consumer run` with one configuration, started as often as a test wants.

    Args:
        folder: of its configuration and log.
        tables: the configuration; an operations port is added.
        environment: of the process; None: ours.

    Attributes:
        config: the file of its configuration.
    """

    def __init__(
        self, folder: Path, tables: dict[str, Any], *, environment: dict[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self._log = folder / "daemon.log"
        operations = {**tables.get("operations", {}), "bind": f"127.0.0.1:{self.port}"}
        tables = {**tables, "operations": operations}
        self.config = folder / "consumer.toml"
        self.config.write_text(tomli_w.dumps(tables))
        command = [sys.executable, "-m", "consumer", "run", "--config", str(self.config)]
        self._process = ServerProcess("consumer", command, self._log, environment)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        if error is not None:
            print(self.log()[-6000:])  # noqa: T201  # pytest shows it with the failure

    @property
    def pid(self) -> int:
        """Return the process id, while it runs."""
        return self._process.pid

    def start(self) -> None:
        """Start it, not waiting for anything."""
        self._process.start()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to drain."""
        self._process.signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Wait for its end."""
        return await asyncio.to_thread(self._process.wait)

    def log(self) -> str:
        """Return everything it has logged."""
        return self._log.read_text()

    async def _get(self, path: str) -> tuple[int, str]:
        def get() -> tuple[int, str]:
            url = f"http://127.0.0.1:{self.port}{path}"
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()
            except OSError:
                return 0, "{}"

        return await asyncio.to_thread(get)

    async def ready(self, apart: str = "") -> bool:
        """Ask `/readyz`, or what is shown apart from it, such as `/readyz/wallet`."""
        return (await self._get(f"/readyz/{apart}".rstrip("/")))[0] == 200

    async def whys(self, apart: str = "") -> dict[str, str]:
        """Return what `/readyz` says of each part that is down, here or in `sandbox`."""
        _, body = await self._get("/readyz")
        states = json.loads(body)
        parts = (states.get(apart, {}) if apart else states).get("parts", {})
        return {name: part["why"] for name, part in parts.items() if not part["up"]}

    async def is_ready(self, within_s: float = 30.0, apart: str = "") -> None:
        """Wait until it is ready."""
        await eventually(partial(self.ready, apart), within_s=within_s, what="a ready daemon")

    async def says(self, part: str, text: str, within_s: float = 30.0) -> None:
        """Wait until `/readyz` explains with a text why a part is down; empty: any."""

        async def said() -> bool:
            whys = await self.whys()
            return part in whys and text in whys[part]

        await eventually(said, within_s=within_s, what=f"{part}: {text}")

    async def metric(self, name: str, label: str = "") -> float:
        """Return the sum of a metric's samples whose labels contain a text."""
        return sum((await self.samples(name, label)).values())

    async def samples(self, name: str, label: str = "") -> dict[str, float]:
        """Return a metric's samples that are not 0 and whose labels contain a text, by labels."""
        _, body = await self._get("/metrics")
        found = {
            labels: float(value) for one, labels, value in _SAMPLE.findall(body) if one == name
        }
        return {labels: value for labels, value in found.items() if value and label in labels}

    async def scraped(self) -> str | None:
        """Return the answer of `/metrics`, or None if there is none."""
        status, body = await self._get("/metrics")
        return body if status == 200 else None

    async def fates(self, listener: str) -> Counter[str]:
        """Return how many deliveries of a listener ended in which way, dead letters by reason."""
        _, body = await self._get("/metrics")
        found = Counter[str]()
        for name, labels, value in _SAMPLE.findall(body):
            if name in ENDS and f'listener="{listener}"' in labels and float(value):
                reason = _REASON.search(labels)
                found[reason[1] if reason else name] += int(float(value))
        return found

    async def books(self) -> dict[str, int]:
        """Return received, and what it must be the sum of, from one scrape."""
        _, body = await self._get("/metrics")
        names = ("received", "forwarded", "duplicates", "dead_letters", "in_flight")
        return {
            name: int(sum(float(v) for found, _, v in _SAMPLE.findall(body) if found == name))
            for name in names
        }

    async def is_idle(self) -> bool:
        """Tell whether nothing is in flight."""
        return (await self.books())["in_flight"] == 0
