"""The daemon: opens everything in one exit stack, runs it in one task group, drains, closes.

    start   operations port ─► sink, dead letters, store (each until it is there) ─► listeners
    stop    /readyz 503 ─► no intake ─► in flight settled, or the grace time is over ─► closed

Nothing that is away ends the process: it is waited for, and `/readyz` says why. Only a bug does.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import structlog

from consumer.clock import SYSTEM_CLOCK
from consumer.dead_letters.plan import dead_letter_plan
from consumer.dead_letters.record import first_letters
from consumer.dead_letters.stream import DeadLetters
from consumer.errors import Unavailable
from consumer.lanes.lane import Lane
from consumer.lanes.supervise import Supervisor
from consumer.operations.health import Health
from consumer.operations.http import listening_socket, serve
from consumer.operations.metrics import Metrics
from consumer.parts.keep_open import keep_checked, keep_open, report
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.pipeline.claim import Claimer
from consumer.pipeline.decode import Decoder
from consumer.pipeline.dedupe import Ledger
from consumer.pipeline.deliver import Deliverer
from consumer.pipeline.flood import FloodGuard
from consumer.pipeline.route import Router
from consumer.retry import Backoff
from consumer.sinks.core import CoreSink
from consumer.sinks.jetstream import JetStreamSink
from consumer.sinks.plans import event_plan
from consumer.stores.memory import MemoryStore
from consumer.stores.redis import RedisStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.config.load import Config
    from consumer.listeners.base import Listener
    from consumer.sinks.base import Sink
    from consumer.stores.base import Store

LOOP_LAG_EVERY_S: Final = 0.5
WINDOW_MARGIN_S: Final = 60.0
"""A P is old this long before the sink forgets its id: a publish may be under way meanwhile."""

log = structlog.get_logger()


class App:
    """One daemon.

    Args:
        config: checked.
        kinds: the listeners there are.

    Attributes:
        health: what `/readyz` answers.
        metrics: what `/metrics` answers.
    """

    def __init__(self, config: Config, kinds: Mapping[str, type[Listener[Any]]]) -> None:
        self._config = config
        self._kinds = kinds
        self.health = Health()
        self.metrics = Metrics()
        self._store = make_store(config)
        self._sink = make_sink(config)
        self._letters = make_dead_letter_sink(config)
        self._supervisors = [self._supervisor(name) for name in config.listeners]
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to drain. May be called twice."""
        self.health.drain()
        self._stopping.set()
        for supervisor in self._supervisors:
            supervisor.stop()

    async def run(self) -> bool:
        """Run until `stop`, and drain.

        Returns:
            Whether everything in flight was settled within the grace time. If not, it goes back
            to its source.

        Raises:
            ConfigError: the operations port is taken.

        Cancelling: ends without a drain; what is in flight goes back to its source.
        """
        port = listening_socket(self._config.operations.bind)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(serve(port, self.health, self.metrics))
            for part in (self._store, self._sink, self._letters):
                stack.push_async_callback(part.close)
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(task, name=name)
                    for name, task in (
                        ("sink", keep_open("sink", self._sink, self.health)),
                        ("dead letters", keep_open("dead_letters", self._letters, self.health)),
                        ("loop lag", self._measure_loop_lag()),
                    )
                ]
                drained = await self._listen()
                for task in beside:
                    task.cancel()
        log.info("stopped", drained=drained)
        return drained

    async def _listen(self) -> bool:
        """Run all listeners once sink and store have been there, until they are drained."""
        if not await self._all_open():
            return True
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(supervisor.run(), name="listener")
                for supervisor in self._supervisors
            ]
            checking = group.create_task(
                keep_checked("store", self._store, self.health), name="store"
            )
            await self._stopping.wait()
            grace_s = self._config.operations.shutdown_grace_s
            log.info("draining", grace_s=grace_s)
            _, late = await asyncio.wait(running, timeout=grace_s)
            for task in (*late, checking):
                task.cancel()
        return not late

    async def _all_open(self) -> bool:
        """Wait until sink, dead letters and store have been opened; False: told to stop."""
        self.health.down("store", "not opened yet")
        self.health.down("sink", "not opened yet")
        self.health.down("dead_letters", "not opened yet")
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._store.open()
            except Unavailable as error:
                report("store", error, self.health)
            else:
                self.health.up("store")
                if self._sink.max_message_bytes and self._letters.max_message_bytes:
                    return True
                backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next_s()):
                    await self._stopping.wait()
        return False

    async def _measure_loop_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOP_LAG_EVERY_S
            await asyncio.sleep(LOOP_LAG_EVERY_S)
            self.metrics.loop_lag.set(max(0.0, loop.time() - due_s))

    def _supervisor(self, name: str) -> Supervisor:
        settings = self._config.listeners[name]
        brand = settings.brand or self._config.brand or ""
        books = LaneBooks(self.metrics, name)
        patience = Patience(name, self.health, books)
        sink_settings, letter_settings = self._config.sink, self._config.dead_letters
        deliverer = Deliverer(
            self._sink,
            DeadLetters(
                self._letters,
                letter_settings,
                lambda: self._letters.client.jetstream(),  # noqa: PLW0108  # another client later
            ),
            Router(sink_settings.subject_prefix, self._config.routes),
            patience,
            first_letters(name, brand),
        )
        lane = Lane(
            Decoder(
                brand,
                self._config.dedupe,
                strict=settings.validation == "strict",
                max_decoded_bytes=settings.max_decoded_bytes,
            ),
            FloodGuard(letter_settings.max_share, letter_settings.max_share_window_s),
            Claimer(
                Ledger(self._store, patience),
                books,
                old_after_s=old_after_s(self._config),
                shadow=self._config.dedupe.mode == "shadow",
            ),
            deliverer,
            books,
            SYSTEM_CLOCK,
        )
        kind = self._kinds[settings.kind]
        return Supervisor(name, lambda: kind(name, settings), lane, self.health, books)


def old_after_s(config: Config) -> float:
    """Return from which age on a P is outside the sink's own memory, in seconds."""
    return max(0.0, config.sink.duplicate_window_s - WINDOW_MARGIN_S)


def make_store(config: Config) -> Store:
    """Make the store of `[dedupe]`, not opened."""
    if config.dedupe.mode == "shadow":
        log.warning("shadow mode drops nothing", mode="shadow", instead="mode = enforce")
    if config.dedupe.store == "memory":
        return MemoryStore()
    return RedisStore(config.dedupe)


def make_sink(config: Config) -> Sink:
    """Make the sink of `[sink]`, not opened."""
    sink = config.sink
    if sink.kind == "core":
        log.warning("sink is at most once", kind="core", instead="kind = jetstream")
        return CoreSink(sink, name="consumer events", publish_timeout_s=sink.publish_timeout_s)
    return JetStreamSink(
        sink,
        event_plan(sink, config.routes),
        name="consumer events",
        publish_timeout_s=sink.publish_timeout_s,
    )


def make_dead_letter_sink(config: Config) -> JetStreamSink:
    """Make the sink of `[dead_letters]`, on the server of `[sink]`, not opened."""
    return JetStreamSink(
        config.sink,
        dead_letter_plan(config.dead_letters, config.sink),
        name="consumer dead letters",
        publish_timeout_s=config.sink.publish_timeout_s,
    )
