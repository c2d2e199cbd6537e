"""Holds the options of a NATS listener."""

from __future__ import annotations

from typing import Literal

from consumer.listeners.base import ListenerSettings
from consumer.nats.connection import InboxPrefix, NatsSettings, NatsUrl
from consumer.options.values import Count, FilePath, Seconds, Secret, Text, TlsSettings, Token


class NatsListenerSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `kind = "nats"`. `NatsSettings` explains the options of the connection.

    Attributes:
        subject: The subject to listen to. It may have wildcards.
        stream: The JetStream stream that stores the subject. If it is absent, the listener makes
            a core subscription: each message arrives at most once.
        durable: The name of the stream's durable consumer.
        create_durable: If true, a missing consumer is made. It begins with the first message of the
            stream, or, if it was deleted while this process ran, where it was. If false, a missing
            consumer is waited for.
        type_from: The place of the message type: `header` (the header `type`, in upper or lower
            case) or `subject` (the last token of the subject).
        ack_wait_s: The time for which a consumer that we make waits for an acknowledgement before
            it delivers a message again, in seconds.
        max_ack_pending_count: The largest number of unacknowledged messages that a consumer that we
            make allows. The consumer always allows at least two batches.
        queue_group: The group with which a core subscription shares its messages.
    """

    kind: str = "nats"
    subject: Text
    stream: Token | None = None
    durable: Token = "consumer"
    create_durable: bool = True
    type_from: Literal["header", "subject"] = "header"
    ack_wait_s: Seconds = 60.0
    max_ack_pending_count: Count = 10_000
    queue_group: Token | None = None
    # These are the fields of NatsSettings. A msgspec struct cannot have two bases.
    url: NatsUrl = "nats://127.0.0.1:4222"
    user: Text | None = None
    password: Secret | None = None
    token: Secret | None = None
    nkey_seed: Secret | None = None
    credentials_file: FilePath | None = None
    tls: TlsSettings | None = None
    tls_handshake_first: bool = False
    inbox_prefix: InboxPrefix = "_INBOX"
    connect_timeout_s: Seconds = 5.0

    def connection(self) -> NatsSettings:
        """Return the options of the connection alone."""
        names = NatsSettings.__struct_fields__
        return NatsSettings(**{name: getattr(self, name) for name in names})
