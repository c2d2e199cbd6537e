"""What hostile messages of one source cost the process, and the events of another source.

    python -m bench.bombs [--all] [--kind rabbitmq] [--only TEXT] [--checkout PATH]

Each line is a `consumer run` of its own. An honest event is sent to a NATS stream every 20 ms, and
the bombs are sent to another source. The line shows the longest and the median time from publishing
an honest event to its arrival in the sink, the longest answer of `/livez`, the memory over that of
the idle process, and what became of the bombs. The first line of each source is without bombs: what
it shows is noise of the machine.

With `--checkout`, the daemon comes from another folder: so two revisions can be compared. The
brokers are those of `python -m tests.brokers up`, and a NATS server of its own with the usual limit
of 1 MiB. Without `--all`, few bombs are sent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import tempfile
import time
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import nats
from aiokafka import AIOKafkaProducer

from bench.meter import Meter, measuring
from consumer.tools.embedded.servers import embedded_nats
from tests.brokers import running_brokers
from tests.support.attacks import MEGABYTE, Attack, Sent, attacks
from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.sink_reader import SinkReader
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.sources import Source

KINDS: Final = ("rabbitmq", "kafka", "nats", "core")
HONEST: Final = 'listener="honest"'
HOSTILE: Final = 'listener="hostile"'
QUIET_S: Final = 1.0
"""The bombs are done when nothing has changed for this long."""
LARGEST_BATCH_BYTES: Final = 256 * MEGABYTE


class CoreSource(NatsSource):
    """A subject without a stream."""

    async def open(self) -> None:
        """Connect only."""
        self.client = await nats.connect(self._url)

    async def send(self, body: bytes, message_type: str | None = "CASINO", **more: Any) -> None:  # noqa: ANN401  # as in Source
        """Publish without an answer."""
        headers = {**(more["headers"] or {}), "type": message_type or ""}
        if more["content_encoding"]:
            headers["Content-Encoding"] = more["content_encoding"]
        await self.client.publish(self.subject, body, headers=headers)
        await self.client.flush()

    async def close(self) -> None:
        """Disconnect."""
        await self.client.close()


class Memory:
    """The memory of a process over what it has now, from Linux' `/proc`."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        (self._proc / "clear_refs").write_text("5")  # the peak begins at what there is now
        self._idle_kb = self._kb("VmRSS")

    def peak_mb(self) -> float:
        """Return the peak since then."""
        return (self._kb("VmHWM") - self._idle_kb) / 1024

    def _kb(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))


class Options(msgspec.Struct, frozen=True):
    """What the command line asks for."""

    environment: dict[str, str] | None
    limit_s: float


async def run(attack: Attack, brokers: dict[str, str], options: Options) -> None:
    """Run a daemon, send an attack to it, and print a line."""
    name = f"bomb{secrets.token_hex(4)}"
    honest = NatsSource(brokers["nats"])
    hostile, listener = source_of(attack.kind, brokers)
    tables = {
        "brand": name,
        "listeners": {
            "honest": {
                "kind": "nats",
                "url": brokers["nats"],
                "stream": honest.stream,
                "subject": honest.subject,
            },
            "hostile": listener,
        },
        "dedupe": {"store": "memory"},
        "sink": {"url": brokers["nats"], "stream": name, "subject_prefix": name},
        "dead_letters": {
            "stream": f"DEAD_{name}",
            "subject_prefix": f"dead{name}",
            "max_share": 1.0,  # nothing stops the listener before it has taken everything
        },
    }
    sink = SinkReader(brokers["nats"], name, f"DEAD_{name}")
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), tables, environment=options.environment)
        async with opened(honest), opened(hostile), sink:
            with daemon:
                await daemon.is_ready()
                meter = Meter(brokers["nats"], honest.subject, f"{name}.user.login", daemon.port)
                await measure(attack, hostile, daemon, meter, options.limit_s)


@contextlib.asynccontextmanager
async def opened(source: Source) -> AsyncIterator[None]:
    """Open a source, and close it in any case."""
    await source.open()
    try:
        yield
    finally:
        await source.close()


async def measure(
    attack: Attack, hostile: Source, daemon: Daemon, meter: Meter, limit_s: float
) -> None:
    """Send an attack, wait for its end, and print the line."""
    fates = Counter[str]()
    async with measuring(meter) as measured:
        await eventually(lambda: forwarded(daemon), within_s=30, what="honest events")
        memory = Memory(daemon.pid)
        began_s = time.perf_counter()
        try:
            async with asyncio.timeout(limit_s):
                await send(attack, hostile)
                fates = await ended(daemon, len(attack.messages))
            took = f"{time.perf_counter() - began_s:5.1f} s"
        except TimeoutError:
            took = f"more than {limit_s:.0f} s"
        peak_mb = memory.peak_mb()
    size_kb = max((len(message.body) for message in attack.messages), default=0) // 1000
    ended_as = ", ".join(f"{count} {name}" for name, count in fates.items()) or "-"
    print(
        f"{attack.kind:8} {attack.name:42.42} {len(attack.messages):3} x {size_kb:5} KB "
        f"{measured[0].shown} {peak_mb:7.1f}  {took}  {ended_as}",
        flush=True,
    )


async def forwarded(daemon: Daemon) -> bool:
    """Tell whether an honest event has been forwarded."""
    return await daemon.metric("forwarded", HONEST) > 0


async def ended(daemon: Daemon, count: int) -> Counter[str]:
    """Wait until at least so many are done and nothing changes; return what became of them."""
    last, since_s = Counter[str](), time.perf_counter()
    while True:
        await asyncio.sleep(0.1)
        now = await daemon.fates("hostile")
        if now != last:
            last, since_s = now, time.perf_counter()
        is_quiet = time.perf_counter() - since_s > QUIET_S
        if (
            is_quiet
            and now.total() >= count
            and await daemon.metric("in_flight", 'listener="hostile"') == 0
        ):
            return now


def source_of(kind: str, brokers: dict[str, str]) -> tuple[Source, dict[str, Any]]:
    """Return a source of a kind, and the options of its listener."""
    if kind == "rabbitmq":
        queue = RabbitmqSource(brokers["rabbitmq"])
        return queue, {"kind": "rabbitmq", "url": queue.url, "queue": queue.queue}
    if kind == "kafka":
        topic = KafkaSource(brokers["kafka"], partitions_count=1)
        return topic, {
            "kind": "kafka",
            "bootstrap_servers": [topic.address],
            "topics": [topic.topic],
            "group_id": topic.group,
        }
    url = brokers["nats"]
    stream = NatsSource(url) if kind == "nats" else CoreSource(url)
    options = {"kind": "nats", "url": url, "subject": stream.subject}
    return stream, options | ({"stream": stream.stream} if kind == "nats" else {})


async def send(attack: Attack, source: Source) -> None:
    """Send all messages, as fast as the broker confirms them."""
    if attack.codec and isinstance(source, KafkaSource):
        await send_batches(attack, source)
        return
    waiting = list(reversed(attack.messages))

    async def sender() -> None:
        while waiting:
            await send_one(waiting.pop(), source)

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(sender())


async def send_one(message: Sent, source: Source) -> None:
    """Send a message."""
    await source.send(
        message.body,
        message.message_type,
        headers=message.headers,
        content_encoding=message.encoding or None,
    )


async def send_batches(attack: Attack, source: KafkaSource) -> None:
    """Send each message as a record batch that holds it several times."""
    async with AIOKafkaProducer(
        bootstrap_servers=source.address,
        compression_type=attack.codec,
        max_request_size=LARGEST_BATCH_BYTES,
        max_batch_size=LARGEST_BATCH_BYTES,
    ) as producer:
        for message in attack.messages:
            batch = producer.create_batch()
            for _ in range(attack.records_count):
                batch.append(
                    key=None,
                    value=message.body,
                    timestamp=None,
                    headers=[("type", message.message_type.encode())],
                )
            batch.close()
            await (await producer.send_batch(batch, source.topic, partition=0))


async def main(arguments: argparse.Namespace) -> None:
    """Run every attack that was asked for."""
    environment = None
    if arguments.checkout:
        # Without the second, Python would take the package of the current folder.
        paths = {"PYTHONPATH": str(arguments.checkout.resolve()), "PYTHONSAFEPATH": "1"}
        environment = dict(os.environ) | paths
    options = Options(environment, arguments.limit_s)
    print(
        f"{'source':8} {'attack':42} {'sent':14} {'delay, longest and median':>16}"
        "   livez ms  peak MB  until done"
    )
    kinds = (arguments.kind,) if arguments.kind else KINDS
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_nats(Path(folder)) as url:
            brokers = {**running_brokers(), "nats": url}
            for attack in chain.from_iterable(wanted(arguments, kind) for kind in kinds):
                await run(attack, brokers, options)


def wanted(arguments: argparse.Namespace, kind: str) -> Iterator[Attack]:
    """Make the attacks on a kind of source that were asked for. The first is none."""
    yield Attack(kind, "nothing", [])
    for attack in attacks(kind):
        is_named = attack.is_usual if arguments.only is None else arguments.only in attack.name
        if arguments.all or is_named:
            yield attack


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="send every bomb, for about 20 min")
    parser.add_argument("--kind", choices=KINDS, help="only to this kind of source")
    parser.add_argument("--only", metavar="TEXT", help="only attacks whose names contain it")
    parser.add_argument("--checkout", type=Path, help="run the daemon of this folder")
    parser.add_argument("--limit-s", type=float, default=60.0, help="end an attack after this time")
    asyncio.run(main(parser.parse_args()))
