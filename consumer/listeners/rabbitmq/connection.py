"""Opens and closes one connection to RabbitMQ through aio-pika, and translates its errors.

Responsible for making a connection from the options, and for turning every error of the libraries
into `ListenerUnavailable`. Our own reader (`reader.py`) takes the deliveries of the connection. Not
responsible for what is done with channels and deliveries.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError
from aiormq.connection import DEFAULT_PORTS

from consumer.errors import ConfigError, ListenerUnavailable
from consumer.listeners.rabbitmq.explain import explain
from consumer.listeners.rabbitmq.transport import SocketFactory, TappedConnection
from consumer.options.refresh import refreshed
from consumer.options.values import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aio_pika.abc import AbstractChannel

    from consumer.deliveries.origin import Sender
    from consumer.listeners.rabbitmq.reader import DeliveryReader
    from consumer.listeners.rabbitmq.settings import RabbitmqSettings

CLOSE_GRACE_S = 3.0
"""The time after which a close aborts the socket, in seconds. aiormq waits 2 s for the broker's
answer, and a frozen broker gives no answer."""
CLOSE_TIMEOUT_S = 4.5
"""Less than the 5 s that a listener has for closing."""
CLOSE_TURNS_COUNT = 20
"""The turns of the event loop for which a close waits at its end. aiormq's last tasks end by
themselves, a few turns after aiormq's own close has returned."""


class AmqpConnection:
    """One connection with its channels. The connection is opened only once."""

    def __init__(self, settings: RabbitmqSettings, sender: Sender, *, name: str) -> None:
        """Keep the options. Does no I/O.

        Args:
            settings: The options of the listener.
            sender: The sender of everything that is delivered.
            name: The name that the broker's management pages show for this connection.
        """
        self._settings = settings
        self._sender = sender
        self._name = name
        self._aim(settings)
        self._pika: TappedConnection | None = None

    def _aim(self, settings: RabbitmqSettings) -> None:
        """Take address, login and TLS options from the settings. Does no I/O."""
        url = make_url(settings.url, heartbeat=settings.heartbeat_s, auth=settings.auth)
        if settings.tls is not None:
            url = url.with_scheme("amqps")
        if settings.user is not None:
            url = url.with_user(settings.user).with_password(url.password)
        if settings.password is not None:
            url = url.with_password(settings.password)
        self._url = url
        self._address = (url.host or "", url.port or DEFAULT_PORTS[url.scheme])
        tls = (settings.tls or TlsSettings()) if url.scheme == "amqps" else None
        self._tls = tls is not None
        self._socket = SocketFactory(
            self._address, tls, self._sender, max_buffered_bytes=settings.max_buffered_bytes
        )

    @property
    def reader(self) -> DeliveryReader | None:
        """The reader that takes the deliveries. It is None before the socket is connected."""
        return self._socket.reader

    async def open(self, on_lost: Callable[[ListenerUnavailable], object] | None = None) -> None:
        """Connect and log in.

        Args:
            on_lost: A function that is called when the connection ends, whatever ends it.

        Raises:
            ConfigError: The file of a secret, or of the TLS options, cannot be used.
        """
        self._aim(refreshed(self._settings))
        pika = TappedConnection(
            self._url,
            client_properties={"connection_name": self._name, "product": "consumer"},
            transport_factory=self._socket,
        )
        if on_lost is not None:
            pika.close_callbacks.add(lambda _, error: on_lost(self.unavailable(error)))
        self._pika = pika
        await pika.connect()
        if self.reader is not None:
            self.reader.watch(self._settings.heartbeat_s)

    async def channel(
        self,
        number: int | None = None,
        *,
        confirms: bool = False,
        on_lost: Callable[[ListenerUnavailable], object] | None = None,
    ) -> AbstractChannel:
        """Open a channel.

        Args:
            number: The channel's number. None means the next number that is free.
            confirms: If true, the broker confirms every message that is published on this channel,
                and to publish a message that no queue takes raises an error.
            on_lost: A function that is called when the channel ends, also when the broker closes
                only this channel.
        """
        if self._pika is None:
            raise ListenerUnavailable("this connection is not open")
        channel = self._pika.channel(number, publisher_confirms=confirms, on_return_raises=confirms)
        if on_lost is not None:
            channel.close_callbacks.add(lambda _, error: on_lost(self.unavailable(error)))
        await channel.initialize()
        return channel

    async def write(self, frames: bytes) -> None:
        """Write whole frames to the socket, and wait until the socket has room for more.

        The frames do not go through the queue of aiormq, because aiormq drops the frames that are
        still in its queue when the connection is closed.
        """
        writer = self._socket.writer
        if writer is not None:
            writer.write(frames)
            await writer.drain()

    async def close(self) -> None:
        """Close the connection within 5 s, whatever state it is in."""
        if self._pika is None:
            return
        if self._socket.reader is None or self._socket.writer is None:
            await self._pika.close()
            return
        self._socket.reader.discard()
        socket = self._socket.writer.transport
        # aiormq ends all of its tasks in order when its socket is aborted, but not when its close
        # is cancelled.
        abort = asyncio.get_running_loop().call_later(CLOSE_GRACE_S, socket.abort)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pika.close()
        except TimeoutError:
            pass  # only the abort below is left to do
        finally:
            abort.cancel()
            socket.abort()
        for _ in range(CLOSE_TURNS_COUNT):
            await asyncio.sleep(0)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the errors of the libraries into `ListenerUnavailable`.

        When the connection is lost during a call, the call raises the reason of the loss. The
        reason may be a `CancelledError` although nobody cancelled the task, or a bare `Exception`
        where aiormq knows no reason.
        """
        try:
            yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self.unavailable(error) from error
        except (AMQPError, OSError, RuntimeError, ValueError, ConfigError) as error:
            # ValueError: a name is longer than 255 bytes, or the host has an impossible name.
            raise self.unavailable(error) from error
        except Exception as error:
            # aiormq raises a bare `Exception` where it knows no reason. Any other class is a bug.
            if type(error) is not Exception:
                raise
            raise self.unavailable(error) from error

    def unavailable(self, error: BaseException | None) -> ListenerUnavailable:
        """Return an error with the address, the cause, and what to do about the cause."""
        # The broker's own text says more than aiormq's text "expected one of".
        said = self.reader.farewell if self.reader else ""
        if not said and isinstance(error, AMQPError):
            said = " ".join(map(str, error.args))
        text, reason = explain(error, said or str(error or ""), self._settings.queue, tls=self._tls)
        host, port = self._address
        return ListenerUnavailable(f"{host}:{port}: {text}", reason=reason)
