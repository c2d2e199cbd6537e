"""Calls the application without a socket, with a gate and a lane that a test chooses."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import httpx

from consumer.access.refusal import KeyRefused, Refusal
from consumer.api.all_errors import AllErrors
from consumer.deliveries.origin import Environment
from consumer.http.application import HttpApplication
from consumer.listeners.http.endpoints import ingest_endpoints
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.intake import Intake
from consumer.operations.metrics import Metrics
from tests.support.fates import STORED, end_all
from tests.support.posting import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from consumer.access.key import Key, Scope
    from consumer.deliveries.delivery import Delivery
    from consumer.http.endpoint import Endpoint

GOOD: Final = "good"
MEGABYTE: Final = 1024 * 1024


class OpenGate:
    """Lets keys in.

    Attributes:
        keys: The keys by their texts: one, whose text is `good`.
        spent_count: The number of events that were counted.
    """

    def __init__(self, key: Key = KEY) -> None:
        self.keys = {GOOD: key}
        self.spent_count = 0

    def admit(self, token: str | None, scope: Scope | None, address: str) -> Key:
        """See `Gate.admit`."""
        assert address
        if token is None:
            raise KeyRefused(Refusal.MISSING, "no key")
        key = self.keys.get(token)
        if key is None:
            raise KeyRefused(Refusal.UNKNOWN, "unknown key")
        if scope is not None and scope not in key.scopes:
            raise KeyRefused(Refusal.SCOPE, f"this key has not the scope {scope}")
        return key

    def admit_again(self, key: Key, address: str) -> None:
        """See `Gate.admit_again`."""
        assert address
        assert key in self.keys.values()

    def spend_events(self, key: Key, count: int) -> None:
        """See `Gate.spend_events`."""
        assert key in self.keys.values()
        self.spent_count += count


class Direct:
    """Every client comes without a proxy."""

    def of(self, peer: str, forwarded: str | None) -> str:
        """See `ClientAddress.of`."""
        assert forwarded is None or peer
        return peer


class NoOrigins:
    """No web page may read answers."""

    def preflight(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """See `Cors.preflight`."""
        del method, headers

    def headers(self, origin: str | None) -> Mapping[str, str]:
        """See `Cors.headers`."""
        del origin
        return {}


class Lane:
    """A lane that ends everything in one way.

    Attributes:
        taken: All that it took, in order.
    """

    def __init__(self, intake: Intake, end: Callable[[Delivery], None] | None = None) -> None:
        self.intake = intake
        self.taken: list[Delivery] = []
        self._end = end

    async def run(self) -> None:
        """Take and end until cancelled."""
        while True:
            self.intake.news.clear()
            taken = self.intake.take(500, MEGABYTE)
            self.taken += taken
            for delivery in taken:
                if self._end is None:
                    end_all([delivery], STORED)
                else:
                    self._end(delivery)
            self.intake.ended(taken)
            if not taken:
                await self.intake.news.wait()


def application_of(endpoints: Iterable[Endpoint], gate: Any = None) -> HttpApplication:  # noqa: ANN401  # a stand-in
    """Return an application with these endpoints."""
    stand_in: Any = gate or OpenGate()
    direct: Any = Direct()
    no_origins: Any = NoOrigins()
    return HttpApplication(endpoints, stand_in, direct, no_origins, Metrics())


class Transport(httpx.AsyncBaseTransport):
    """Hands each request to the application, as a connection does.

    Attributes:
        at_once: If true, a request that needs no task gets none.
    """

    at_once = True

    def __init__(self, application: HttpApplication) -> None:
        self._application = application
        self._with_task = httpx.ASGITransport(application)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its answer."""
        place = (request.method.encode(), request.url.raw_path)
        take = self._application.whole.get(place) if self.at_once else None
        if take is None:
            return await self._with_task.handle_async_request(request)
        answered = asyncio.get_running_loop().create_future()
        scope = {
            "method": request.method,
            "raw_path": request.url.raw_path,
            "query_string": b"",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 123),
        }
        take(scope, await request.aread(), lambda *answer: answered.set_result(answer))
        answer, lines = await answered
        headers = [line.split(": ", 1) for line in lines.splitlines()]
        headers.append(["content-type", answer.content_type])
        return httpx.Response(answer.status, headers=headers, content=answer.body)


def client_of(application: HttpApplication) -> httpx.AsyncClient:
    """Return a client whose requests go to the application, with the good key."""
    return httpx.AsyncClient(
        transport=Transport(application),
        base_url="http://consumer",
        headers={"x-api-key": GOOD},
    )


@contextlib.asynccontextmanager
async def ingesting(
    end: Callable[[Delivery], None] | None = None,
    *,
    rejected_status: int = 400,
    max_event_bytes: int = 256 * 1024,
) -> AsyncIterator[tuple[httpx.AsyncClient, Lane]]:
    """Serve the endpoints of ingest, with a lane behind them."""
    intake = Intake(10, 16 * MEGABYTE)
    intake.open()
    gate = OpenGate()
    limits = IngestLimits(
        max_body_bytes=MEGABYTE, max_event_bytes=max_event_bytes, rejected_status=rejected_status
    )
    ingest = Ingest(
        {Environment.LIVE: intake},
        limits,
        Metrics(),
        gate.admit_again,
        gate.spend_events,
        AllErrors(strict=False),
    )
    lane = Lane(intake, end)
    running = asyncio.get_running_loop().create_task(lane.run())
    async with client_of(
        application_of(ingest_endpoints(ingest, 10, rejected_status), gate)
    ) as client:
        yield client, lane
    running.cancel()
    await asyncio.wait([running])
