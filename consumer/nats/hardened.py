"""Mends nats-py's client where a broken network or a hostile sender would silence it.

Responsible for everything that we know of nats-py's private parts; no other module uses them.
Each method below overrides one of nats-py's, and says what goes wrong without it. Read against
nats-py 2.16. tests/unit/test_nats_internals.py names what a new version would break, and tells when
nats-py has mended a fault itself, so that a method here can go.

Most of the faults have the same effect: an exception while nats-py reads ends its reading task with
a line in the log and nothing else (`Client._read_loop`). The connection then looks alive and stays
silent, and after a reconnect the redelivered message does the same again.
"""

from __future__ import annotations

import asyncio

import nats.errors
from nats.aio.client import PING_PROTO, Client
from nats.aio.msg import Msg


class HardenedClient(Client):
    """A client that goes on reading whatever is sent to it, and that can be cut off.

    Attributes:
        requires_tls: Whether TLS was asked for, so that no login may be sent without it.
    """

    requires_tls = False

    def _connect_command(self) -> bytes:
        """Make the login, but refuse to send it over a plain connection where TLS was asked for.

        nats-py encrypts only if the server's first line says so, whatever the URL says. Somebody
        in between could remove that from the line, and read the password.

        Raises:
            nats.errors.SecureConnWantedError: The server does not offer TLS.
        """
        offered = bool(self._server_info.get("tls_required")) or self.options["tls_handshake_first"]
        if self.requires_tls and not offered:
            raise nats.errors.SecureConnWantedError
        command: bytes = super()._connect_command()
        return command

    async def _process_headers(self, headers: bytes | None) -> dict[str, str] | None:
        """Read the headers of a message. None where they are broken, as if it had none.

        nats-py raises for a first line that is cut off or is not UTF-8.
        """
        try:
            return await super()._process_headers(headers)
        except (ValueError, IndexError):
            return None

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        """Make a message, also with a subject that is not UTF-8: its odd bytes are escaped.

        The server lets every byte pass; nats-py raises. It is not asked first, because a second
        call for each message costs 0.2 us.
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
        """Send a PING behind what was published before it.

        nats-py writes the PING to the socket at once, in front of what waits in its buffer. An
        answered `flush` would then prove nothing, and `drain` would lose what the server sends
        between PING and UNSUB. test_flush_is_behind_what_was_published shows it.
        """
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        await self._send_command(PING_PROTO)
        await self._flush_pending()

    async def _process_pong(self) -> None:
        """Take a PONG, also if nobody waits for it any more.

        nats-py sets the result of a `flush` that was given up as well, which raises.
        test_check_of_a_frozen_server_leaves_the_connection_whole shows it.
        """
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _process_op_err(self, e: Exception) -> None:
        """Lose the connection at once.

        nats-py first sends what waits to be sent, to a peer that is gone or frozen. It then raises
        or waits for ever, and nobody is told. What waits is lost either way, and its owner sends
        it again. test_connection_that_ends_with_bytes_waiting_is_noticed shows it.
        """
        self._pending = []
        self._pending_data_size = 0
        self.abort()
        await super()._process_op_err(e)

    def abort(self) -> None:
        """Close the socket at once, without sending what waits to be sent.

        nats-py offers only `close`, which sends it first.
        """
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
