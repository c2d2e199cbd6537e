"""One AMQP connection: its options, its transport, and what its errors mean to an operator.

Responsible for turning settings into an aiormq connection whose stream is a `DeliveryReader`, and
for translating whatever aiormq raises. Not for channels and deliveries.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import aiormq
import aiormq.exceptions as amqp
from aiormq.connection import DEFAULT_PORTS, TransportFactory
from msgspec import Meta
from yarl import URL

from consumer.errors import ConfigError, ListenerUnavailable
from consumer.listeners.base import ListenerSettings
from consumer.listeners.rabbitmq.reader import DeliveryReader
from consumer.options.values import Count, Seconds, Secret, Text, TlsSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.deliveries.origin import Sender

AmqpUrl = Annotated[
    str,
    Meta(
        pattern=r"^amqps?://[^\s/]+[^\s]*$",
        description="a URL that starts with amqp:// or amqps://",
        extra={"secret": True, "url": True},
    ),
]


class RabbitmqSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a listener on one RabbitMQ queue.

    Attributes:
        url: `amqp://user:password@host:port/vhost`, `amqps://` with TLS. No path: vhost `/`.
        user, password: instead of those in the URL.
        auth: how to log in; `external` takes the name from our TLS certificate.
        tls: TLS options; switches TLS on for an `amqp://` URL too.
        queue: where to consume. Taken as it is unless `declare` is true.
        declare: create the queue, durable, where it is missing.
        queue_type: of a queue created so. A quorum queue is replicated, but from RabbitMQ 4 it
            drops a message after 20 failed deliveries unless a policy says otherwise.
        prefetch_count: at most so many unsettled deliveries; 1 to 65,535.
        heartbeat_s: the broker and we hear of each other at least so often, in whole seconds;
            a silent connection is given up after about three of them.
        connect_timeout_s: for connecting, logging in and starting to consume, together.
        consumer_timeout_s: the broker's `consumer_timeout`: it takes away what is unsettled for
            longer. Let go at 80 % of it. https://www.rabbitmq.com/docs/consumers
    """

    url: AmqpUrl = "amqp://guest:guest@127.0.0.1:5672/"
    user: Text | None = None
    password: Secret | None = None
    auth: Literal["plain", "external"] = "plain"
    tls: TlsSettings | None = None
    queue: Text
    declare: bool = False
    queue_type: Literal["classic", "quorum"] = "classic"
    prefetch_count: Annotated[Count, Meta(le=65_535)] = 2000
    heartbeat_s: Annotated[Count, Meta(le=3600)] = 10
    connect_timeout_s: Seconds = 5.0
    consumer_timeout_s: Seconds = 1800.0


class Transport(TransportFactory):
    """Opens the socket for aiormq and keeps both ends of it, because the fast path needs them.

    Attributes:
        reader: takes the deliveries; None before there was a connection.
        writer: shared with aiormq; every write is whole frames, so they never mix.
    """

    def __init__(self, settings: RabbitmqSettings, sender: Sender) -> None:
        """Keep settings and sender. Does no I/O."""
        self._settings = settings
        self._sender = sender
        self.reader: DeliveryReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def create(
        self,
        url: URL,
        **kwargs: Any,  # noqa: ANN401, ARG002  # aiormq's signature
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, with TLS where it is wanted. aiormq calls this once."""
        loop = asyncio.get_running_loop()
        reader = DeliveryReader(
            loop, self._sender, max_buffered_bytes=self._settings.max_buffered_bytes
        )
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        options: dict[str, Any] = {}
        if url.scheme == "amqps":
            tls = self._settings.tls or TlsSettings()
            options = {"ssl": tls.context(), "server_hostname": tls.server_hostname or url.host}
        port = url.port or DEFAULT_PORTS[url.scheme]
        transport, _ = await loop.create_connection(
            lambda: protocol, url.host or "", port, **options
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        self.reader, self.writer = reader, writer
        return reader, writer

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what aiormq raises into `ListenerUnavailable`.

        A call that the loss of the connection interrupts ends with a `CancelledError` that nobody
        asked for, or with a bare `Exception`: aiormq passes on the reason of its close, if any.
        """
        try:
            yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self.unavailable(error) from error
        except (amqp.AMQPError, OSError, RuntimeError, ConfigError) as error:
            raise self.unavailable(error) from error
        except Exception as error:
            if type(error) is not Exception:
                raise
            raise self.unavailable(error) from error

    def unavailable(self, error: BaseException | None) -> ListenerUnavailable:
        """Say where, what and what to do about it."""
        url = URL(self._settings.url)
        port = url.port or DEFAULT_PORTS[url.scheme]
        # What the broker said last is better than aiormq's "expected one of".
        said = self.reader.farewell if self.reader else ""
        if not said and isinstance(error, amqp.AMQPError):
            said = " ".join(map(str, error.args))
        text, reason = _explain(error, said or str(error or ""), self._settings.queue)
        return ListenerUnavailable(f"{url.host}:{port}: {text}", reason=reason)


def make_connection(
    settings: RabbitmqSettings, transport: Transport, *, name: str
) -> aiormq.Connection:
    """Make an unopened connection; needs a running loop.

    Args:
        settings: where to and as whom.
        transport: opens the socket.
        name: shown in the management UI.
    """
    url = URL(settings.url)
    if settings.tls is not None:
        url = url.with_scheme("amqps")
    if settings.user is not None:
        url = url.with_user(settings.user).with_password(url.password)
    if settings.password is not None:
        url = url.with_password(settings.password)
    return aiormq.Connection(
        url.update_query(heartbeat=settings.heartbeat_s, auth=settings.auth),
        transport_factory=transport,
        client_properties={"connection_name": name, "product": "consumer"},
    )


def _explain(error: BaseException | None, said: str, queue: str) -> tuple[str, str]:
    """Return a text, and `refused` where trying again is of no use before somebody acts."""
    advices = [advice for cause, advice in _REFUSALS.items() if isinstance(error, cause)]
    advices += [advice for word, advice in _REFUSAL_WORDS.items() if word in said]
    if advices:
        return f"{advices[0].format(queue=queue)}: {said}", "refused"
    if "acknowledgement" in said and "timed out" in said:
        return f"held for longer than the broker's consumer timeout: {said}", "held_too_long"
    losses = [text for cause, text in _LOSSES.items() if isinstance(error, cause)]
    losses += [text for word, text in _LOSS_WORDS.items() if word in said]
    return (losses or [said or "the connection was lost"])[0], "lost"


_REFUSALS: dict[type[BaseException], str] = {
    amqp.ProbableAuthenticationError: "login refused, check user and password",
    amqp.AuthenticationError: "the broker offers no such login, check auth",
    amqp.ChannelNotFoundEntity: "no queue {queue!r}, create it or set declare = true",
    amqp.ChannelAccessRefused: "the user needs the permission read on queue {queue!r}, and "
    "configure and write to declare it",
    amqp.ChannelLockedResource: "another connection has queue {queue!r} exclusively",
    ConfigError: "check the options",
    ssl.SSLCertVerificationError: "the certificate is not trusted, check tls",
    ssl.SSLError: "TLS failed, check tls and the port",
}
"""What to do, by class; the first that fits."""
_REFUSAL_WORDS = {
    "ACCESS_REFUSED": "login refused, check user and password",
    "NOT_ALLOWED": "create the vhost, or give the user access to it",
}
"""What to do, by a word in the broker's reply, where aiormq's class says too little."""
_LOSSES: dict[type[BaseException], str] = {
    ConnectionRefusedError: "connection refused: is RabbitMQ running there?",
    TimeoutError: "no answer in time: is RabbitMQ frozen, or a firewall in the way?",
    # How aiormq's heartbeat watch ends a connection.
    asyncio.CancelledError: "silent for three heartbeats: is RabbitMQ frozen, or the network gone?",
}
_LOSS_WORDS = {
    "unexpectedly closed": "the connection was cut: did RabbitMQ stop, or is TLS wanted there?",
}
