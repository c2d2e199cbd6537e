"""The options of the tables `[http]` and `[http.tls]`."""

from __future__ import annotations

import msgspec

from consumer.options.values import Bytes, Count, FilePath, Seconds, Secret, Text


class HttpTlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[http.tls]`. The files are read again when they change.

    Attributes:
        cert_file, key_file: The PEM files of the server's certificate, with the certificates of its
            issuers behind it, and of its key.
        key_password: The password of the key file.
        client_ca_file: The PEM file with the certificates that sign clients. With it, a client
            needs a certificate as well as a key.
    """

    cert_file: FilePath
    key_file: FilePath
    key_password: Secret | None = None
    client_ca_file: FilePath | None = None


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[http]`: the public port. Without the table, there is no such port.

    Attributes:
        bind: The address and the port to listen on. `fd:3` takes a listening socket that the
            process has inherited under this number, which several processes can share.
        max_body_bytes: The largest size of a request's body, also after its content encoding is
            undone, in bytes.
        max_event_bytes: The largest size of one event, or of one line of a batch, in bytes.
        header_timeout_s: The longest time from the first byte of a request to the end of its
            headers, in seconds.
        body_timeout_s: The longest time for a request's body, in seconds.
        idle_timeout_s: The longest time between two requests of a connection, in seconds.
        max_connections_count: The largest number of open connections.
        max_connections_per_address_count: The largest number of open connections of one address.
            The limit does not hold for `trusted_proxies`.
        max_streams_per_key_count: The largest number of open streams of one key in this process.
        drain_delay_s: How long `/readyz` answers 503 before the port closes, in seconds. A load
            balancer needs this time to notice.
        trusted_proxies: The addresses or networks of proxies whose `X-Forwarded-For` is believed.
            The client is the right-most address in it that is not a trusted proxy.
        cors_origins: The origins of web pages that may read answers, such as
            `https://console.example.com`.
        tls: The TLS options. Without them, the port speaks plain HTTP, for use behind a proxy.
    """

    bind: Text = "127.0.0.1:8080"
    max_body_bytes: Bytes = 1024 * 1024
    max_event_bytes: Bytes = 256 * 1024
    header_timeout_s: Seconds = 10.0
    body_timeout_s: Seconds = 30.0
    idle_timeout_s: Seconds = 75.0
    max_connections_count: Count = 2000
    max_connections_per_address_count: Count = 100
    max_streams_per_key_count: Count = 100
    drain_delay_s: Seconds = 5.0
    trusted_proxies: tuple[Text, ...] = ()
    cors_origins: tuple[Text, ...] = ()
    tls: HttpTlsSettings | None = None
