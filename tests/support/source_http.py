"""A public port on loopback as the contract suite of listeners sees it: `send` posts to it.

HTTP keeps nothing, and a sender waits for its answer. So `send` returns once the delivery waits in
the listener, and the answers are collected apart.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

from consumer.api.all_errors import AllErrors
from consumer.deliveries.origin import Environment
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.cors import Cors
from consumer.http.server import Server
from consumer.http.settings import HttpSettings
from consumer.listeners.http.endpoints import ingest_endpoints
from consumer.listeners.http.ingest import Ingest, IngestLimits
from consumer.listeners.http.listener import HttpListener, make_intake
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.operations.metrics import Metrics
from tests.support.eventually import eventually
from tests.support.http_application import GOOD, OpenGate
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.access.key import Key

MEGABYTE: Final = 1024 * 1024


class HttpSource(Source):
    """A port with the endpoints of ingest.

    Args:
        answer_timeout_s: How long a sender waits.

    Attributes:
        gate: Lets everybody in who has a good key.
        intake: What waits for the lane.
        client: Sends with the good key.
    """

    def __init__(self, answer_timeout_s: float = 30) -> None:
        settings = HttpListenerSettings(answer_timeout_s=answer_timeout_s)
        self._settings = settings
        self.gate = OpenGate()
        self.intake = make_intake(settings)
        self._sending: set[asyncio.Task[httpx.Response]] = set()
        http = HttpSettings(bind="127.0.0.1:0", max_body_bytes=2 * MEGABYTE)
        limits = IngestLimits(
            max_body_bytes=2 * MEGABYTE, max_event_bytes=2 * MEGABYTE, rejected_status=400
        )
        metrics = Metrics()
        ingest = Ingest(
            dict.fromkeys(Environment, self.intake),
            limits,
            metrics,
            self.gate.admit_again,
            self.gate.spend_events,
            AllErrors(strict=False),
        )
        gate: Any = self.gate
        table = ingest_endpoints(ingest, answer_timeout_s, 400)
        application = HttpApplication(table, gate, ClientAddress(()), Cors(()), metrics)
        self._server = Server(http, application, metrics, application.whole)
        self._serving: asyncio.Task[None] | None = None
        self.client = httpx.AsyncClient(headers={"x-api-key": GOOD}, timeout=60)

    async def open(self) -> None:
        """See `Source.open`."""
        self._server.take()
        self.client.base_url = httpx.URL(f"http://127.0.0.1:{self._server.port}")
        self._serving = asyncio.get_running_loop().create_task(self._server.run())

    async def post(
        self,
        body: bytes,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        key: Key | None = None,
    ) -> httpx.Response:
        """Post one event, and return the answer."""
        headers = dict(headers or {})
        if key is not None:
            headers["x-api-key"] = key.sender.namespace
            self.gate.keys[key.sender.namespace] = key
        if message_type is not None and message_type in PATHS:
            method, path = PATHS[message_type]
            return await self.client.request(method, path, content=body, headers=headers)
        line = {"data": msgspec.Raw(body)} | ({"type": message_type} if message_type else {})
        return await self.client.post(MANY_PATH, content=msgspec.json.encode(line), headers=headers)

    async def send(
        self,
        body: bytes,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
    ) -> None:
        """See `Source.send`. Nobody confirms anything yet, but the delivery waits."""
        sent = dict(headers or {})
        if content_encoding is not None:
            sent["content-encoding"] = content_encoding
        before_count = self.intake.posted_count
        task = asyncio.get_running_loop().create_task(self.post(body, message_type, headers=sent))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        await eventually(lambda: self.intake.posted_count > before_count, what="a delivery waits")

    def listener(self, **settings: Any) -> HttpListener:  # noqa: ANN401  # as in Source
        """See `Source.listener`."""
        options = msgspec.structs.replace(self._settings, **settings)
        return HttpListener("http", options, self.intake)

    async def remaining(self) -> int:
        """See `Source.remaining`. Nothing is kept anywhere."""
        return 0

    def cut(self) -> None:
        """See `Source.cut`."""
        raise NotImplementedError

    async def close(self) -> None:
        """See `Source.close`."""
        self.intake.close()
        if self._sending:
            await asyncio.wait(self._sending)
        await self.client.aclose()
        if self._serving is not None:
            self._serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._serving
