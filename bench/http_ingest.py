"""What an event costs over HTTP: beside Kafka, and beside a handler that only parses.

    python -m bench.http_ingest [events]

Starts a daemon of its own on the running brokers, with a listener of kind `http` and another of
kind `kafka`. Each line is one way to send the same number of events: the rate, the CPU time of the
daemon for each event, and the times of the answers. Compare figures of one run only: brokers and
load share the machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvicorn
import uvloop

from bench.load import Load, Posted, posted
from bench.meter import SPAWN
from consumer.tools.embedded.servers import free_port
from tests.brokers import running_brokers
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.samples import casino
from tests.support.source_kafka import KafkaSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONNECTIONS_COUNT: Final = 64
LINES_COUNT: Final = 100
TRICKLE_COUNT: Final = 500
TRICKLE_PAUSE_S: Final = 0.02
ROUNDS: Final = 2
"""The number of runs of each way. The ways take turns, and the better run of each way counts,
because other programs may use the machine."""
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class Run(msgspec.Struct):
    """How a way to send went: events a second, CPU time of an event in us, what else to say."""

    per_s: float
    cpu_us: float
    more: str = ""


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


async def bare(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # as ASGI has it
    """Parse the body of a request, and answer: the least that a handler does."""
    if scope["type"] != "http":
        return
    msgspec.json.decode((await receive())["body"])
    body = b'{"status":"stored"}'
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def serve_bare(port: int) -> None:
    """Serve it with uvicorn as it is."""
    uvicorn.run(
        bare, port=port, http="httptools", loop="uvloop", lifespan="off", log_level="warning",
        access_log=False,
    )  # fmt: skip


async def measured(pid: int, count: int, send: Callable[[], Awaitable[str]]) -> Run:
    """Send, and return what it has cost a process."""
    before_s, began_s = cpu_s(pid), time.perf_counter()
    more = await send()
    took_s = time.perf_counter() - began_s
    return Run(count / took_s, (cpu_s(pid) - before_s) / count * 1e6, more)


def shown(result: Posted) -> str:
    """Return statuses and times as text."""
    took_s = sorted(result.took_s)
    middle_s, late_s = took_s[len(took_s) // 2], took_s[int(len(took_s) * 0.99)]
    statuses = ", ".join(f"{count} x {status}" for status, count in result.statuses.items())
    return f"p50 {middle_s * 1e3:.1f} ms, p99 {late_s * 1e3:.1f} ms, {statuses}"


class Bench:
    """A daemon, a bare server, and the ways to send to them."""

    def __init__(self, scene: HttpScene, kafka: KafkaSource, count: int, key: str) -> None:
        self._scene, self._kafka, self._count, self._key = scene, kafka, count, key
        self._daemon = scene.daemon()
        self._bare_port = free_port()
        self._runs = 0

    async def run(self) -> dict[str, Run]:
        """Run all ways, in turns, and return the best run of each."""
        server = SPAWN.Process(target=serve_bare, args=(self._bare_port,))
        server.start()
        try:
            with self._daemon:
                await self._daemon.is_ready()
                await asyncio.sleep(1)
                return await self._best(server.pid or 0)
        finally:
            server.kill()
            server.join()

    async def _best(self, bare_pid: int) -> dict[str, Run]:
        found: list[tuple[str, Run]] = []
        for _ in range(ROUNDS):
            pid, port = self._daemon.pid, self._scene.port
            found.append(("bare handler", await self._posted(bare_pid, self._bare_port)))
            found.append(("http, single", await self._posted(pid, port)))
            found.append(("http, many", await self._posted(pid, port, LINES_COUNT)))
            found.append(("kafka", await self._by_kafka()))
        found.append(("http, trickle", await self._trickle()))
        found.sort(key=lambda each: each[1].per_s)  # the last of a name stays
        return dict(found)

    async def _posted(self, pid: int, port: int, lines_count: int = 0) -> Run:
        self._runs += 1
        connections = CONNECTIONS_COUNT // 4 if lines_count else CONNECTIONS_COUNT
        load = Load(
            port, self._key, f"{self._scene.name}-{self._runs}", self._count, connections,
            lines_count,
        )  # fmt: skip

        generator_s = 0.0

        async def send() -> str:
            nonlocal generator_s
            result = await posted(load)
            generator_s = result.wall_s
            return f"{shown(result)}; generator {result.cpu_s / self._count * 1e6:.0f} us CPU"

        run = await measured(pid, self._count, send)
        run.per_s = self._count / generator_s  # without the start of its process
        return run

    async def _trickle(self) -> Run:
        load = Load(
            self._scene.port, self._key, f"{self._scene.name}-t", TRICKLE_COUNT, 1,
            pause_s=TRICKLE_PAUSE_S,
        )  # fmt: skip

        async def send() -> str:
            return shown(await posted(load))

        return await measured(self._daemon.pid, TRICKLE_COUNT, send)

    async def _by_kafka(self) -> Run:
        """Fill the topic while the daemon is stopped from reading it, then let it drain."""
        self._runs += 1
        name = f"{self._scene.name}-{self._runs}"
        bodies = [casino(activity_id=f"{name}-{number}") for number in range(self._count)]
        before = await self._scene.sink.count()
        os.kill(self._daemon.pid, signal.SIGSTOP)
        for first in range(0, self._count, 1000):
            await self._kafka.send_many(bodies[first : first + 1000])
        os.kill(self._daemon.pid, signal.SIGCONT)

        async def drained() -> str:
            async def is_drained() -> bool:
                return await self._scene.sink.count() >= before + self._count

            await eventually(is_drained, within_s=120, what="the topic is drained")
            return ""

        return await measured(self._daemon.pid, self._count, drained)


async def main(count: int) -> None:
    """Run, and print a line for each way, and the ratios to those of Kafka."""
    brokers = running_brokers()
    with tempfile.TemporaryDirectory() as folder:
        kafka = KafkaSource(brokers["kafka"], partitions_count=3)
        await kafka.open()
        async with HttpScene(Path(folder), brokers["nats"], brokers["redis"]) as scene:
            settings = kafka.listener().settings
            fields: dict[str, Any] = msgspec.to_builtins(settings)
            options = {name: value for name, value in fields.items() if value is not None}
            scene.tables["listeners"]["kafka"] = {**options, "brand": scene.name}
            found = await Bench(scene, kafka, count, await scene.key()).run()
        await kafka.close()
    for name, run in sorted(found.items()):
        print(f"{name:14} {run.per_s:8,.0f}/s {run.cpu_us:6.1f} us CPU  {run.more}")
    single, many, ref = found["http, single"], found["http, many"], found["kafka"]
    allowed_us = ref.cpu_us + 1.5 * found["bare handler"].cpu_us
    print(
        f"single: {single.per_s / ref.per_s:.2f} of Kafka's rate (aim 0.5), "
        f"{single.cpu_us / allowed_us:.2f} of (Kafka + 1.5 x bare) CPU (aim 1)\n"
        f"many: {many.per_s / ref.per_s:.2f} of Kafka's rate (aim 0.9), "
        f"{many.cpu_us / ref.cpu_us:.2f} of Kafka's CPU (aim 1.25)"
    )


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000))
