"""Sends a stream as Server-Sent Events: the body of an answer that does not end.

See https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.http.stream import StreamConnection

if TYPE_CHECKING:
    from consumer.http.outlet import StreamSession


class SentEvents(StreamConnection):
    """A stream of Server-Sent Events.

    Args:
        session, head, request_id: See `StreamConnection`.
        is_chunked: If true, each message is a chunk. HTTP/1.0 has no chunks: there the stream is
            all that comes until the connection ends.
    """

    def __init__(
        self, session: StreamSession, head: bytes, request_id: str, *, is_chunked: bool
    ) -> None:
        super().__init__(session, head, request_id)
        self._is_chunked = is_chunked

    def send(self, *parts: bytes) -> None:
        """Send one event, with one write."""
        size_bytes = sum(map(len, parts))
        if not self.is_open or not size_bytes:  # an empty chunk would end the stream
            return
        if self._is_chunked:
            data = b"".join((b"%x\r\n" % size_bytes, *parts, b"\r\n"))
        else:
            data = b"".join(parts)
        self._sent_bytes += len(data)
        self._transport.write(data)
        if self._is_full:
            self._check_held()

    def data_received(self, data: bytes) -> None:
        """Throw away what the client sends: further requests get no answer."""
        self._ignore(data)

    def _write_end(self, code: int, reason: str) -> None:
        """Send the end of the body, behind which the connection ends."""
        del code, reason
        if self._is_chunked:
            self._write(b"0\r\n\r\n")
        self._write_eof()
