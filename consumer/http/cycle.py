"""One request and its answer, as the connection keeps them.

uvicorn writes the head and the body of an answer with two writes, and checks every header with two
regular expressions. That takes a third of the time of a small request. Here an answer is one write.

- `AnsweringCycle` is uvicorn's object, for a request that a task answers. The application finds the
  faster function in the scope, under `SEND_WHOLE`. If a large part of the body was not read, it
  uses uvicorn's function.
- `WholeCycle` is for a request that arrived in one piece, and is answered without a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from consumer.http.answer import Answer

SEND_WHOLE: Final = "consumer.send_whole"
"""The name of the coroutine function in the scope of a request: see `AnsweringCycle.send_whole`."""

WITHOUT_LENGTH: Final = frozenset((HTTPStatus.NO_CONTENT.value, HTTPStatus.NOT_MODIFIED.value))
"""The answers that have no body, and no `Content-Length` of 0 either: RFC 9110, 8.6."""
AsgiEvent = MutableMapping[str, Any]
SendNow = Callable[[Answer, str], None]
"""Sends an answer: see `WholeCycle.send`."""
TakeWhole = Callable[[AsgiEvent, bytes, SendNow], None]
"""Takes the scope and the body of a request that arrived in one piece, and answers it now or later.
It never raises."""

_FIRST_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
_NOBODY_WAITS: Final = asyncio.Event()
"""The event that uvicorn sets when a client has gone. Nothing waits for it in a `WholeCycle`."""


@lru_cache(maxsize=8)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> str:
    return "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in headers)


def written(
    answer: Answer,
    headers: str,
    default_headers: tuple[tuple[bytes, bytes], ...],
    *,
    keep_alive: bool,
    has_body: bool = True,
) -> bytes:
    """Return the text of a whole answer.

    Args:
        answer: The answer. The headers in it are ignored.
        headers: The lines of the headers other than `content-type` and `content-length`, each with
            its line end. The caller has checked every value that comes from a client.
        default_headers: Further headers, such as the date.
        keep_alive: If false, the answer says that the connection is closed behind it.
        has_body: False for an answer to HEAD, which has the length of the body, but no body.
    """
    closing = "" if keep_alive else "connection: close\r\n"
    length = "" if answer.status in WITHOUT_LENGTH else f"content-length: {len(answer.body)}\r\n"
    head = (
        f"{_FIRST_LINES[answer.status]}content-type: {answer.content_type}\r\n"
        f"{length}{headers}{_lines(default_headers)}{closing}\r\n"
    )
    text = head.encode("latin-1")
    return text + answer.body if has_body else text


class AnsweringCycle(RequestResponseCycle):
    """uvicorn's object for one request and its answer."""

    async def send_whole(self, answer: Answer, headers: str) -> None:
        """Send an answer. For the arguments, see `written`."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        has_body = self.scope["method"] != "HEAD"
        self.transport.write(
            written(
                answer,
                headers,
                tuple(self.default_headers),
                keep_alive=self.keep_alive,
                has_body=has_body,
            )
        )
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class WholeCycle:
    """A request that arrived in one piece, and its answer.

    It has those attributes of uvicorn's object that connections look at.

    Args:
        transport: The connection.
        default_headers: Further headers of the answer.
        on_response: Is called behind the answer.
        keep_alive: If false, the connection is closed behind the answer.
    """

    __slots__ = (
        "_default_headers", "_on_response", "_transport", "disconnected", "keep_alive",
        "response_complete",
    )  # fmt: skip
    body = b""
    response_started = False
    message_event = _NOBODY_WAITS

    def __init__(
        self,
        transport: asyncio.Transport,
        default_headers: tuple[tuple[bytes, bytes], ...],
        on_response: Callable[[], None],
        *,
        keep_alive: bool,
    ) -> None:
        self._transport = transport
        self._default_headers = default_headers
        self._on_response = on_response
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def send(self, answer: Answer, headers: str) -> None:
        """Send the answer, unless the client has gone. For the arguments, see `written`."""
        if self.disconnected or self.response_complete:
            return
        self.response_complete = True
        keep_alive = self.keep_alive
        self._transport.write(
            written(answer, headers, self._default_headers, keep_alive=keep_alive)
        )
        if not keep_alive:
            self._transport.close()
        self._on_response()
