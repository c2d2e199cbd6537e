"""`python -m tests.brokers up|down|status|env`."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Final

from consumer.tools.embedded.servers import EmbeddedError
from tests.brokers import VARIABLES, running_brokers
from tests.brokers.install import install
from tests.brokers.kafka import Kafka
from tests.brokers.nats import Nats
from tests.brokers.postgres import Postgres
from tests.brokers.rabbitmq import RabbitMQ
from tests.brokers.redis import Redis
from tests.brokers.state import FOLDER, Entry, alone, read_state, started_ticks, write_state

if TYPE_CHECKING:
    from tests.brokers.base import Broker

BROKERS: Final[dict[str, type[Broker]]] = {
    "rabbitmq": RabbitMQ,
    "kafka": Kafka,
    "nats": Nats,
    "redis": Redis,
    "postgres": Postgres,
}
DOWN_DEADLINE_S: Final = 15.0
_STATE_TURN: Final = Lock()


def up() -> None:
    """Start what does not run yet and is not given by the environment."""
    with alone():
        state = read_state()
        ours = [name for name in BROKERS if not os.environ.get(VARIABLES[name])]
        missing = [name for name in ours if name not in state or not state[name].alive]
        _verify({name: state[name] for name in ours if name not in missing})
        install(missing)
        with ThreadPoolExecutor() as pool:
            starts = [pool.submit(_start, name, state) for name in missing]
        for started in starts:
            started.result()
    status()


def _verify(entries: dict[str, Entry]) -> None:
    for name, entry in entries.items():
        if not BROKERS[name](FOLDER / name, entry.port).ready():
            raise EmbeddedError(f"{name} (pid {entry.pid}) runs but does not answer: down, then up")


def _start(name: str, state: dict[str, Entry]) -> None:
    """Start one and remember it, whatever becomes of the others: `down` has to find it."""
    began_s = time.monotonic()
    broker = BROKERS[name](FOLDER / name, state[name].port if name in state else None)
    broker.start(dies_with_us=False)
    pid = broker.pid
    with _STATE_TURN:
        state[name] = Entry(broker.address, broker.port, pid, started_ticks(pid) or 0)
        write_state(state)
    print(f"{name} is ready after {time.monotonic() - began_s:.1f} s", flush=True)


def down() -> None:
    """End what `up` started, and nothing else."""
    with alone():
        state = read_state()
        _signal(state, signal.SIGTERM)
        _signal(state, signal.SIGCONT)  # a frozen process would not hear of it
        deadline_s = time.monotonic() + DOWN_DEADLINE_S
        while any(entry.alive for entry in state.values()) and time.monotonic() < deadline_s:
            time.sleep(0.1)  # ends of processes that are not our children can only be polled
        _signal(state, signal.SIGKILL)
        if "rabbitmq" in state:
            RabbitMQ(FOLDER / "rabbitmq", state["rabbitmq"].port).end_mapper()
        for name in state:
            print(f"{name} has ended")


def _signal(state: dict[str, Entry], number: signal.Signals) -> None:
    for entry in state.values():
        if entry.alive:
            os.killpg(entry.pid, number)


def status() -> None:
    """Print the addresses."""
    found = running_brokers()
    for name in BROKERS:
        print(f"{name:9} {found.get(name, 'does not run')}")


def env() -> None:
    """Print lines for a shell."""
    for name, address in running_brokers().items():
        print(f"export {VARIABLES[name]}={shlex.quote(address)}")


def main() -> int:
    """Run one verb."""
    verbs = {"up": up, "down": down, "status": status, "env": env}
    verb = verbs.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if verb is None:
        print("usage: python -m tests.brokers up|down|status|env", file=sys.stderr)
        return 2
    try:
        verb()
    except EmbeddedError as error:
        print(f"brokers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
