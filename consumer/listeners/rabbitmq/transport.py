"""Opens the socket under aio-pika, and puts our reader between the socket and aiormq.

aio-pika makes its connection with aiormq, and aiormq lets a factory open the socket. The factory is
the only place where the bytes of a delivery can be taken before aiormq makes objects of them.

Apart from exceptions and default ports, only this module uses what lies below aio-pika's documented
connections, channels and queues. tests/unit/test_rabbitmq_transport.py fails when a new version of
a library changes what is used.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import aio_pika
from aio_pika.abc import ConnectionParameter
from aiormq.connection import TransportFactory

from consumer.listeners.rabbitmq.reader import DeliveryReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_pika.abc import AbstractChannel

    from consumer.deliveries.origin import Sender
    from consumer.options.values import TlsSettings


async def watch_consumers(channel: AbstractChannel, on_cancelled: Callable[[], object]) -> None:
    """Call a function when the broker cancels a consumer and leaves its channel open.

    aio-pika does not report the cancelling, and no more deliveries arrive. aiormq reports it.
    """
    below = await channel.get_underlay_channel()
    below.on_consumer_cancel_callbacks.add(lambda _frame: on_cancelled())


class TappedConnection(aio_pika.Connection):
    """aio-pika's plain connection with one more parameter, `transport_factory`.

    It does not reconnect: after a loss the supervisor makes another listener, as
    docs/decisions/0003-our-own-reconnect.md explains.
    """

    # aio-pika hands these parameters on to aiormq, and drops all other parameters. Its own class
    # RobustConnection adds parameters in the same way.
    PARAMETERS = (
        *aio_pika.Connection.PARAMETERS,
        ConnectionParameter(
            name="transport_factory", parser=lambda factory: factory, is_kwarg=True
        ),
    )


class SocketFactory(TransportFactory):
    """Opens one socket for aiormq, and keeps both ends of it for the listener.

    Attributes:
        reader: Takes the deliveries out of what the socket receives. None before the socket is
            connected.
        writer: Writes to the socket. None before the socket is connected. aiormq writes with the
            same object. Each write, of aiormq and of ours, consists of whole frames, so the frames
            never mix.
    """

    def __init__(
        self,
        address: tuple[str, int],
        tls: TlsSettings | None,
        sender: Sender,
        *,
        max_buffered_bytes: int,
    ) -> None:
        """Keep what the socket and its reader need. Does no I/O.

        Args:
            address: The broker's host and port.
            tls: The TLS options. None means no TLS.
            sender: The sender of everything that is delivered.
            max_buffered_bytes: See `DeliveryReader`.
        """
        self._address = address
        self._tls = tls
        self._sender = sender
        self._max_buffered_bytes = max_buffered_bytes
        self.reader: DeliveryReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def create(
        self, url: object, **options: object
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, with TLS if the options say so. aiormq calls this method once for a connection.

        The arguments from aiormq are not used: the address, which it got from us, and the TLS
        options in aiormq's own form.

        Raises:
            ConfigError: A file of the TLS options cannot be used.
            OSError: The broker cannot be reached.
        """
        del url, options
        host, port = self._address
        if self._tls is None:
            stream, writer = await asyncio.open_connection(host, port)
        else:
            stream, writer = await asyncio.open_connection(
                host,
                port,
                ssl=self._tls.context(),
                server_hostname=self._tls.server_hostname or host,
            )
        # Not checked with isinstance: uvloop's transports have all methods of asyncio.Transport
        # and are no subclasses of it.
        socket = cast("asyncio.Transport", writer.transport)
        self.reader = DeliveryReader(
            socket, self._sender, max_buffered_bytes=self._max_buffered_bytes
        )
        # AMQP's client speaks first, so nothing has been received yet.
        socket.set_protocol(self.reader)
        self.writer = writer
        return stream, writer
