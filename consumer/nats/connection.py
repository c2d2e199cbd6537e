"""Makes one connection to a NATS server, for the listener, the sink and all who read streams.

Responsible for the options of a connection, for giving up within a deadline, and for saying why.
Not responsible for connecting again: nats-py's own reconnect keeps a buffer that it publishes late,
after a time-out was reported, and it leaves pull subscriptions silent (docs/decisions/0003). So
`allow_reconnect` is off, and the owner of a lost connection makes a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
import nats.errors

from consumer.errors import Unavailable
from consumer.nats.hardened import HardenedClient
from consumer.options.values import Seconds, Secret, Text, TlsSettings, Url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from nats.aio.client import Client

PING_INTERVAL_S: Final = 5
"""nats-py gives up at the third ping without an answer, so a frozen server is noticed within 15 s.
"""
CLOSE_DEADLINE_S: Final = 3.0
LOGIN_REFUSED: Final = "login refused: check user, password, token, nkey_seed or credentials_file"
EXPLANATIONS: Final = (
    (
        nats.errors.SecureConnWantedError,
        "the server does not offer TLS, and nothing is sent to it without",
    ),
    (ConnectionRefusedError, "connection refused: is the NATS server running there?"),
    (TimeoutError, "no answer in time: is the NATS server frozen, or a firewall in the way?"),
    (nats.errors.UnexpectedEOF, "the server closed the connection"),
    (nats.errors.StaleConnectionError, "the server stopped answering pings"),
)
"""Kinds of error and what each of them means. The first kind that fits counts, because an
unexpected end is a stale connection as well."""


class LoginRefused(Unavailable):
    """The server is there and does not let us in."""


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach and log in to NATS; at most one way of logging in is used.

    Attributes:
        url: The address, `nats://` or `tls://`. Several servers of one cluster are separated by
            commas.
        user, password: User and password, where the server's configuration has a list of `users`.
        token: The token, where the server's configuration says `authorization { token }`.
        nkey_seed: The private seed of an NKey user (`SU…`).
        credentials_file: The path of a `.creds` file with a JWT and a seed.
        tls: The TLS options.
        tls_handshake_first: Whether TLS begins before the server's first line. The server has to
            be configured for it.
        inbox_prefix: The first tokens of all subjects for replies, where the account allows only
            its own.
        connect_timeout_s: How long connecting and logging in may take together, in seconds.
    """

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


def _connect_options(settings: NatsSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "servers": settings.url.split(","),
        "user": settings.user,
        "password": settings.password,
        "token": settings.token,
        "nkeys_seed_str": settings.nkey_seed,
        "user_credentials": settings.credentials_file,
        "inbox_prefix": settings.inbox_prefix,
        "connect_timeout": settings.connect_timeout_s,
        "tls_handshake_first": settings.tls_handshake_first,
    }
    if settings.tls is not None:
        options["tls"] = settings.tls.context()
        options["tls_hostname"] = settings.tls.server_hostname
    return options


async def connect(
    settings: NatsSettings,
    *,
    name: str,
    on_lost: Callable[[str], None] | None = None,
    on_error: Callable[[Exception], None] | None = None,
) -> Client:
    """Connect once.

    Args:
        settings: Where to connect to, and as which user.
        name: The name that the server's monitoring shows for the connection.
        on_lost: Called once with the reason when the connection is gone. The client is then
            closed and never comes back. None: the owner learns it when its next call fails.
        on_error: Called with every complaint of the server about a living connection. A missing
            permission shows nowhere else. None: the owner does not ask for complaints.

    Raises:
        Unavailable: There was no connection within `connect_timeout_s`. The text names the cause
            and the address. `LoginRefused` where that is the cause.

    Cancelling: closes what was half open.
    """
    client = HardenedClient()
    client.requires_tls = settings.tls is not None or settings.url.startswith("tls://")
    cause: Exception | None = None
    usable = False

    async def lost() -> None:
        if usable and on_lost is not None:
            on_lost(_explain(client.last_error))

    async def error(problem: Exception) -> None:
        nonlocal cause
        cause = problem
        if usable and on_error is not None:
            on_error(problem)

    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            await client.connect(
                **_connect_options(settings),
                name=name,
                allow_reconnect=False,
                # With 0, nats-py would go round its list of servers for ever, whatever the error.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=PING_INTERVAL_S,
                # What is published on a lost connection must not be sent later by itself.
                pending_size=0,
                closed_cb=lost,
                error_cb=error,
            )
    except asyncio.CancelledError:
        client.abort()
        raise
    except (TimeoutError, OSError, nats.errors.Error, ValueError) as failure:
        await close(client)  # within its deadline: after a failed handshake nats-py waits for ever
        hosts = _hosts(settings.url)
        # A server that refuses us also closes the connection. Each of the three errors may be the
        # one that says why.
        if any(_is_refusal(error) for error in (failure, cause, client.last_error)):
            raise LoginRefused(f"{hosts}: {LOGIN_REFUSED}") from failure
        explained = _explain(cause or client.last_error or failure)
        raise Unavailable(f"{hosts}: {explained}") from failure
    usable = True
    return client


@contextlib.asynccontextmanager
async def connected(settings: NatsSettings, *, name: str) -> AsyncIterator[Client]:
    """Connect for the time of the block. After a loss, the next call fails.

    Raises:
        Unavailable: See `connect`.
    """
    client = await connect(settings, name=name)
    try:
        yield client
    finally:
        await close(client)


def _hosts(url: str) -> str:
    """Return the address without user and password, for a log line."""
    return ",".join(part.split("@")[-1].removeprefix("nats://") for part in url.split(","))


def _is_refusal(error: Exception | None) -> bool:
    """Whether the server refused the login.

    While it connects, nats-py raises its general error for this, and only the text tells.
    """
    return isinstance(error, nats.errors.AuthorizationError) or (
        "authorization violation" in str(error).lower()
    )


def _explain(error: Exception | None) -> str:
    if _is_refusal(error):
        return LOGIN_REFUSED
    for kind, meaning in EXPLANATIONS:
        if isinstance(error, kind):
            return meaning
    return str(error) or type(error).__name__ if error else "closed"


async def close(client: Client) -> None:
    """Close a connection within `CLOSE_DEADLINE_S`, also towards a server that is frozen.

    Raises nothing, because nothing is needed any more from a connection that is broken.
    """
    try:
        async with asyncio.timeout(CLOSE_DEADLINE_S):
            await client.close()
    except (TimeoutError, OSError, nats.errors.Error):
        if isinstance(client, HardenedClient):
            client.abort()
