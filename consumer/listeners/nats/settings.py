"""The options of a NATS listener."""

from __future__ import annotations

from typing import Literal

from consumer.listeners.base import ListenerSettings
from consumer.nats.connection import NatsSettings
from consumer.options.values import Count, Seconds, Secret, Text, TlsSettings, Token, Url


class NatsListenerSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `kind = "nats"`; those of the connection are explained in `NatsSettings`.

    Attributes:
        subject: what to listen to, wildcards allowed.
        stream: the JetStream stream that holds it; absent: core subscription, at most once.
        durable: the consumer's name; made when it is not there, from the stream's beginning.
        type_from: `header` (`type`, any case), or `subject`: its last token.
        ack_wait_s: of a consumer that is made: how long until a silent delivery comes again.
        max_ack_pending_count: of a consumer that is made: at most so many are unsettled.
        queue_group: core only: share the subject with others of this group.
    """

    kind: str = "nats"
    subject: Text
    stream: Token | None = None
    durable: Token = "consumer"
    type_from: Literal["header", "subject"] = "header"
    ack_wait_s: Seconds = 60.0
    max_ack_pending_count: Count = 10_000
    queue_group: Token | None = None
    # The fields of NatsSettings: msgspec structs cannot have two bases.
    url: Url = "nats://127.0.0.1:4222"
    user: Text | None = None
    password: Secret | None = None
    token: Secret | None = None
    nkey_seed: Secret | None = None
    credentials_file: Text | None = None
    tls: TlsSettings | None = None
    tls_handshake_first: bool = False
    inbox_prefix: Text = "_INBOX"
    connect_timeout_s: Seconds = 5.0

    def connection(self) -> NatsSettings:
        """Return the options of the connection alone."""
        names = NatsSettings.__struct_fields__
        return NatsSettings(**{name: getattr(self, name) for name in names})
