"""One connection to RabbitMQ through aio-pika: opened, closed, and its errors translated.

Responsible for turning options into a connection whose deliveries our reader takes, and for turning
whatever the libraries raise into `ListenerUnavailable`. Not responsible for what is done with
channels and deliveries.
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
from consumer.options.values import TlsSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aio_pika.abc import AbstractChannel

    from consumer.deliveries.origin import Sender
    from consumer.listeners.rabbitmq.reader import DeliveryReader
    from consumer.listeners.rabbitmq.settings import RabbitmqSettings

CLOSE_GRACE_S = 3.0
"""aiormq waits 2 s for the broker's answer to its close, and a frozen broker gives no answer."""
CLOSE_TIMEOUT_S = 4.5
"""Below the 5 s that a listener has for closing."""
CLOSE_TURNS_COUNT = 20
"""aiormq's last tasks end by themselves, a few turns of the loop after its close has returned."""


class AmqpConnection:
    """One connection with its channels. It is opened once, and closed in any case."""

    def __init__(self, settings: RabbitmqSettings, sender: Sender, *, name: str) -> None:
        """Keep the options. Does no I/O.

        Args:
            settings: Where to connect, and how.
            sender: The sender of everything that is delivered.
            name: The name that the broker's management pages show for this connection.
        """
        self._settings = settings
        self._name = name
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
        self._socket = SocketFactory(
            self._address, tls, sender, max_buffered_bytes=settings.max_buffered_bytes
        )
        self._pika: TappedConnection | None = None

    @property
    def reader(self) -> DeliveryReader | None:
        """The reader that takes the deliveries. None before the socket is connected."""
        return self._socket.reader

    async def open(self, on_lost: Callable[[ListenerUnavailable], object] | None = None) -> None:
        """Connect and log in.

        Args:
            on_lost: Called when the connection ends, whatever ends it.
        """
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
            number: The channel's number. None: the next number that is free.
            confirms: The broker confirms what is published on this channel, and a message that no
                queue takes raises.
            on_lost: Called when the channel ends, also when the broker closes it alone.
        """
        if self._pika is None:
            raise ListenerUnavailable("this connection is not open")
        channel = self._pika.channel(number, publisher_confirms=confirms, on_return_raises=confirms)
        if on_lost is not None:
            channel.close_callbacks.add(lambda _, error: on_lost(self.unavailable(error)))
        await channel.initialize()
        return channel

    async def write(self, frames: bytes) -> None:
        """Write whole frames to the socket, and wait until the kernel has room for more.

        They pass by the queue of aiormq, because aiormq never sends what is still in that queue
        when the connection is closed.
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
        # When its socket is aborted, aiormq ends all of its tasks in order. It would not do so if
        # its close was cancelled.
        abort = asyncio.get_running_loop().call_later(CLOSE_GRACE_S, socket.abort)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pika.close()
        except TimeoutError:
            pass  # nothing more can be done for it than the abort below
        finally:
            abort.cancel()
            socket.abort()
        for _ in range(CLOSE_TURNS_COUNT):
            await asyncio.sleep(0)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what the libraries raise into `ListenerUnavailable`.

        When a call is interrupted because the connection is lost, aiormq raises the reason of the
        loss in it. That may be a `CancelledError` although nobody cancelled the task, or a bare
        `Exception` where aiormq knows no reason.
        """
        try:
            yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self.unavailable(error) from error
        except (AMQPError, OSError, RuntimeError, ConfigError) as error:
            raise self.unavailable(error) from error
        except Exception as error:
            if type(error) is not Exception:
                raise
            raise self.unavailable(error) from error

    def unavailable(self, error: BaseException | None) -> ListenerUnavailable:
        """Return an error that says where, what, and what to do about it."""
        # The broker's own last words say more than aiormq's "expected one of".
        said = self.reader.farewell if self.reader else ""
        if not said and isinstance(error, AMQPError):
            said = " ".join(map(str, error.args))
        text, reason = explain(error, said or str(error or ""), self._settings.queue)
        host, port = self._address
        return ListenerUnavailable(f"{host}:{port}: {text}", reason=reason)
