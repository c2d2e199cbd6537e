"""The options of `kind = "kafka"`, and which combinations of them can never connect."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Literal

from msgspec import Meta

from consumer.listeners.base import ListenerSettings
from consumer.options.values import Bytes, Seconds, Secret, Text, TlsSettings


class KafkaSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `kind = "kafka"`.

    Attributes:
        bootstrap_servers: `host:port` of some brokers of the cluster.
        topics: what to listen to; each has to exist.
        group_id: whose committed offsets count; listeners of one group share the partitions.
        group_instance_id: static membership: a restart within `session_timeout_s` under the same
            name moves no partitions. Needs a name of its own for each process.
        start_at: where a group without a committed offset begins. An offset that is no longer
            there (retention was faster than we) always continues at the earliest that is.
        isolation_level: `read_committed` shows no record of an aborted or open transaction.
        session_timeout_s: a member silent for so long loses its partitions; the broker accepts
            6 s to 30 min by default.
        heartbeat_interval_s: at most a third of it.
        max_poll_interval_s: a member whose lane neither takes in nor holds anything for so long
            leaves the group. Holding is no idleness, a sink may be away as long as it likes.
        rebalance_timeout_s: before partitions move, how long what is in flight may take to settle.
        connect_timeout_s: for reaching one broker and logging in.
        request_timeout_s: for one answer; longer than a rebalance takes.
        fetch_max_bytes: of one answer of one broker; read ahead, so it is memory, and
            `max_buffered_bytes` limits it too.
        max_partition_fetch_bytes: of one partition in it. One larger record always passes.
        security_protocol: as every Kafka client names it; `SSL` and `SASL_SSL` use `tls`.
        tls: certificates; the system's authorities where absent.
        sasl_mechanism: how to log in with `SASL_PLAINTEXT` and `SASL_SSL`.
        sasl_username, sasl_password: for PLAIN and SCRAM.
        sasl_oauth_token_path: for OAUTHBEARER: a file with the token, read at each login.
        sasl_kerberos_service_name, sasl_kerberos_domain_name: for GSSAPI, which needs the Python
            package `gssapi` and a ticket (`kinit`).
    """

    kind: str = "kafka"
    bootstrap_servers: Annotated[list[Text], Meta(min_length=1, description="at least one")]
    topics: Annotated[list[Text], Meta(min_length=1, description="at least one")]
    group_id: Text = "consumer"
    group_instance_id: Text | None = None
    start_at: Literal["earliest", "latest"] = "earliest"
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
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
    sasl_oauth_token_path: Text | None = None
    sasl_kerberos_service_name: Text = "kafka"
    sasl_kerberos_domain_name: Text | None = None

    def __post_init__(self) -> None:
        """Refuse combinations that could never connect.

        Raises:
            ValueError: with what to change; msgspec adds where.
        """
        if self.heartbeat_interval_s >= self.session_timeout_s:
            raise ValueError("heartbeat_interval_s has to be below session_timeout_s")
        if self.tls is not None and not self.security_protocol.endswith("SSL"):
            raise ValueError('tls is set: security_protocol has to be "SSL" or "SASL_SSL"')
        if self.tls is not None and self.tls.server_hostname is not None:
            raise ValueError("tls.server_hostname: brokers of Kafka are checked by their own names")
        if self.security_protocol.startswith("SASL"):
            self._check_login()

    def _check_login(self) -> None:
        if self.sasl_mechanism == "OAUTHBEARER":
            if self.sasl_oauth_token_path is None:
                raise ValueError("OAUTHBEARER needs sasl_oauth_token_path")
        elif self.sasl_mechanism == "GSSAPI":
            if importlib.util.find_spec("gssapi") is None:
                raise ValueError("GSSAPI needs the Python package gssapi: install it")
        elif self.sasl_username is None or self.sasl_password is None:
            raise ValueError(f"{self.sasl_mechanism} needs sasl_username and sasl_password")
