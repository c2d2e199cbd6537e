"""`python -m tests.brokers up|down|status|env`."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from consumer.embedded import EmbeddedError
from tests.brokers import VARIABLES, running_brokers
from tests.brokers.install import install
from tests.brokers.kafka import Kafka
from tests.brokers.nats import Nats
from tests.brokers.rabbitmq import RabbitMQ
from tests.brokers.redis import Redis
from tests.brokers.state import FOLDER, Entry, read_state, write_state

if TYPE_CHECKING:
    from tests.brokers.base import Broker

BROKERS: Final[dict[str, type[Broker]]] = {
    "rabbitmq": RabbitMQ,
    "kafka": Kafka,
    "nats": Nats,
    "redis": Redis,
}


def up() -> None:
    """Start what does not run yet and is not given by the environment."""
    state = read_state()
    missing = [name for name in BROKERS if name not in running_brokers()]
    install(missing)

    def start(name: str) -> tuple[str, Entry]:
        began_s = time.monotonic()
        port = state[name].port if name in state else None
        broker = BROKERS[name](FOLDER / name, port)
        broker.start(dies_with_us=False)
        print(f"{name} is ready after {time.monotonic() - began_s:.1f} s", flush=True)
        return name, Entry(broker.address, broker.port, broker.pid)

    with ThreadPoolExecutor() as pool:
        for name, entry in pool.map(start, missing):
            state[name] = entry
            write_state(state)
    status()


def down() -> None:
    """End what `up` started, and nothing else."""
    state = read_state()
    for name, entry in state.items():
        if entry.alive:
            os.killpg(entry.pid, signal.SIGTERM)
            print(f"{name} ends")
    deadline_s = time.monotonic() + 15
    while any(entry.alive for entry in state.values()) and time.monotonic() < deadline_s:
        time.sleep(0.1)  # ends of processes that are not our children can only be polled
    for entry in state.values():
        if entry.alive:
            os.killpg(entry.pid, signal.SIGKILL)
    if "rabbitmq" in state:
        RabbitMQ(FOLDER / "rabbitmq", state["rabbitmq"].port).end_mapper()


def status() -> None:
    """Print the addresses."""
    found = running_brokers()
    for name in BROKERS:
        print(f"{name:9} {found.get(name, 'does not run')}")


def env() -> None:
    """Print lines for a shell."""
    for name, address in running_brokers().items():
        print(f"export {VARIABLES[name]}={address}")


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
