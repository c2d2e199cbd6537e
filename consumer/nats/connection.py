"""One connection to a NATS server, for the listener, the sink and the dead letters alike.

Responsible for the connection options, for failing within a deadline, and for saying why. Not
for reconnecting: nats-py's own reconnect keeps a buffer that publishes late, after a time-out was
reported, and leaves pull subscriptions silent (research of its issues: docs/decisions/0003). So
`allow_reconnect` is off, and whoever owns the connection makes a new one.
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
"""With two pings outstanding a frozen server is noticed after at most 15 s."""
CLOSE_DEADLINE_S: Final = 3.0


_LOGIN_REFUSED: Final = "login refused: check user, password, token, nkey_seed or credentials_file"


class LoginRefused(Unavailable):
    """The server is there and does not let us in."""


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach and log in to NATS; at most one way of logging in is used.

    Attributes:
        url: `nats://` or `tls://`, several servers of one cluster separated by commas.
        user, password: as the server's `users` have them.
        token: as the server's `authorization { token }`.
        nkey_seed: the private seed of an NKey user (`SU…`).
        credentials_file: a `.creds` file with JWT and seed.
        tls: TLS options.
        tls_handshake_first: TLS before the server's INFO, where the server wants that.
        inbox_prefix: of reply subjects, where the account allows only its own.
        connect_timeout_s: for connecting and logging in together.
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


_WORDS: Final = (
    (
        nats.errors.SecureConnWantedError,
        "the server does not offer TLS, and nothing is sent to it without",
    ),
    (ConnectionRefusedError, "connection refused: is the NATS server running there?"),
    (TimeoutError, "no answer in time: is the NATS server frozen, or a firewall in the way?"),
    (nats.errors.UnexpectedEOF, "the server closed the connection"),
    (nats.errors.StaleConnectionError, "the server stopped answering pings"),
)
"""The first that fits: an unexpected end is a stale connection as well."""


def _options(settings: NatsSettings) -> dict[str, Any]:
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
    on_lost: Callable[[str], None],
    on_error: Callable[[Exception], None],
) -> Client:
    """Connect once.

    Args:
        settings: where to and as whom.
        name: shown in the server's monitoring.
        on_lost: called once with the reason when the connection is gone. The client is then
            closed and never comes back.
        on_error: called with what the server complained about on a living connection; the only
            place where a missing permission shows.

    Raises:
        Unavailable: not connected within `connect_timeout_s`; the text names cause and address.
            `LoginRefused` where that is the cause.

    Cancelling: closes what was half open.
    """
    client = HardenedClient()
    client.requires_tls = settings.tls is not None or settings.url.startswith("tls://")
    cause: Exception | None = None
    usable = False

    async def lost() -> None:
        if usable:
            on_lost(_explain(client.last_error))

    async def error(problem: Exception) -> None:
        nonlocal cause
        cause = problem
        if usable:
            on_error(problem)

    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            await client.connect(
                **_options(settings),
                name=name,
                allow_reconnect=False,
                # Not 0: nats-py would go round its server list for ever, whatever the error.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=PING_INTERVAL_S,
                # A publish of a lost connection must never leave later by itself.
                pending_size=0,
                closed_cb=lost,
                error_cb=error,
            )
    except (TimeoutError, OSError, nats.errors.Error, ValueError) as failure:
        await close(client)  # within its deadline: after a failed handshake nats-py waits for ever
        hosts = _hosts(settings.url)
        # A server that refuses also closes, and any of the three may be the one that says why.
        if any(_is_refusal(error) for error in (failure, cause, client.last_error)):
            raise LoginRefused(f"{hosts}: {_LOGIN_REFUSED}") from failure
        explained = _explain(cause or client.last_error or failure)
        raise Unavailable(f"{hosts}: {explained}") from failure
    usable = True
    return client


@contextlib.asynccontextmanager
async def connected(settings: NatsSettings, *, name: str) -> AsyncIterator[Client]:
    """Connect for the time of the block; after a loss, whatever is asked next fails.

    Raises:
        Unavailable: as `connect`.
    """
    client = await connect(settings, name=name, on_lost=lambda _: None, on_error=lambda _: None)
    try:
        yield client
    finally:
        await close(client)


def _hosts(url: str) -> str:
    """Return the address without user and password, for a log line."""
    return ",".join(part.split("@")[-1].removeprefix("nats://") for part in url.split(","))


def _is_refusal(error: Exception | None) -> bool:
    """Tell by the text as well: while it connects, nats-py raises its general error for this."""
    return isinstance(error, nats.errors.AuthorizationError) or (
        "authorization violation" in str(error).lower()
    )


def _explain(error: Exception | None) -> str:
    if _is_refusal(error):
        return _LOGIN_REFUSED
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return str(error) or type(error).__name__ if error else "closed"


async def close(client: Client) -> None:
    """Close a connection within `CLOSE_DEADLINE_S`, also towards a server that is frozen.

    Raises nothing: of a connection that is broken already, nothing is needed any more.
    """
    try:
        async with asyncio.timeout(CLOSE_DEADLINE_S):
            await client.close()
    except (TimeoutError, OSError, nats.errors.Error):
        if isinstance(client, HardenedClient):
            client.abort()
