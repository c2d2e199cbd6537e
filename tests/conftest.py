"""Where the brokers are, and what every test must not leave behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import sys
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

from tests.brokers import VARIABLES, running_brokers
from tests.support.loops import loops_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.loops import LoopFactories

settings.register_profile("short", max_examples=25, deadline=None)
settings.register_profile("long", max_examples=5000, deadline=None)
settings.register_profile("huge", max_examples=100_000, deadline=None, database=None)
"""`make check` draws the examples of `short`, and `make test` a hundred examples for each property.
`pytest --hypothesis-profile=long`: fifty times as many examples; `huge`, for a single test."""

LETTING_GO_S = 2.0
"""Clients need a few turns of the loop to end what they were told to end."""


def pytest_collection_finish() -> None:
    """Take what was imported and collected out of the garbage collector's sight.

    It lives until the end, and every full collection would look through all of it: 13 % of the CPU
    time of the unit tests (measured).
    """
    gc.collect()
    gc.freeze()


def pytest_asyncio_loop_factories(item: pytest.Item) -> LoopFactories:
    """Return the event loops on which a test runs, once on each."""
    return loops_for(item.path)


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


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """Return the URL of a real PostgreSQL."""
    return _address("postgres")


@pytest.fixture(autouse=True)
def _no_task_is_left_behind(request: pytest.FixtureRequest) -> None:
    """Watch the tests that have an event loop, and spare the others one."""
    function = inspect.unwrap(getattr(request.node, "obj", lambda: None))
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    if inspect.iscoroutinefunction(inner):
        request.getfixturevalue("_loop_is_left_clean")


@pytest.fixture(autouse=True)
def _log_is_left_as_it_was() -> Iterator[None]:
    """Undo what a verb, run inside a test, has set up: later tests look at what is logged."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        _forget_loggers()


@pytest.fixture
async def _loop_is_left_clean() -> AsyncIterator[None]:
    """Fail a test whose code forgets a task: it would swallow the error of that task."""
    yield
    # Nothing else runs in a test's loop by now but this fixture, which has a task of its own.
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=LETTING_GO_S)
    assert not left, f"left behind: {left}"


def _forget_loggers() -> None:
    """Let the loggers of the modules begin anew: a daemon's settings are kept by its loggers."""
    for name, module in list(sys.modules.items()):
        log = vars(module).get("log") if name.startswith("consumer.") else None
        if isinstance(log, type(structlog.get_logger())):
            vars(log).pop("bind", None)
