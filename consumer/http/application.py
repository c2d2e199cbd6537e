"""Checks each request, calls its endpoint, and sends the answer: the application behind the port.

The checks come in this order: path, verb, key, media type, size, body. The check of the key
includes its scope, its addresses and its rates. So no body is read before the key was checked.
Every error is a problem document.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import structlog

from consumer.access.refusal import KeyRefused
from consumer.http.answer import Answer, Problem
from consumer.http.body import Bodies
from consumer.http.connection import LINGER_MAX_BYTES, LINGER_S
from consumer.http.cycle import SEND_WHOLE, AsgiEvent, SendNow, TakeWhole
from consumer.http.opening import IS_WEBSOCKET, opened
from consumer.http.parameters import PARAMETERS_MAX_COUNT
from consumer.http.paths import EndpointTable
from consumer.http.refused import problem_of
from consumer.http.request import Request, key_text_in, wanted_headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.access.gate import Gate
    from consumer.access.key import Key
    from consumer.access.ticket import StreamTicket
    from consumer.http.client_address import ClientAddress
    from consumer.http.cors import Cors
    from consumer.http.endpoint import BodyForm, Endpoint, Take
    from consumer.operations.metrics import Metrics
    from consumer.operations.tallies import RequestTally

Receive = Callable[[], Awaitable[AsgiEvent]]
Send = Callable[[AsgiEvent], Awaitable[None]]
SendWhole = Callable[[Answer, str], Awaitable[None]]

UNREAD_MAX_BYTES: Final = 64 * 1024
"""If an endpoint does not read the body, a body of up to this size is skipped, and the connection
stays open. After a larger body, the connection is closed."""
NO_ENDPOINT: Final = "none"
"""The value of the label `endpoint` for a request for which there is no endpoint."""
NO_PARAMETERS: Final[Mapping[str, str]] = {}
BUG: Final = Problem(
    500, "internal", "this is a bug of the server; it was logged under the request id"
)

_is_sane_id: Final = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}").fullmatch

log = structlog.get_logger()


class HttpApplication:
    """The ASGI application of the public port.

    Args:
        endpoints: All endpoints.
        gate: Checks the key of each request.
        client_address: Finds the address of a client behind proxies.
        cors: Lets web pages of other origins read answers.
        metrics: Counts requests.

    Attributes:
        whole: Answers requests that arrive in one piece, by their verb and path. It has those
            endpoints that need no task for this: see `Endpoint.take`.
        stream_paths: The paths of the endpoints that have streams.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        gate: Gate,
        client_address: ClientAddress,
        cors: Cors,
        metrics: Metrics,
    ) -> None:
        endpoints = list(endpoints)
        self._table = EndpointTable(endpoints)
        self.whole: Mapping[tuple[bytes, bytes], TakeWhole] = {
            (endpoint.method.encode(), endpoint.path.encode()): partial(self._take, endpoint, take)
            for endpoint in endpoints
            if (take := endpoint.take) is not None
        }
        self.stream_paths = frozenset(
            endpoint.path.encode() for endpoint in endpoints if endpoint.open_stream is not None
        )
        self._gate = gate
        self._client_address = client_address
        self._cors = cors
        self._metrics = metrics
        self._bodies = Bodies()
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._tallies: dict[tuple[str, int], RequestTally] = {}

    async def __call__(self, scope: AsgiEvent, receive: Receive, send: Send) -> None:
        """Answer one request. See https://asgi.readthedocs.io/en/latest/specs/www.html."""
        started_s = time.perf_counter()
        headers = wanted_headers(scope["headers"])
        request_id = self._request_id(headers)
        exchange = _Exchange(receive, send, scope.get(SEND_WHOLE), headers)
        name = NO_ENDPOINT
        try:
            path = scope["raw_path"].decode("latin-1")
            preflight = self._cors.preflight(scope["method"], scope["headers"])
            if preflight is not None:
                answer = preflight
            else:
                endpoint, parameters = self._table.find(path, scope["method"])
                name = endpoint.name
                request = self._checked(scope, path, parameters, headers, endpoint, request_id)
                status = await opened(endpoint, scope, request, self._cors)
                if status is not None:
                    self._count(name, status, time.perf_counter() - started_s)
                    return
                request.read_body = exchange.reader(self._bodies, _holder(request))
                answer = await endpoint.handle(request)
        except (KeyRefused, Problem) as refused:
            answer = _refusal(refused, request_id, name)
        except Exception:  # a bug of ours must not leave a client without an answer
            log.exception("request failed", request=request_id, endpoint=name)
            answer = BUG.answer(request_id)
        await exchange.answer(answer, request_id, self._cors.headers(headers.get("origin")))
        self._count(name, answer.status, time.perf_counter() - started_s)

    def _take(
        self, endpoint: Endpoint, take: Take, scope: AsgiEvent, body: bytes, send: SendNow
    ) -> None:
        """Answer a request that arrived in one piece, now or later. Never raises."""
        started_s = time.perf_counter()
        headers = wanted_headers(scope["headers"])
        request_id = self._request_id(headers)

        def reply(make: Callable[[], Answer]) -> None:
            answer = _made(make, request_id, endpoint.name)
            more = self._cors.headers(headers.get("origin"))
            send(answer, _lines(answer, request_id, more))
            self._count(endpoint.name, answer.status, time.perf_counter() - started_s)

        try:
            path = scope["raw_path"].decode("latin-1")
            request = self._checked(scope, path, NO_PARAMETERS, headers, endpoint, request_id)
            take(request, body, reply)
        except (KeyRefused, Problem) as refused:
            reply(partial(_refusal, refused, request_id, endpoint.name))
        except Exception:  # a bug of ours must not leave a client without an answer
            log.exception("request failed", request=request_id, endpoint=endpoint.name)
            reply(partial(BUG.answer, request_id))

    def _checked(
        self,
        scope: AsgiEvent,
        path: str,
        parameters: Mapping[str, str],
        headers: dict[str, str],
        endpoint: Endpoint,
        request_id: str,
    ) -> Request:
        """Check the key and the media type, and return the request. Its body is not read yet."""
        peer = scope["client"][0] if scope["client"] else ""
        address = self._client_address.of(peer, headers.get("x-forwarded-for"))
        key: Key | None = None
        ticket: StreamTicket | None = None
        sent = _ticket_in(scope["query_string"]) if endpoint.takes_ticket else ""
        if sent and endpoint.scope is not None:
            key, ticket = self._gate.admit_ticket(sent, endpoint.scope, address)
        elif endpoint.needs_key:
            key = self._gate.admit(key_text_in(headers), endpoint.scope, address)
        if endpoint.body is not None:
            _check_media_type(headers.get("content-type", ""), endpoint.body)
        return Request(
            id=request_id,
            method=scope["method"],
            path=path,
            parameters=parameters,
            query=scope["query_string"],
            headers=headers,
            address=address,
            key=key,
            read_body=_not_yet,
            ticket=ticket,
            wants_websocket=IS_WEBSOCKET in scope,
        )

    def _request_id(self, headers: Mapping[str, str]) -> str:
        sent = headers.get("x-request-id")
        if sent and _is_sane_id(sent):
            return sent
        return f"{self._prefix}-{next(self._numbers):x}"

    def _count(self, name: str, status: int, took_s: float) -> None:
        tally = self._tallies.get((name, status))
        if tally is None:
            tally = self._tallies[name, status] = self._metrics.http_requests.of(name, status)
        tally.add(took_s)


class _Exchange:
    """One request and its answer on the wire."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        send_whole: SendWhole | None,
        headers: Mapping[str, str],
    ) -> None:
        self._receive = receive
        self._send = send
        self._send_whole = send_whole
        self._headers = headers
        self._body_begun = False
        self._body_read = False

    def reader(self, bodies: Bodies, holder: str) -> Callable[[int], Awaitable[bytes]]:
        """Return the function that reads the body."""
        length = self._headers.get("content-length")

        async def read(limit_bytes: int) -> bytes:
            declared_bytes = int(length) if length is not None else None
            if declared_bytes is None or declared_bytes <= limit_bytes:
                self._body_begun = True
            body = await bodies.read(self._receive, declared_bytes, holder, limit_bytes)
            self._body_read = True
            return body

        return read

    async def answer(self, answer: Answer, request_id: str, more: Mapping[str, str]) -> None:
        """Send the answer. Close the connection if a large part of the body was not read."""
        linger = self._leaves_much()
        if self._send_whole is not None and not linger:
            await self._send_whole(answer, _lines(answer, request_id, more))
            return
        headers = {"x-request-id": request_id, **answer.headers, **more}
        if linger:
            headers["connection"] = "close"
        headers["content-type"] = answer.content_type
        headers["content-length"] = str(len(answer.body))
        sent = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
        start = {"type": "http.response.start", "status": answer.status, "headers": sent}
        await self._send(start)
        body = {"type": "http.response.body", "body": answer.body, "more_body": linger}
        await self._send(body)
        if linger:
            await self._throw_away()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _leaves_much(self) -> bool:
        """Tell whether the client may still send a large part of a body that nobody reads."""
        if self._body_begun:
            return not self._body_read
        headers = self._headers
        if "expect" in headers or "transfer-encoding" in headers:
            return True
        length = headers.get("content-length")
        return length is not None and int(length) > UNREAD_MAX_BYTES

    async def _throw_away(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._skip(LINGER_MAX_BYTES)

    async def _skip(self, left_bytes: int) -> None:
        more = True
        while more and left_bytes > 0:
            message = await self._receive()
            left_bytes -= len(message.get("body", b""))
            more = message.get("more_body", False)  # false also if the client is gone


def _made(make: Callable[[], Answer], request_id: str, endpoint: str) -> Answer:
    """Return what a function returns, or the answer to what it raises."""
    try:
        return make()
    except (KeyRefused, Problem) as refused:
        return _refusal(refused, request_id, endpoint)
    except Exception:  # a bug of ours must not leave a client without an answer
        log.exception("request failed", request=request_id, endpoint=endpoint)
        return BUG.answer(request_id)


def _refusal(refused: KeyRefused | Problem, request_id: str, endpoint: str) -> Answer:
    """Return the answer to a request that was refused."""
    if isinstance(refused, KeyRefused):
        return problem_of(refused).answer(request_id)
    log.debug("request refused", request=request_id, endpoint=endpoint, why=refused.reason)
    return refused.answer(request_id)


def _lines(answer: Answer, request_id: str, more: Mapping[str, str]) -> str:
    """Return the lines of the headers of an answer."""
    line = f"x-request-id: {request_id}\r\n"
    if answer.headers or more:
        line += "".join(map(_line, {**answer.headers, **more}.items()))
    return line


def _line(header: tuple[str, str]) -> str:
    """Return the line of a header.

    Raises:
        ValueError: A bug of ours: the value has a line break, so a client could add a header.
    """
    name, text = header
    if "\n" in text or "\r" in text:
        raise ValueError(name)
    return f"{name}: {text}\r\n"


def _ticket_in(query: bytes) -> str:
    """Return the ticket in a query; empty if it has none."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=PARAMETERS_MAX_COUNT)
    except ValueError:  # the endpoint refuses such a query
        return ""
    return next((text for name, text in pairs if name == "ticket"), "")


def _check_media_type(sent: str, body: BodyForm) -> None:
    if sent in body.media_types:  # true for nearly all requests
        return
    media_type, _, rest = sent.partition(";")
    media_type = media_type.strip().lower()
    charset = rest.lower().replace(" ", "").replace('"', "").partition("charset=")[2]
    if charset.partition(";")[0] not in ("", "utf-8", "utf8", "us-ascii"):
        raise Problem(415, "media_type", "content-type: expected UTF-8, another charset was stated")
    fits = not media_type or media_type in body.media_types or media_type.endswith("+json")
    if not fits:
        expected = " or ".join(body.media_types)
        raise Problem(415, "media_type", f"content-type: expected {expected}")


def _holder(request: Request) -> str:
    return request.key.id if request.key is not None else request.address


async def _not_yet(_: int) -> bytes:
    raise TypeError("the request is not checked yet")  # a bug of ours
