"""Opens the stream that a request asks for, once its key was checked.

A request asks for a WebSocket with its Upgrade header, and for Server-Sent Events with its Accept
header. A wrong handshake of a WebSocket is refused before the session is made. So each session that
is made also runs.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from consumer.http.answer import Problem
from consumer.http.sent_events import SentEvents
from consumer.http.stream import StreamConnection
from consumer.http.websocket import MESSAGE_MAX_BYTES, WebSocket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from consumer.http.cors import Cors
    from consumer.http.cycle import AsgiEvent
    from consumer.http.endpoint import Endpoint
    from consumer.http.request import Request

TakeOver = Callable[[Callable[[], StreamConnection]], None]
"""Makes a stream, and lets it take the place of the connection. Raises what the function raises,
or `Problem` if the client has gone."""
TAKE_OVER: Final = "consumer.take_over"
"""The name of the `TakeOver` in the scope of a request."""
IS_WEBSOCKET: Final = "consumer.is_websocket"
"""Is in the scope of a request that asks for a WebSocket, and of no other request."""
SUBPROTOCOL: Final = Subprotocol("consumer.v1")
EVENT_STREAM: Final = "text/event-stream"


def wants_websocket(version: str, method: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request asks for a WebSocket. Such a request has no body."""
    if version != "1.1" or method != b"GET":
        return False
    by_name = dict(headers)
    if by_name.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in by_name:
        return False
    return by_name.get(b"upgrade", b"").strip().lower() == b"websocket"


async def opened(endpoint: Endpoint, scope: AsgiEvent, request: Request, cors: Cors) -> int | None:
    """Open the stream of a request.

    Returns:
        The status with which it was answered. None if the request asks for no stream.

    Raises:
        Problem, KeyRefused: No stream was opened, and the request is answered with this.
    """
    open_stream = endpoint.open_stream
    take_over: TakeOver | None = scope.get(TAKE_OVER)
    if open_stream is None or take_over is None or request.method != "GET":
        return None
    if request.wants_websocket:
        _check_origin(scope["headers"], request, cors)
        protocol = ServerProtocol(
            select_subprotocol=_select, state=State.OPEN, max_size=MESSAGE_MAX_BYTES
        )
        head = _accepted(protocol, scope["headers"], request.id)
        take_over(lambda: WebSocket(open_stream(request), head, request.id, protocol))
        return HTTPStatus.SWITCHING_PROTOCOLS
    if not _wants_events(request.headers.get("accept", "")):
        return None
    if endpoint.check_stream is not None:
        await endpoint.check_stream(request)
    is_chunked = scope["http_version"] == "1.1"
    more = cors.headers(request.headers.get("origin"))
    head = _head_of_events(request.id, more, is_chunked=is_chunked)
    take_over(
        lambda: SentEvents(open_stream(request), head, request.id, is_chunked=is_chunked),
    )
    return HTTPStatus.OK


def _check_origin(headers: Iterable[tuple[bytes, bytes]], request: Request, cors: Cors) -> None:
    """Refuse the page of another origin.

    A browser sends cookies with the WebSocket of any page, and does not ask for permission.
    """
    if any(name == b"cookie" for name, _ in headers) and not cors.allows(
        request.headers.get("origin")
    ):
        raise Problem(
            403, "origin", "a WebSocket with a cookie needs an Origin that http.cors_origins lists"
        )


def _accepted(
    protocol: ServerProtocol, headers: Iterable[tuple[bytes, bytes]], request_id: str
) -> bytes:
    """Return the text that accepts a WebSocket."""
    sent = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    response = protocol.accept(Handshake("", sent))
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        why = protocol.handshake_exc
        raise Problem(400, "websocket", f"the handshake of the WebSocket is wrong: {why}")
    response.headers["X-Request-Id"] = request_id
    return response.serialize()


def _select(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    if not offered:
        return None
    if SUBPROTOCOL not in offered:
        raise NegotiationError(f"expected the subprotocol {SUBPROTOCOL}, or none")
    return SUBPROTOCOL


def _wants_events(accept: str) -> bool:
    """Tell whether Server-Sent Events are asked for by their name."""
    types = (each.partition(";")[0].strip().lower() for each in accept.split(","))
    return EVENT_STREAM in types


def _head_of_events(request_id: str, more: Mapping[str, str], *, is_chunked: bool) -> bytes:
    headers = {
        "content-type": EVENT_STREAM,
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "x-request-id": request_id,
        **more,
        "date": formatdate(usegmt=True),
        "connection": "close",
    }
    if is_chunked:
        headers["transfer-encoding"] = "chunked"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode("latin-1")
