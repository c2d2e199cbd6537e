"""What a delivery costs the whole daemon: its rate and its CPU time, beside those of a commit.

    python -m bench.daemon REVISION [events [rounds]]

For each source, the daemon of this tree and the daemon of the commit take turns over the same
number of waiting events, each started as `consumer run` with a configuration file. Compare figures
of one run only: the brokers share the machine.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import uvloop

from bench.http_ingest import cpu_s
from tests.brokers import running_brokers
from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.mixed import Sent
from tests.support.samples import casino
from tests.support.scene import Scene, send_all
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.sources import Source

HERE: Final = Path(__file__).parents[1]
SOURCES: Final[dict[str, Callable[[str], Source]]] = {
    "kafka": KafkaSource,
    "nats": NatsSource,
    "rabbitmq": RabbitmqSource,
}


class Run(NamedTuple):
    """How a daemon went: events a second, and CPU time of an event in us."""

    per_s: float
    cpu_us: float


async def run_once(name: str, tree: Path, count: int) -> Run:
    """Fill a source, and let the daemon of a tree forward everything."""
    brokers = running_brokers()
    source = SOURCES[name](brokers[name])
    events = [Sent("CASINO", casino(activity_id=f"event {number}")) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        async with Scene(Path(folder), {name: source}, brokers["redis"], brokers["nats"]) as scene:
            await send_all(source, events)
            scene.tables["listeners"][name] = chosen_options(source)
            # Not the package that is installed in this environment, which is another tree's.
            environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
            with Daemon(Path(folder), scene.tables, environment=environment) as daemon:
                return await measured(scene, daemon, count)


def chosen_options(source: Source) -> dict[str, Any]:
    """Return the options of a source's listener that differ from the defaults.

    The commit may not know the other options.
    """
    settings = source.listener().settings
    options: dict[str, Any] = msgspec.to_builtins(settings)
    defaults = {each.name: each.default for each in msgspec.structs.fields(settings)}
    return {
        option: value
        for option, value in options.items()
        if option == "kind" or getattr(settings, option) != defaults[option]
    }


async def measured(scene: Scene, daemon: Daemon, count: int) -> Run:
    """Return what a daemon costs from its first event on. Only the sink is asked how far it is."""

    async def stored(least_count: int) -> int:
        await eventually(scene.events_are(least_count), within_s=120, what=f"{least_count} events")
        return await scene.sink.count()

    first_count = await stored(1)
    began_s, before_s = time.perf_counter(), cpu_s(daemon.pid)
    done_count = await stored(count) - first_count
    took_s, used_s = time.perf_counter() - began_s, cpu_s(daemon.pid) - before_s
    return Run(done_count / took_s, used_s / done_count * 1e6)


async def compare(name: str, trees: dict[str, Path], count: int, rounds: int) -> None:
    """Let both trees take turns, and print both, and the ratios of each turn."""
    runs: dict[str, list[Run]] = {title: [] for title in trees}
    for _ in range(rounds):
        for title, tree in trees.items():
            runs[title].append(await run_once(name, tree, count))
    for title, these in runs.items():
        per_s = statistics.median(each.per_s for each in these)
        used_us = statistics.median(each.cpu_us for each in these)
        print(f"{name:8} {title:10.10} {per_s:8,.0f}/s {used_us:6.1f} us CPU each")
    ours, theirs = runs.values()
    for what, field in (("rate", "per_s"), ("CPU", "cpu_us")):
        ratios = [
            getattr(one, field) / getattr(other, field)
            for one, other in zip(ours, theirs, strict=True)
        ]
        middle = statistics.median(ratios)
        print(
            f"{name:8} {what} x {middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True
        )


async def main(trees: dict[str, Path], count: int, rounds: int) -> None:
    """Compare the trees with each source."""
    for name in SOURCES:
        await compare(name, trees, count, rounds)


if __name__ == "__main__":
    given_revision, given_count, given_rounds = [*sys.argv[1:], "30000", "3"][:3]
    git = shutil.which("git") or "git"
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([git, "clone", "-q", str(HERE), place], check=True)
        subprocess.run([git, "-C", place, "checkout", "-q", given_revision], check=True)
        both = {"here": HERE, given_revision: Path(place)}
        uvloop.run(main(both, int(given_count), int(given_rounds)))
