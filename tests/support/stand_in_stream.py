"""A port with the real pages and a stand-in for tickets and the stream, which a test controls.

The stand-in speaks the contract of `/v1/tickets` and `/v1/stream`, with one subscription for each
connection. Its cursors are the numbers of the events.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import uvicorn
from msgspec.structs import replace

from consumer.access.key import Scope
from consumer.api.documents import with_documents
from consumer.events.registry import find
from consumer.http.answer import Answer
from consumer.http.endpoint import BodyForm, Endpoint
from consumer.listeners.http.endpoints import ingest_endpoints
from consumer.tools.embedded.servers import free_port
from consumer.tools.schemas import example
from tests.support.eventually import eventually
from tests.support.http_application import GOOD, OpenGate, application_of
from tests.support.posting import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from consumer.http.cycle import AsgiEvent
    from consumer.http.request import Request

    Receive = Callable[[], Awaitable[AsgiEvent]]
    Send = Callable[[AsgiEvent], Awaitable[None]]
    SendMessage = Callable[[Mapping[str, Any], str], Awaitable[None]]

SECRET: Final = GOOD
"""The text of the key."""
GONE: Final = {"op": "error", "reason": "cursor_expired", "temporary": False, "message": "gone"}


def event(name: str, **changes: object) -> dict[str, Any]:
    """Return an event of type CASINO as it is put out, with this id and other fields in `data`."""
    event_type = find("CASINO")
    assert event_type is not None
    put_out = example.put_out(event_type)
    return {**put_out, "id": name, "data": {**put_out["data"], **changes}}


class StandInPort:
    """The ASGI application, and what a test does to it.

    Attributes:
        url: The URL of the port, without a path.
        urls: The path and query of each request.
        subscribed: The subscriptions that came over WebSockets.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.urls: list[str] = []
        self.subscribed: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._first = 0
        self._news = asyncio.Event()
        self._streams: dict[asyncio.Task[Any], int] = {}
        self._tickets: set[str] = set()
        gate = OpenGate(replace(KEY, scopes=(Scope.EVENTS_READ,)))
        nothing: Any = None  # nothing posts
        table = (*ingest_endpoints(nothing, 10, 400), self._tickets_endpoint())
        self._application = application_of(with_documents(table), gate)

    def _tickets_endpoint(self) -> Endpoint:
        async def make_ticket(request: Request) -> Answer:
            await request.read_body(1000)
            ticket = secrets.token_hex(8)
            self._tickets.add(ticket)
            return Answer(200, json.dumps({"ticket": ticket}).encode())

        return Endpoint(
            name="tickets",
            method="POST",
            path="/v1/tickets",
            summary="Make a ticket",
            scope=Scope.EVENTS_READ,
            handle=make_ticket,
            body=BodyForm(media_types=("application/json",), schema={"application/json": {}}),
        )

    def put(self, event: dict[str, Any]) -> None:
        """Store an event."""
        self._events.append(event)
        self._tell()

    def forget(self) -> None:
        """Forget all events that were stored."""
        self._first = len(self._events)

    def cut(self, code: int = 1012) -> None:
        """End all streams, those over WebSockets with a close code."""
        for task in list(self._streams):
            self._streams[task] = code
            task.cancel()

    def end_tickets(self) -> None:
        """Let all tickets expire."""
        self._tickets.clear()

    @property
    def readers_count(self) -> int:
        """Return the number of open streams."""
        return len(self._streams)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one stream."""
        query = scope["query_string"].decode()
        self.urls.append(f"{scope['path']}?{query}")
        if scope["path"] != "/v1/stream":
            await self._application(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None
        self._streams[task] = 0
        serve = self._web_socket if scope["type"] == "websocket" else self._sse
        try:
            await serve(scope, parse_qs(query), receive, send)
        except asyncio.CancelledError:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": self._streams[task]})
        finally:
            del self._streams[task]

    def _lets_in(self, scope: AsgiEvent, query: Mapping[str, list[str]]) -> bool:
        sent = dict(scope["headers"]).get(b"authorization", b"").decode()
        return sent == f"Bearer {SECRET}" or query.get("ticket", [""])[0] in self._tickets

    async def _web_socket(
        self, scope: AsgiEvent, query: Mapping[str, list[str]], receive: Receive, send: Send
    ) -> None:
        await receive()
        if not self._lets_in(scope, query):
            await send({"type": "websocket.close", "code": 4401})
            return
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        wanted = json.loads((await receive())["text"])
        self.subscribed.append(wanted)

        async def send_message(message: Mapping[str, Any], _: str = "") -> None:
            await send({"type": "websocket.send", "text": json.dumps(message)})

        begin = self._begin(wanted.get("after"))
        if begin is None:
            await send_message({**GONE, "id": wanted["id"]})
            await receive()
            return
        told = {"op": "subscribed", "id": wanted["id"], "cursor": str(begin), "caught_up": False}
        await send_message(told)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow(begin, wanted["id"], send_message))
            while (await receive())["type"] != "websocket.disconnect":
                pass
            following.cancel()

    async def _sse(
        self, scope: AsgiEvent, query: Mapping[str, list[str]], receive: Receive, send: Send
    ) -> None:
        last = dict(scope["headers"]).get(b"last-event-id", b"").decode()
        begin = self._begin(last or query.get("after", [None])[0])
        status = 200 if self._lets_in(scope, query) else 401
        if begin is None and not last:
            status = 410
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})

        async def send_message(message: Mapping[str, Any], name: str = "") -> None:
            named = f"event: {name}\n" if name else ""
            lines = f"{named}id: {message.get('cursor', '')}\ndata: {json.dumps(message)}\n\n"
            await send({"type": "http.response.body", "body": lines.encode(), "more_body": True})

        if status != 200:
            problem = json.dumps({"status": status, "detail": "refused"}).encode()
            await send({"type": "http.response.body", "body": problem})
            return
        await send({"type": "http.response.body", "body": b"retry: 50\n\n", "more_body": True})
        if begin is None:
            await send_message(GONE, "cursor_expired")
        async with asyncio.TaskGroup() as group:
            at = len(self._events) if begin is None else begin
            following = group.create_task(self._follow(at, "", send_message))
            while (await receive())["type"] != "http.disconnect":
                pass
            following.cancel()

    def _begin(self, after: str | None) -> int | None:
        """Return the number of the first event to send; None if earlier events are gone."""
        if after is None:
            return len(self._events)
        return int(after) if self._first <= int(after) <= len(self._events) else None

    async def _follow(self, at: int, name: str, send: SendMessage) -> None:
        caught_up = {"op": "caught_up", "id": name}
        while True:
            news = self._news
            while at < len(self._events):
                event = self._events[at]
                at += 1
                subject = event["type"]
                message = {"op": "event", "id": name, "cursor": str(at), "subject": subject}
                await send({**message, "event": event}, "")
            if caught_up and name:
                await send({**caught_up, "cursor": str(at)}, "")
                caught_up = {}
            await news.wait()


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves the signals to the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See the class."""
        yield


@contextlib.asynccontextmanager
async def stand_in_port() -> AsyncIterator[StandInPort]:
    """Serve a stand-in during the block."""
    port = StandInPort()
    config = uvicorn.Config(
        port, port=port.port, ws="websockets-sansio", lifespan="off", log_level="critical"
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        await eventually(lambda: server.started, what="the stand-in")
        try:
            yield port
        finally:
            port.cut()
            server.should_exit = True
            await serving
