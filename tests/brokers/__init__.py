"""RabbitMQ, Kafka, NATS, Redis and PostgreSQL as native processes, without Docker.

`python -m tests.brokers up` installs and starts one of each for the test suite; tests that kill or
freeze a broker start one of their own with the same classes.
"""

from __future__ import annotations

import os
from typing import Final

from tests.brokers.state import read_state

VARIABLES: Final = {
    "rabbitmq": "RABBITMQ_URL",
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "nats": "NATS_URL",
    "redis": "REDIS_URL",
    "postgres": "POSTGRES_URL",
}
"""Where somebody says that a broker runs already."""


def running_brokers() -> dict[str, str]:
    """Return the addresses of the brokers that can be used, by name."""
    started = {name: entry.address for name, entry in read_state().items() if entry.alive}
    given = {name: os.environ[var] for name, var in VARIABLES.items() if os.environ.get(var)}
    return started | given
