"""Defines a request as an endpoint sees it: checked, with its key, and its body not read yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import msgspec

from consumer.access.key import Key
from consumer.access.ticket import StreamTicket

WANTED: Final = {
    name.encode(): name
    for name in (
        "accept",
        "accept-encoding",
        "authorization",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "idempotency-key",
        "if-none-match",
        "last-event-id",
        "origin",
        "transfer-encoding",
        "user-agent",
        "x-api-key",
        "x-forwarded-for",
        "x-hub88-signature",
        "x-request-id",
        "x-request-sign",
        "x-signature",
    )
}
"""The headers that a `Request` keeps."""
LISTS: Final = frozenset(
    ("x-forwarded-for", "accept", "accept-encoding", "content-encoding", "if-none-match")
)
"""The headers that a client may send several times. Their values are joined to one list."""
ReadBody = Callable[[int], Awaitable[bytes]]
"""Reads the whole body, up to a number of bytes."""


class Request(msgspec.Struct, eq=False, kw_only=True):
    """A request that passed all checks up to its media type.

    Attributes:
        id: The request id, which the answer, the log and the dead letter show.
        method: The verb, in upper case.
        path: The path as it was sent, without the query.
        parameters: The variable parts of the path, by their names. They are decoded.
        query: The query as it was sent, without the question mark.
        headers: The headers that an endpoint may want, by their names in lower case. Of several
            headers with one name, the last counts.
        address: The client's address, without a port.
        key: The key. None only for an endpoint that needs no key.
        read_body: Reads the body. Raises `Problem` for a body that is too large (413), too slow
            (408) or cut off.
        wants_websocket: True if the request asks for a WebSocket.
        ticket: The ticket that the request has in place of its key. None if it has none.
    """

    id: str
    method: str
    path: str
    parameters: Mapping[str, str]
    query: bytes
    headers: Mapping[str, str]
    address: str
    key: Key | None
    read_body: ReadBody
    ticket: StreamTicket | None = None
    wants_websocket: bool = False


def key_of(request: Request) -> Key:
    """Return the key of a request to an endpoint that needs a key."""
    if request.key is None:
        raise TypeError("this endpoint needs a key")  # a bug of ours
    return request.key


def wanted_headers(sent: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that a `Request` keeps, of all that were sent."""
    headers: dict[str, str] = {}
    for raw_name, value in sent:
        name = WANTED.get(raw_name)
        if name is None:
            continue
        text = value.decode("latin-1")
        if name in LISTS and name in headers:
            text = f"{headers[name]}, {text}"
        headers[name] = text
    return headers


def key_text_in(headers: Mapping[str, str]) -> str | None:
    """Return the text of the key, from `Authorization` or else from `X-Api-Key`."""
    bearer = headers.get("authorization", "")
    if bearer[:7].lower() == "bearer ":
        return bearer[7:].strip()
    return headers.get("x-api-key")
