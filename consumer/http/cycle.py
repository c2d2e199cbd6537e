"""Sends a whole answer with one write.

uvicorn writes the head and the body of an answer with two writes, and checks every header with two
regular expressions. That takes a third of the time of a small request. The application of the
public port finds a faster function in the scope, under `SEND_WHOLE`. It uses uvicorn's function for
streams, and if a large part of the body was not read.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

if TYPE_CHECKING:
    from consumer.http.answer import Answer

SEND_WHOLE: Final = "consumer.send_whole"
"""The name of the coroutine function in the scope of a request: see `AnsweringCycle.send_whole`."""

_FIRST_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}


class AnsweringCycle(RequestResponseCycle):
    """uvicorn's object for one request and its answer."""

    async def send_whole(self, answer: Answer, headers: str) -> None:
        """Send an answer.

        Args:
            answer: The answer. The headers in it are ignored.
            headers: The lines of the headers other than `content-type` and `content-length`, each
                with its line end. The caller has checked every value that comes from a client.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        for name, value in self.default_headers:
            headers += f"{name.decode()}: {value.decode()}\r\n"
        closing = "" if self.keep_alive else "connection: close\r\n"
        head = (
            f"{_FIRST_LINES[answer.status]}content-type: {answer.content_type}\r\n"
            f"content-length: {len(answer.body)}\r\n{headers}{closing}\r\n"
        )
        body = b"" if self.scope["method"] == "HEAD" else answer.body
        self.transport.write(head.encode("latin-1") + body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
