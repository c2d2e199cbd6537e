"""Where the brokers are, and what every test must not leave behind."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from tests.brokers import VARIABLES, running_brokers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def _address(name: str) -> str:
    address = running_brokers().get(name)
    if address is None:
        missing = f"{name} does not run: `make brokers`, or set {VARIABLES[name]}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return address


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """Return the URL of a real RabbitMQ."""
    return _address("rabbitmq")


@pytest.fixture(scope="session")
def kafka_address() -> str:
    """Return host and port of a real Kafka."""
    return _address("kafka")


@pytest.fixture(scope="session")
def nats_url() -> str:
    """Return the URL of a real NATS with JetStream."""
    return _address("nats")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Return the URL of a real Redis."""
    return _address("redis")


@pytest.fixture(autouse=True)
async def _no_task_is_left_behind() -> AsyncIterator[None]:
    """Fail a test whose code forgets a task: it would swallow the error of that task."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        # Clients need a few turns of the loop to let go of what they were told to end.
        await asyncio.wait(left, timeout=2)
    assert not [task for task in left if not task.done()]
