"""Runs the daemon: its lanes, and the ports over which people and programs reach it.

    start   operations port ─► lanes (lanes/group.py), and the public port if there is one
    stop    /readyz 503 ─► brokers' listeners stop ─► public port closes ─► its listener stops
            ─► in flight settled, or the grace time is over ─► closed

A part that is away does not end the process: the daemon waits for it, and `/readyz` says why. Apart
from `stop`, only a bug or a configuration that cannot be used ends the process.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from consumer.cancel import end_tasks
from consumer.config.outbox import with_outbox
from consumer.config.sandbox import sandbox_of
from consumer.deliveries.origin import Environment
from consumer.lanes.group import LaneGroup
from consumer.lanes.outside import ServedEnvironment, caveats, make_outside
from consumer.lanes.wire import Watched
from consumer.listeners.outbox.settings import OutboxSettings
from consumer.operations.health import Health
from consumer.operations.http import listening_socket, serve
from consumer.operations.log import set_level
from consumer.operations.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.api.port import Port
    from consumer.config.load import Config
    from consumer.listeners.base import AnyListener, ListenerClass

LOOP_LAG_EVERY_S: Final = 0.5
APART_S: Final = 1.0
"""How long the sandbox may take to end, once everything else has ended."""
ADOPTED: Final = frozenset(("log.level", "operations.shutdown_grace_s", "sandbox.rate"))
"""The options that `adopt` can change. No other option may change without a new connection, or
without the checks of a start."""
SANDBOX: Final = "sandbox"
"""The name of the sandbox in `/readyz` and in the log."""

log = structlog.get_logger()


class App:
    """One daemon.

    Args:
        config: The checked configuration.
        kinds: The classes of listeners, by the word for each kind in the configuration.

    Attributes:
        health: The states of all parts, which `/readyz` shows.
        metrics: The metrics, which `/metrics` shows.
    """

    def __init__(self, config: Config, kinds: Mapping[str, ListenerClass]) -> None:
        self._config = config
        self._grace_s = config.operations.shutdown_grace_s
        self._kinds = kinds
        self.health = Health()
        self.metrics = Metrics()
        self.metrics.parts_up.health = self.health
        self._stopping = asyncio.Event()
        sandbox = sandbox_of(config)
        config = with_outbox(config, Environment.LIVE)
        if sandbox is not None:
            sandbox = with_outbox(sandbox, Environment.TEST)
        served = {Environment.LIVE: ServedEnvironment(config, make_outside(config))}
        if sandbox is not None:
            served[Environment.TEST] = ServedEnvironment(sandbox, make_outside(sandbox))
        self._port = _public_port(config, served, Watched(self.health, self.metrics))
        self._groups = [self._group(served[Environment.LIVE], self.health, "")]
        if sandbox is not None:
            apart = self.health.apart(SANDBOX)
            self._groups.append(self._group(served[Environment.TEST], apart, SANDBOX))

    @property
    def is_stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stopping.is_set()

    def adopt(self, config: Config) -> None:
        """Use the options `ADOPTED` of another configuration from now on, and no other options."""
        set_level(config.log.level)
        self._grace_s = config.operations.shutdown_grace_s
        if self._port is not None and config.sandbox is not None:
            self._port.limit_test_keys(config.sandbox.rate)

    def stop(self) -> None:
        """Begin to drain. This method may be called twice."""
        self.health.drain()
        self._stopping.set()
        posted = () if self._port is None else self._port.listeners
        for group in self._groups:
            group.stop(keep=posted)

    async def run(self) -> bool:
        """Run until `stop`, and drain.

        Returns:
            True if everything in flight was settled within the grace time. What was not settled
            goes back to its source.

        Raises:
            ConfigError: A port is taken.

        Cancelling: the daemon ends without a drain, and what is in flight goes back to its source.
        """
        operations = listening_socket(self._config.operations.bind)
        if self._port is not None:
            self._port.take()
        for caveat in caveats(self._config):
            log.warning(caveat.what, **caveat.facts)
        steered = {name: each for one in self._groups for name, each in one.steered.items()}
        async with (
            serve(operations, self.health, self.metrics, steered, self._config.operations),
            asyncio.TaskGroup() as group,
        ):
            beside = [group.create_task(self._measure_loop_lag(), name="loop lag")]
            if self._port is not None:
                beside.append(group.create_task(self._port.run(), name="public port"))
            lanes = [group.create_task(each.run(), name="lanes") for each in self._groups]
            await self._stopping.wait()
            drained = await self._drain(lanes)
            await end_tasks(beside)
        # Somebody has to find out what held the drain: the next one will be held as well.
        tell = log.info if drained else log.error
        tell("stopped", drained=drained)
        return drained

    async def _drain(self, lanes: list[asyncio.Task[None]]) -> bool:
        """Let everything in flight end. Return False if the grace time was too short."""
        grace_s = self._grace_s
        log.info("draining", grace_s=grace_s)
        until_s = asyncio.get_running_loop().time() + grace_s
        if self._port is not None:
            until_s += self._port.drain_delay_s
            await self._port.drain(grace_s)
            for group in self._groups:
                group.stop()
        live, *apart = lanes
        left_s = max(0.0, until_s - asyncio.get_running_loop().time())
        _, late = await asyncio.wait([live], timeout=left_s)
        await end_tasks(late)
        if apart:
            # All its requests are answered. What it still holds was answered with 503, so a broken
            # sandbox must not make a process end late.
            await asyncio.wait(apart, timeout=APART_S)
            await end_tasks(apart)
        return not late

    async def _measure_loop_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOP_LAG_EVERY_S
            await asyncio.sleep(LOOP_LAG_EVERY_S)
            self.metrics.loop_lag.set(max(0.0, loop.time() - due_s))

    def _group(self, served: ServedEnvironment, health: Health, name: str) -> LaneGroup:
        def make_listener(listener: str) -> AnyListener:
            if self._port is not None and listener in self._port.listeners:
                return self._port.make_listener(listener)
            settings = served.config.listeners[listener]
            if self._port is not None and isinstance(settings, OutboxSettings):
                return self._port.make_outbox_listener(listener, settings)
            return self._kinds[settings.kind](listener, settings)

        watched = Watched(health, self.metrics)
        return LaneGroup(served.config, served.outside, watched, make_listener, name)


def _public_port(
    config: Config, served: Mapping[Environment, ServedEnvironment], watched: Watched
) -> Port | None:
    """Make the public port. Nothing of it is loaded if the configuration has no `[http]`."""
    if config.http is None:
        return None
    from consumer.api.port import Port  # noqa: PLC0415  # as said

    return Port(config, served, watched)
