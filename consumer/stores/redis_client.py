"""Makes redis-py's client from the options of `[dedupe]`: address, login and TLS.

Not responsible for what is asked over it (`redis.py`). redis-py connects by itself whenever it has
no connection. So what may change meanwhile is read at each connection: login and TLS files. The
rest of the address stays, also if it is in a file: `base.py` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, RedisSSLContext, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import RedisError

from consumer.errors import ConfigError
from consumer.options.refresh import refreshed
from consumer.options.server_name import expecting
from consumer.stores.base import LOGIN

if TYPE_CHECKING:
    import ssl

    from consumer.options.values import TlsSettings
    from consumer.stores.base import DedupeSettings

OURS: Final = frozenset(("decode_responses", "encoding", "credential_provider", "retry"))
"""Options of redis-py that a URL must not set: they would change what the replies look like, or
need objects."""


class _FreshLogin(CredentialProvider):
    """Tells redis-py the user and the password of the next connection."""

    def __init__(self, settings: DedupeSettings) -> None:
        self._settings = settings

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the user, if there is one, and the password.

        Raises:
            RedisError: The file of the password cannot be read.
        """
        try:
            settings = refreshed(self._settings)
        except ConfigError as error:
            raise RedisError(str(error)) from error
        user, password = _login(settings)
        return (user, password) if user else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """See `get_credentials`."""
        return self.get_credentials()


def _login(settings: DedupeSettings) -> tuple[str, str]:
    """Return user and password, each of which may be empty. Those in the URL win."""
    in_url = parse_url(settings.url)
    user, password = (in_url.get(name) or getattr(settings, name) or "" for name in LOGIN)
    return str(user), str(password)


class _FreshContext(RedisSSLContext):
    """Reads the TLS files for each connection. redis-py would keep what it has read."""

    __slots__ = ("_tls",)

    def __init__(self, tls: TlsSettings) -> None:
        super().__init__()
        self._tls = tls

    def get(self) -> ssl.SSLContext:
        """Return the context of the next connection.

        Raises:
            ConfigError: A file cannot be used. redis-py turns any error into one of its own.
        """
        tls = refreshed(self._tls)
        return expecting(tls.context(), tls.server_hostname)


class _TlsConnection(SSLConnection):
    """A connection with the options of the table `tls`."""

    def __init__(self, tls: TlsSettings, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # redis-py's pool made these
        self.ssl_context = _FreshContext(tls)


def make_client(settings: DedupeSettings) -> Redis:
    """Make the client. Opens no connection.

    Raises:
        RedisError, ValueError, TypeError, LookupError, AttributeError: The URL has an option that
            redis-py does not know or cannot use.
    """
    for name in OURS & parse_qs(urlsplit(settings.url).query, keep_blank_values=True).keys():
        raise ValueError(f"the option {name} must not be set")
    options: dict[str, Any] = {
        # `RedisStore._ask` limits the time of a whole call. redis-py's own limit makes a task and
        # two timers for each call.
        "socket_timeout": None,
        "socket_connect_timeout": settings.timeout_s,
        "client_name": "consumer",
        # Lanes repeat a failed call after pauses of their own. If redis-py repeated it too, the
        # lanes would not hear of the error.
        "retry": Retry(NoBackoff(), 0),
        **parse_url(settings.url),
    }
    for name in LOGIN:
        options.pop(name, None)
    if any(_login(settings)):
        options["credential_provider"] = _FreshLogin(settings)
    if settings.tls is not None:
        options |= {"connection_class": _TlsConnection, "tls": settings.tls}
    client = Redis.from_pool(ConnectionPool(**options))
    # Some options of the URL are only looked at when they are used.
    client.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own lack
    client.get_encoder().encode("")  # type: ignore[no-untyped-call]  # as above
    return client
