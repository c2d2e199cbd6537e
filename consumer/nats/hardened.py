"""Corrects faults of nats-py's client that a broken network or a hostile sender can use.

Responsible for everything that we know of nats-py's private parts; no other module uses them.
Each method with a leading underscore replaces a method of nats-py, and says what goes wrong without
it. The code was compared with nats-py 2.16. tests/unit/test_nats_internals.py names what a new
version would break, and reports when nats-py has corrected a fault itself, so that a method can be
removed here.

Most of the faults have the same effect: an exception while nats-py reads ends its reading task with
only a line in the log (`Client._read_loop`). The connection then looks alive and stays silent.
After a reconnect, the redelivered message has the same effect again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from typing import Final

import nats.errors
from nats.aio.client import PING_PROTO, Client
from nats.aio.msg import Msg

from consumer.turn import Turn

HEADERS_READ_COUNT: Final = 1000
"""The number of headers of a message that are read. A message may have 250,000 of them."""
SHORT_HEADERS_BYTES: Final = 1024
"""Headers of at most this size are read at once. Most have less than 200 bytes."""
UNREAD_MAX_BYTES: Final = 65_536
"""So much is searched for the server's reason. It is a line of less than 100 bytes."""
LINE_END: Final = b"\r\n"
REASON: Final = re.compile(rb"-ERR '([^'\r\n]*)'")
"""The line with which a server says why it closes the connection."""


class HardenedClient(Client):
    """A client that goes on reading whatever is sent to it, and that can be aborted.

    Attributes:
        requires_tls: If true, no login may be sent without TLS.
        refusal: The server's last complaint that a permission is missing. The request that lacked
            it gets no answer at all, so only this text says why. Empty if there was none.
    """

    requires_tls = False
    refusal = ""

    def __init__(self) -> None:
        super().__init__()
        self._turn = Turn()

    @property
    def is_clustered(self) -> bool:
        """True if the server belongs to a cluster. Only there can a stream have replicas."""
        return bool(self._server_info.get("cluster"))

    async def _process_connect_init(self) -> None:
        """Connect, and raise the server's own reason if it closes the connection meanwhile.

        A server with too many connections sends its first line, the reason, and the end of the
        connection at once. nats-py writes to it before it reads on, and raises "Broken pipe".
        asyncio then closes the socket, also if the reason waits in it. A second handle of the
        socket keeps it open until the reason is read.

        Raises:
            nats.errors.Error: The server's reason, in its own words.
        """
        writer = getattr(self._transport, "_io_writer", None)
        opened = writer and writer.get_extra_info("socket")
        with opened.dup() if opened else contextlib.nullcontext() as second:
            try:
                await super()._process_connect_init()
            except (OSError, RuntimeError, nats.errors.Error) as error:
                # uvloop raises RuntimeError for a write to a connection that was reset.
                reader = getattr(self._transport, "_io_reader", None)
                # `read` would raise the error of the connection, and not return what came before.
                unread = bytes(getattr(reader, "_buffer", b"")) + _left_in(second)
                found = REASON.search(unread)
                if found is None:
                    raise
                raise nats.errors.Error(found[1].decode("utf-8", "backslashreplace")) from error

    def _connect_command(self) -> bytes:
        """Make the login, but refuse to send it without TLS if TLS is required.

        nats-py only uses TLS if the server's first line says so, whatever the URL says. An attacker
        on the network could remove this from the line, and read the password.

        Raises:
            nats.errors.SecureConnWantedError: The server does not offer TLS.
        """
        offered = bool(self._server_info.get("tls_required")) or self.options["tls_handshake_first"]
        if self.requires_tls and not offered:
            raise nats.errors.SecureConnWantedError
        command: bytes = super()._connect_command()
        return command

    async def _process_headers(self, headers: bytes | None) -> dict[str, str] | None:
        """Read the headers of a message. Return None if they are broken, as for no headers.

        nats-py raises an error for a first line that is cut off or is not UTF-8.

        It also reads any number of headers, which takes more than a microsecond each, and goes on
        with the next message without a pause. A message of 1 MiB held the event loop for 140 ms. So
        only the first `HEADERS_READ_COUNT` headers are read, and other tasks get their turns.
        """
        if headers is not None and len(headers) > SHORT_HEADERS_BYTES:
            await self._turn.give_way()
            headers = _first_headers(headers)
        try:
            return await super()._process_headers(headers)
        except (ValueError, IndexError):
            return None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        """Make a message. In a subject, bytes that are not UTF-8 are escaped.

        The server accepts any bytes, and nats-py raises an error for them. nats-py's method is not
        called first, because a second call for each message costs 0.2 us.
        """
        return Msg(
            self,
            subject.decode("utf-8", "backslashreplace"),
            reply.decode("utf-8", "backslashreplace"),
            data,
            headers,
            _sid=sid,
        )

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        """Send a PING behind everything that was published before.

        nats-py writes the PING to the socket at once, before the messages in its buffer. Then the
        answer to a `flush` would prove nothing, and `drain` would lose the messages that the server
        sends between PING and UNSUB. test_flush_is_behind_what_was_published shows the fault.
        """
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        await self._send_command(PING_PROTO)
        await self._flush_pending()

    async def _process_pong(self) -> None:
        """Take a PONG, also if nobody waits for it any more.

        nats-py also sets the result of a `flush` that was given up, which raises an error.
        test_check_of_a_frozen_server_leaves_the_connection_whole shows the fault.
        """
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _process_op_err(self, e: Exception) -> None:
        """End the connection at once after an error.

        nats-py first sends the bytes that wait to be sent, to a peer that is gone or frozen. Then
        it raises an error or waits for ever, and the loss is not reported. The bytes are lost in
        any case, and their owner sends them again.
        test_connection_that_ends_with_bytes_waiting_is_noticed shows the fault.
        """
        self._pending = []
        self._pending_data_size = 0
        self.abort()
        await super()._process_op_err(e)

    def abort(self) -> None:
        """Close the socket at once, without sending the bytes that wait to be sent.

        nats-py only offers `close`, which sends these bytes first.
        """
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()


def _left_in(connection: socket.socket | None) -> bytes:
    """Return what has arrived and was not read. The connection may be broken."""
    if connection is None:
        return b""
    try:
        return connection.recv(UNREAD_MAX_BYTES, socket.MSG_DONTWAIT)
    except OSError:
        return b""


def _first_headers(headers: bytes) -> bytes:
    """Return the first line, and the first `HEADERS_READ_COUNT` headers."""
    lines = headers.split(LINE_END, HEADERS_READ_COUNT + 1)
    if len(lines) <= HEADERS_READ_COUNT + 1:
        return headers
    return LINE_END.join(lines[:-1]) + LINE_END
