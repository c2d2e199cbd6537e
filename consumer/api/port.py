"""Runs the public port: the keys, the endpoints of all rooms, and the server in front of them.

    start   socket is taken ─► keys are read, and requests go to the intakes of the lanes
    drain   `drain_delay_s` with /readyz 503 ─► no new connections ─► requests in flight answered

Requests that come before the keys are read get 503.

The app loads this module only if the configuration has a table `[http]`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consumer.access.bucket import KeyBucket
from consumer.access.gate import Gate
from consumer.access.keyring import Keyring
from consumer.api.all_errors import AllErrors
from consumer.api.dead_letters.connection import LetterConnection
from consumer.api.dead_letters.desk import LetterDesk
from consumer.api.dead_letters.endpoints import dead_letter_endpoints
from consumer.api.endpoints import all_endpoints
from consumer.api.one_event import OneEventSearch, one_event_endpoints
from consumer.api.people import ForPeople, people_endpoints
from consumer.api.remembered import RememberedWrites
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.cors import Cors
from consumer.http.server import Server
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.listener import HttpListener, make_intake
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.parts.keep_open import KeptOpen
from consumer.readers.connection import ReadersConnection
from consumer.readers.described import reader_endpoints
from consumer.readers.pace import Pace
from consumer.readers.readers import Readers
from consumer.readers.reading import Reading, sources_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.config.load import Config
    from consumer.http.endpoint import Endpoint
    from consumer.http.settings import HttpSettings
    from consumer.lanes.outside import ServedEnvironment
    from consumer.lanes.wire import Watched
    from consumer.listeners.base import AnyListener
    from consumer.listeners.http.intake import Intake
    from consumer.listeners.outbox.settings import OutboxSettings
    from consumer.sandbox.room import Sandbox
    from consumer.wallet.room import Wallet


class Port:
    """The public port of a process.

    Args:
        config: The checked configuration, with a table `[http]`.
        served: The environments, each with its configuration and its parts. Keys of another
            environment are refused.
        watched: The health and the metrics to which the port reports.

    Attributes:
        listeners: The intake of each listener that the port serves, by the listener's name.
    """

    def __init__(
        self, config: Config, served: Mapping[Environment, ServedEnvironment], watched: Watched
    ) -> None:
        if config.http is None:
            raise TypeError("there is no table [http]")  # a bug of ours
        self._http: HttpSettings = config.http
        self.listeners: dict[str, Intake] = {}
        self._settings: dict[str, HttpListenerSettings] = {}
        intakes = {each: self._intake_of(one.config) for each, one in served.items()}
        self._rates_per_s: dict[Environment, float] = {}
        if config.sandbox is not None:
            self.limit_test_keys(config.sandbox.rate)
        keyring = Keyring()
        self._keys = KeyBucket(
            config.sink,
            config.keys,
            config.sink.replicas,
            keyring,
            tickets=config.stream_api is not None,
        )
        gate = Gate(
            keyring,
            watched.metrics,
            environments=intakes.keys(),
            events_per_s=self._rates_per_s,
            used=self._keys.note_used,
        )
        self._kept = KeptOpen("keys", self._keys, watched.health)
        (settings, *_) = self._settings.values()
        limits = IngestLimits(
            max_body_bytes=self._http.max_body_bytes,
            max_event_bytes=self._http.max_event_bytes,
            rejected_status=settings.rejected_status,
        )
        ingest = Ingest(
            intakes,
            limits,
            watched.metrics,
            gate.admit_again,
            gate.spend_events,
            AllErrors(strict=settings.validation == "strict"),
        )
        pace = Pace()
        self._letters = {
            each: LetterDesk(one, LetterConnection(one.config), pace)
            for each, one in served.items()
        }
        writes = RememberedWrites(
            lambda: self._keys.client, config.keys.bucket, config.sink.replicas, SYSTEM_CLOCK
        )
        letters = dead_letter_endpoints(self._letters, gate.admit_again, writes)
        self._reading = _reading_of(config, served, gate, watched, pace)
        reading: tuple[Endpoint, ...] = ()
        if self._reading is not None:
            configs = {each: one.config for each, one in served.items()}
            reading = (
                *reader_endpoints(self._reading.endpoints),
                *one_event_endpoints(OneEventSearch(configs)),
            )
        people = ForPeople(
            dedupe={each: one.config.dedupe for each, one in served.items()},
            listener=settings,
            max_event_bytes=limits.max_single_bytes,
            gate=gate,
            keyring=keyring,
            keys=self._keys,
            bucket_name=config.keys.bucket,
            writes=writes,
        )
        self._wallet, self._sandbox = _money_of(config, served, watched)
        others = (*reading, *letters, *people_endpoints(people))
        if self._wallet is not None:
            others = (*others, *self._wallet.endpoints)
        if self._sandbox is not None:
            others = (*others, *self._sandbox.endpoints)
        application = HttpApplication(
            all_endpoints(ingest, settings, others),
            gate,
            ClientAddress(self._http.trusted_proxies),
            Cors(self._http.cors_origins),
            watched.metrics,
        )
        self._server = Server(
            self._http,
            application,
            watched.metrics,
            application.whole,
            application.stream_paths,
        )

    def _intake_of(self, config: Config) -> Intake:
        """Make the intake of the configuration's listener of kind `http`."""
        ((name, settings),) = (
            (name, settings)
            for name, settings in config.listeners.items()
            if isinstance(settings, HttpListenerSettings)
        )
        self._settings[name] = settings
        self.listeners[name] = make_intake(settings)
        return self.listeners[name]

    @property
    def drain_delay_s(self) -> float:
        """How long `drain` waits, so that load balancers notice, in seconds."""
        return self._http.drain_delay_s

    def limit_test_keys(self, per_s: int) -> None:
        """Set the rate of events for test keys that have no rate of their own, from now on."""
        self._rates_per_s[Environment.TEST] = per_s

    def make_listener(self, name: str) -> HttpListener:
        """Make a listener object that reads from the listener's intake."""
        return HttpListener(name, self._settings[name], self.listeners[name])

    def make_outbox_listener(self, name: str, settings: OutboxSettings) -> AnyListener:
        """Make a listener object that takes from the outbox of the wallet."""
        if self._wallet is None:
            raise TypeError("there is no table [wallet]")  # a bug of ours
        return self._wallet.make_listener(name, settings)

    def take(self) -> None:
        """Open the socket of the port and read the certificate, before anything else starts.

        Raises:
            ConfigError: Another process has the port, or the certificate cannot be used.
        """
        self._server.take()

    async def run(self) -> None:
        """Serve until this is cancelled. `drain` lets requests end before that."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kept.run(), name="keys")
                group.create_task(self._server.run(), name="http")
                if self._reading is not None:
                    group.create_task(self._reading.run(), name="readers")
                if self._wallet is not None:
                    group.create_task(self._wallet.run(), name="wallet")
                if self._sandbox is not None:
                    group.create_task(self._sandbox.run(), name="sandbox")
        finally:
            if self._sandbox is not None:
                self._sandbox.close()
            await self._keys.close()
            if self._reading is not None:
                await self._reading.close()
            for desk in self._letters.values():
                await desk.close()
            if self._wallet is not None:
                await self._wallet.close()

    async def drain(self, grace_s: float) -> None:
        """Wait for `drain_delay_s`, take no new connections, and let the requests in flight end.

        Args:
            grace_s: The time that the requests in flight have after this wait, in seconds.
        """
        await asyncio.sleep(self._http.drain_delay_s)
        if self._sandbox is not None:
            self._sandbox.close()  # nobody waits for a test game any more
        await self._server.drain(grace_s)


def _money_of(
    config: Config, served: Mapping[Environment, ServedEnvironment], watched: Watched
) -> tuple[Wallet | None, Sandbox | None]:
    """Return the wallet and the test games. Each of them is None if its table is missing."""
    if config.wallet is None:
        return None, None
    # Without `[wallet]`, a process loads no code of the databases.
    from consumer.api.money import money_of  # noqa: PLC0415  # as said

    return money_of(config, config.wallet, served, watched)


def _reading_of(
    config: Config,
    served: Mapping[Environment, ServedEnvironment],
    gate: Gate,
    watched: Watched,
    pace: Pace,
) -> Reading | None:
    """Return what lets clients read events; None without the table `[stream_api]`."""
    if config.stream_api is None or config.http is None:
        return None
    sinks = {each: one.config.sink for each, one in served.items()}
    connection = ReadersConnection(config.sink)
    readers = Readers(
        config.stream_api,
        config.http.max_streams_per_key_count,
        sources_of(connection, sinks, config.routes, pace),
        gate,
        watched.metrics,
    )
    return Reading(connection, readers, gate, watched.health)
