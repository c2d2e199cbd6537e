"""Makes one connection to a NATS server, for listeners, sinks and readers of streams.

Responsible for the options of a connection, for giving up within a deadline, and for saying why.
Not responsible for connecting again. nats-py's own reconnect keeps a buffer, and publishes it after
a time-out was already reported; and it leaves pull subscriptions silent
(docs/decisions/0003-our-own-reconnect.md). So `allow_reconnect` is off, and the owner of a lost
connection makes a new connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import nats.errors
from msgspec import Meta

from consumer.errors import ConfigError, Unavailable
from consumer.nats.explain import PERMISSION_MISSING
from consumer.nats.hardened import HardenedClient
from consumer.nats.login import check_seed, read_credentials
from consumer.options.refresh import refreshed
from consumer.options.unreachable import SPEAKS_TLS, why_unreachable
from consumer.options.values import (
    TO_THE_END,
    TOKEN,
    FilePath,
    Seconds,
    Secret,
    Text,
    TlsSettings,
    secret_url,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from nats.aio.client import Client

PING_INTERVAL_S: Final = 5
"""The pause between two pings, in seconds. nats-py gives up at the third ping without an answer, so
a frozen server is noticed within 15 s."""
CLOSE_DEADLINE_S: Final = 3.0
BROKER: Final = "NATS"
LOGIN_REFUSED: Final = "login refused: check user, password, token, nkey_seed or credentials_file"
FAILURES: Final = (TimeoutError, OSError, nats.errors.Error, ValueError, ConfigError)
"""The errors that tell their reason. `ConfigError` is about the files that the options name."""
TOO_MANY: Final = "maximum connections exceeded"
"""The words of a server that has `max_connections`. Others may go, so another try may work."""
LOGIN_UNUSABLE: Final = "cannot log in: check nkey_seed or credentials_file"
EXPLANATIONS: Final = (
    (
        nats.errors.SecureConnWantedError,
        f"the server does not offer TLS, and nothing is sent to it without: {SPEAKS_TLS}",
    ),
    (nats.errors.UnexpectedEOF, "the server closed the connection"),
    (nats.errors.StaleConnectionError, "the server stopped answering pings"),
)
"""The classes of errors, and what each class means. The first class that fits is used: nats-py's
UnexpectedEOF is a subclass of its StaleConnectionError."""


_SCHEME: Final = "(nats|tls|wss?)://"
NatsUrl = Annotated[
    str,
    secret_url(
        # Behind a comma, nats-py takes an address without a scheme too.
        rf"^{_SCHEME}[^\s,]+(,({_SCHEME})?(?![A-Za-z0-9+]+://)[^\s,]+)*{TO_THE_END}",
        # ws:// needs a package that we do not install, so nobody is told to write it.
        "a URL that starts with nats:// or tls://, or several with commas between them",
    ),
]
"""An address of NATS. It is a secret because it may hold a password."""
InboxPrefix = Annotated[
    str,
    Meta(
        pattern=rf"^{TOKEN}(\.{TOKEN}){{0,7}}{TO_THE_END}",
        description="1 to 8 tokens of A-Z a-z 0-9 _ -, with dots between them",
    ),
]


class LoginRefused(Unavailable):
    """The server answers, and refuses our login."""


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options with which to reach NATS and log in. At most one way of logging in is used.

    Attributes:
        url: The address, with `nats://` or `tls://`. Several servers of one cluster are separated
            by commas.
        user, password: The user and the password, if the server's configuration has a list of
            `users`.
        token: The token, if the server's configuration says `authorization { token }`.
        nkey_seed: The private seed of an NKey user (`SU…`).
        credentials_file: The path of a `.creds` file with a JWT and a seed.
        tls: The TLS options.
        tls_handshake_first: If true, TLS begins before the server's first line. The server's
            configuration has to say the same.
        inbox_prefix: The first tokens of all subjects for replies. With a prefix to which only this
            user may subscribe, no other user of the account can read or forge a confirmation.
        connect_timeout_s: The longest time for connecting and logging in together, in seconds.
    """

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


def check_login(settings: NatsSettings) -> None:
    """Read the seed or the file that a connection logs in with, without connecting.

    Raises:
        ConfigError: The text names the option.
    """
    if settings.nkey_seed is not None:
        check_seed(settings.nkey_seed)
    if settings.credentials_file is not None:
        read_credentials(settings.credentials_file)


def _connect_options(settings: NatsSettings) -> dict[str, Any]:
    if settings.nkey_seed is not None:
        check_seed(settings.nkey_seed)
    file = settings.credentials_file
    options: dict[str, Any] = {
        "servers": settings.url.split(","),
        "user": settings.user,
        "password": settings.password,
        "token": settings.token,
        "nkeys_seed_str": settings.nkey_seed,
        "user_credentials": None if file is None else read_credentials(file),
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
        settings: The address and the login.
        name: The name that the server's monitoring shows for the connection.
        on_lost: A function that is called once, with the reason, when the connection is gone. The
            client is then closed, and never connects again. None means that the owner only notices
            the loss when its next call fails.
        on_error: A function that is called with every error that nats-py reports about an open
            connection. A missing permission is reported in no other way. None means that these
            errors are ignored.

    Raises:
        Unavailable: There was no connection within `connect_timeout_s`, or a file of the options
            cannot be used. The text names the cause and the address.
        LoginRefused: The server refused the login. This is a kind of `Unavailable`.

    Cancelling: a connection that is half open is closed.
    """
    client = HardenedClient()
    cause: Exception | None = None
    usable = False

    async def lost() -> None:
        if usable and on_lost is not None:
            on_lost(_explain(client.last_error))

    async def error(problem: Exception) -> None:
        nonlocal cause
        cause = problem
        if PERMISSION_MISSING in str(problem).lower():
            client.refusal = str(problem)
        if usable and on_error is not None:
            on_error(problem)

    try:
        settings = refreshed(settings)
        client.requires_tls = settings.tls is not None or settings.url.startswith("tls://")
        async with asyncio.timeout(settings.connect_timeout_s):
            await client.connect(
                **_connect_options(settings),
                name=name,
                allow_reconnect=False,
                # With 0, nats-py would try its list of servers for ever, whatever the error.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=PING_INTERVAL_S,
                # A message that is published on a lost connection must not be sent later.
                pending_size=0,
                closed_cb=lost,
                error_cb=error,
            )
    except asyncio.CancelledError:
        client.abort()
        raise
    except Exception as failure:
        # It may be of any type: nats-py and nkeys raise what they like for a seed or a file that
        # they cannot read. A file may also be missing for a moment only, while it is replaced.
        await close(client)  # it has a deadline: nats-py waits for ever after a failed handshake
        raise _unavailable(settings, failure, cause, client.last_error) from failure
    usable = True
    return client


def _unavailable(
    settings: NatsSettings, failure: Exception, *others: Exception | None
) -> Unavailable:
    """Return the error that tells why there is no connection.

    Args:
        settings: The address.
        failure: The error that `connect` of nats-py raised.
        others: Further errors that nats-py reported. A server that refuses us also closes the
            connection, so any of the errors may name the reason.
    """
    hosts = _hosts(settings.url)
    if any(_is_refusal(error) for error in (failure, *others)):
        return LoginRefused(f"{hosts}: {LOGIN_REFUSED}", refused=True)
    if not isinstance(failure, FAILURES):
        has_key = settings.nkey_seed is not None or settings.credentials_file is not None
        what = LOGIN_UNUSABLE if has_key else "the server's answer was not understood"
        return Unavailable(f"{hosts}: {what}: {type(failure).__name__}: {failure}")
    first = next((error for error in others if error is not None), failure)
    for error in (failure, *others):
        if TOO_MANY in str(error).lower():
            return Unavailable(f"{hosts}: {TOO_MANY}: raise max_connections, or end other ones")
    tls = settings.tls is not None or settings.url.startswith("tls://")
    for error in (failure, *others):
        why = None if error is None else why_unreachable(error, BROKER, tls=tls)
        if why is not None:
            return Unavailable(f"{hosts}: {why.text}", refused=why.refused)
    refused = isinstance(first, (nats.errors.SecureConnWantedError, ConfigError))
    return Unavailable(f"{hosts}: {_explain(first)}", refused=refused)


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
    """Return true if an error says that the server refused the login.

    While nats-py connects, it raises its general error for this, so the text has to be read.
    """
    return isinstance(error, nats.errors.AuthorizationError) or (
        "authorization violation" in str(error).lower()
    )


def _explain(error: Exception | None) -> str:
    if _is_refusal(error):
        return LOGIN_REFUSED
    why = None if error is None else why_unreachable(error, BROKER, tls=False)
    if why is not None:
        return why.text
    for kind, meaning in EXPLANATIONS:
        if isinstance(error, kind):
            return meaning
    return str(error) or type(error).__name__ if error else "closed"


async def close(client: Client) -> None:
    """Close a connection within `CLOSE_DEADLINE_S`, also if the server is frozen.

    No error is raised, because a connection that is broken is not needed any more.

    Cancelling: the socket is closed at once.
    """
    try:
        async with asyncio.timeout(CLOSE_DEADLINE_S):
            await client.close()
    except (TimeoutError, OSError, nats.errors.Error, AssertionError):
        # nats-py asserts that connecting was begun.
        _abort(client)
    except asyncio.CancelledError:
        _abort(client)
        raise


def _abort(client: Client) -> None:
    if isinstance(client, HardenedClient):
        client.abort()
