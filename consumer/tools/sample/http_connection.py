"""Asks an HTTP server over one connection, which stays open between requests.

It is made for tools: it asks one request at a time, and tries nothing twice.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httptools  # type: ignore[import-untyped]  # it comes without types
import msgspec

from consumer.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_BYTES: Final = 64 * 1024
CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 15.0
"""How long an answer may take. A daemon with default options answers within 10 s."""


class HttpTarget(msgspec.Struct, frozen=True):
    """The server that is asked.

    Attributes:
        host: The name or the address.
        port: The port.
        path: What stands before every path, such as `/casino`. Usually empty.
        context: The TLS context. None means plain HTTP.
    """

    host: str
    port: int
    path: str = ""
    context: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        """The host and the port, as the header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class HttpReply:
    """The answer to a request. httptools calls the methods that begin with `on_`.

    Attributes:
        status: The status code. 0 until the answer is complete.
        headers: The headers, with names in lower case.
        body: The body.
        keeps_alive: If false, the server closes the connection after this answer.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.keeps_alive = False
        self._parser = httptools.HttpResponseParser(self)

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Read until the answer is complete.

        Raises:
            ConnectionError: The connection was lost, or this is no HTTP.
        """
        while not self.status:
            data = await reader.read(READ_BYTES)
            if not data:
                raise ConnectionError("the server closed the connection")
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError as error:
                raise ConnectionError(f"the answer is no HTTP: {error}") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        self.body += data

    def on_message_complete(self) -> None:
        """Note that the answer is complete."""
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()


class HttpConnection:
    """A connection to a server. It is opened by the first request, and again after a loss.

    Args:
        target: The server.
        headers: The headers of every request.
    """

    def __init__(self, target: HttpTarget, headers: Mapping[str, str]) -> None:
        self._target = target
        self._headers = {"host": target.authority, **headers}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> HttpReply:
        """Send a request, and wait for its answer.

        Raises:
            Unavailable: The server cannot be reached.
            ConnectionError: The connection was lost before the answer was complete.
            TimeoutError: There was no answer in time.

        Cancelling: the connection is closed, because its answer would still come.
        """
        reader, writer = await self._opened()
        lines = {**self._headers, **headers, "content-length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        # All of it is buffered, and nothing waits for its departure: a server may answer before it
        # has read the body, and then reads no more.
        writer.write(f"{method} {self._target.path}{path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        reply = HttpReply()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await reply.read(reader)
        finally:
            if not reply.keeps_alive:
                self.close()
        return reply

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            target = self._target
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    self._streams = await asyncio.open_connection(
                        target.host, target.port, ssl=target.context
                    )
            except (OSError, TimeoutError) as error:
                why = str(error) or "no answer in time"
                raise Unavailable(f"{target.authority}: {why}: does the server run?") from error
        return self._streams

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def target_of(url: str, context: ssl.SSLContext | None = None) -> HttpTarget:
    """Return the server of a URL.

    Args:
        url: A URL with `http` or `https`.
        context: The TLS context for `https`. None means that the system's authorities are trusted.

    Raises:
        ValueError: The text is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(url)
    is_tls = parts.scheme == "https"
    if is_tls and context is None:
        context = ssl.create_default_context()
    port = parts.port or (443 if is_tls else 80)
    return HttpTarget(parts.hostname, port, parts.path.rstrip("/"), context if is_tls else None)


def trusting_only(cert_file: str) -> ssl.SSLContext:
    """Return a TLS context that trusts this certificate, whatever name the server is called by.

    Raises:
        OSError: The file cannot be read, or is no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cert_file)
    return context
