"""Holds the options of a Kafka listener, and refuses combinations that can never connect."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta

from consumer.listeners.base import ListenerSettings
from consumer.options.values import TO_THE_END, Bytes, FilePath, Seconds, Secret, Text, TlsSettings

CorruptPlace = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9._-]+/[0-9]{{1,10}}/[0-9]{{1,19}}-[0-9]{{1,19}}{TO_THE_END}",
        description='"topic/partition/first offset-last offset", such as "casino/0/1234-1240"',
    ),
]
OFFSETS_END: Final = 2**63 - 1
"""Kafka's offsets have 64 bits, and the offset behind a batch is an offset too."""


class CorruptRange(NamedTuple):
    """A range of offsets in which corrupt batches may be skipped: an entry of `skip_corrupt`.

    Attributes:
        topic_partition: The topic and the number of the partition.
        first_offset, last_offset: The range. Both are in it.
    """

    topic_partition: tuple[str, int]
    first_offset: int
    last_offset: int

    @classmethod
    def read(cls, place: str) -> CorruptRange:
        """Read an entry, which has the form of `CorruptPlace`.

        Raises:
            ValueError: The first offset is behind the last one, or the last one is too large. The
                text says what was expected.
        """
        topic, partition, offsets = place.split("/")
        first, _, last = offsets.partition("-")
        if not int(first) <= int(last) < OFFSETS_END:
            raise ValueError(
                f"skip_corrupt holds {place!r}, expected a first offset that is not above the "
                f"last offset, and a last offset below {OFFSETS_END}"
            )
        return cls((topic, int(partition)), int(first), int(last))


class KafkaSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `kind = "kafka"`.

    Attributes:
        bootstrap_servers: The addresses of some brokers of the cluster, each as `host:port`.
        topics: The topics to listen to. Each topic has to exist.
        group_id: The consumer group. Its committed offsets say where to go on, and its members
            share the partitions.
        group_instance_id: The name of a static member. If a process restarts within
            `session_timeout_s` under the same name, no partitions move. Each process needs a name
            of its own.
        start_at: The place where a group without any committed offset begins: `earliest` or
            `latest`. Partitions that come later are read from their beginning. If retention has
            removed the committed offset, the listener continues at the earliest offset, whatever
            this option says.
        isolation_level: The records that are read. With `read_committed`, no record of an aborted
            or open transaction is read, and no record behind an open one in its partition.
        skip_corrupt: The corrupt batches to go on without, each as
            `topic/partition/first offset-last offset`. Their records are lost. `/readyz` and the
            log name a batch that holds its partition. Batches in the range that are not corrupt are
            read.
        session_timeout_s: The time of silence after which a member loses its partitions, in
            seconds. By default, brokers accept 6 s to 30 min.
        heartbeat_interval_s: The pause between two signs of life, in seconds. It has to be below
            `session_timeout_s`, and should be at most a third of it.
        max_poll_interval_s: The time after which a member leaves the group if its lane neither asks
            for deliveries nor holds deliveries, in seconds. A lane that holds deliveries stays a
            member, so a sink may be away for any time.
        rebalance_timeout_s: The longest time for which partitions wait before they move until
            deliveries in flight are settled, in seconds.
        connect_timeout_s: The longest time for reaching a broker and logging in, in seconds.
        request_timeout_s: The longest time for an answer, in seconds. It has to be longer than a
            rebalance.
        fetch_max_bytes: The largest answer of a broker, in bytes. Answers are read ahead and take
            memory, so `max_buffered_bytes` limits them too.
        max_partition_fetch_bytes: The largest part of one partition in an answer, in bytes. A
            single record that is larger is still read.
        security_protocol: The protocol of the connection. `SSL` and `SASL_SSL` use `tls`.
        tls: The TLS options. If absent, the certificates of the system are trusted. Its
            `server_hostname` is expected of every broker.
        sasl_mechanism: The way of logging in with `SASL_PLAINTEXT` and `SASL_SSL`.
        sasl_username, sasl_password: The user name and the password, for PLAIN and SCRAM.
        sasl_oauth_token_path: The path of a file with the token, for OAUTHBEARER. The file is read
            at each login.
        sasl_kerberos_service_name, sasl_kerberos_domain_name: The names for GSSAPI, which also
            needs the Python package `gssapi` and a ticket (`kinit`).
    """

    kind: str = "kafka"
    bootstrap_servers: Annotated[
        list[Text], Meta(min_length=1, description='a list such as ["127.0.0.1:9092"]')
    ]
    topics: Annotated[list[Text], Meta(min_length=1, description='a list such as ["casino"]')]
    group_id: Text = "consumer"
    group_instance_id: Text | None = None
    start_at: Literal["earliest", "latest"] = "earliest"
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    skip_corrupt: tuple[CorruptPlace, ...] = ()
    session_timeout_s: Seconds = 10.0
    heartbeat_interval_s: Seconds = 3.0
    max_poll_interval_s: Seconds = 300.0
    rebalance_timeout_s: Seconds = 10.0
    connect_timeout_s: Seconds = 10.0
    request_timeout_s: Seconds = 40.0
    fetch_max_bytes: Bytes = 16 * 1024 * 1024
    max_partition_fetch_bytes: Bytes = 1024 * 1024
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    tls: TlsSettings | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"] = (
        "PLAIN"
    )
    sasl_username: Text | None = None
    sasl_password: Secret | None = None
    sasl_oauth_token_path: FilePath | None = None
    sasl_kerberos_service_name: Text = "kafka"
    sasl_kerberos_domain_name: Text | None = None

    def __post_init__(self) -> None:
        """Refuse combinations that could never connect, and ranges that are none.

        Raises:
            ValueError: The text says what to change. msgspec adds the path of the option.
        """
        if self.heartbeat_interval_s >= self.session_timeout_s:
            raise ValueError("heartbeat_interval_s has to be below session_timeout_s")
        if self.tls is not None and not self.security_protocol.endswith("SSL"):
            raise ValueError('tls is set: security_protocol has to be "SSL" or "SASL_SSL"')
        self.corrupt_ranges()
        if self.security_protocol.startswith("SASL"):
            self._check_login()

    def corrupt_ranges(self) -> list[CorruptRange]:
        """Return the entries of `skip_corrupt`."""
        return [CorruptRange.read(place) for place in self.skip_corrupt]

    def _check_login(self) -> None:
        if self.sasl_mechanism == "OAUTHBEARER":
            if self.sasl_oauth_token_path is None:
                raise ValueError("OAUTHBEARER needs sasl_oauth_token_path")
        elif self.sasl_mechanism == "GSSAPI":
            if importlib.util.find_spec("gssapi") is None:
                raise ValueError("GSSAPI needs the Python package gssapi: install it")
        elif self.sasl_username is None or self.sasl_password is None:
            raise ValueError(f"{self.sasl_mechanism} needs sasl_username and sasl_password")
