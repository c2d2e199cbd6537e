"""Holds the options of a RabbitMQ listener."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from consumer.listeners.base import ListenerSettings
from consumer.options.values import Count, Seconds, Secret, Text, TlsSettings, secret_url

AmqpUrl = Annotated[
    str,
    secret_url(r"^amqps?://[^\s/]+[^\s]*$", "a URL that starts with amqp:// or amqps://"),
]


class RabbitmqSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a listener on one RabbitMQ queue.

    Attributes:
        url: The broker's address: `amqp://user:password@host:port/vhost`, or `amqps://` with TLS.
            A URL without a path means the vhost `/`.
        user, password: The login. They replace the user and the password in the URL.
        auth: The way of logging in, `plain` or `external`. With `external`, the broker takes the
            user's name from our TLS certificate.
        tls: The TLS options. If this table exists, an `amqp://` URL uses TLS too.
        queue: The name of the queue to consume. The queue has to exist, unless `declare` is true.
        declare: If true, the queue is created if it is missing. The new queue is durable.
        queue_type: The type of a queue that `declare` creates. A quorum queue is replicated, but
            from RabbitMQ 4 on it drops a message after 20 failed deliveries, unless a policy says
            otherwise.
        prefetch_count: The largest number of unsettled deliveries, 1 to 65,535.
        heartbeat_s: The longest time between two signs of life on the connection, in whole seconds,
            1 to 3,600. A connection that is silent for about three times as long is given up.
        connect_timeout_s: The longest time for connecting, logging in and starting to consume
            together, in seconds.
        consumer_timeout_s: The `consumer_timeout` in the broker's configuration, in seconds. The
            broker takes back a delivery that is unsettled for longer, so the connection is closed
            after 80 % of this time.
            https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
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
