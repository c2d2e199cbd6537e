"""Answers an operator who pauses or resumes a listener over the operations port.

Whoever reaches the port may read it. Without a token, only a program on this machine may change
something, and a request with a header of browsers or proxies is refused. Some proxies set no such
header, so behind a proxy there has to be a token. With a token, every request needs the token.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from consumer.errors import ConfigError
from consumer.operations.daemon_thread import in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PREFIX: Final = "/listeners/"
PASSED_ON: Final = frozenset((b"origin", b"sec-fetch-site", b"forwarded", b"x-real-ip", b"via"))
"""Headers that browsers and proxies set: behind them may be anybody."""
PASSED_ON_BEGINNINGS: Final = (b"x-forwarded-", b"x-envoy-")
"""How further headers of proxies begin. Envoy sets some of them without being told to."""
HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::[0-9]+)?")
REFUSED: Final = (
    "without [operations] token, only this machine may do that: without a proxy or a browser, and "
    "with localhost or the address of the port in the URL"
)

TOKEN_DEADLINE_S: Final = 2.0

log = structlog.get_logger()


class Steered(Protocol):
    """A listener that an operator may pause."""

    def pause(self) -> None:
        """Take in nothing until `resume`."""

    def resume(self) -> None:
        """Take in deliveries again."""


class Asker(msgspec.Struct, frozen=True):
    """Who has sent a request.

    Attributes:
        address: The address of the other end of the connection. Empty if it is not known.
        own_address: See `own_address_of`.
        headers: The headers, with their names in lower case. Those of one name are joined with
            commas.
    """

    address: str
    own_address: str
    headers: Mapping[bytes, bytes]

    @classmethod
    def of(cls, scope: Mapping[str, object], own_address: str) -> Asker:
        """Read the scope of ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html."""
        given: Iterable[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]  # ASGI says so
        headers: dict[bytes, bytes] = {}
        for name, value in given:
            before = headers.get(name.lower())
            headers[name.lower()] = value if before is None else before + b"," + value
        return cls(_first(scope.get("client")), own_address, headers)

    def may_steer(self, token: str | None) -> bool:
        """Tell whether this asker may change something.

        Args:
            token: The token of the configuration. None: everybody on this machine may.
        """
        if token is not None:
            said = self.headers.get(b"authorization", b"")
            return hmac.compare_digest(said, b"Bearer " + token.encode())
        return self._is_ours(self.address) and self._names_us() and not self._was_passed_on()

    def _names_us(self) -> bool:
        """Tell whether the request was sent to this machine under no other name.

        A page of a browser may have a name of its own whose address was changed to ours. The
        browser then takes us for the page's own server (DNS rebinding).
        """
        named = HOST.fullmatch(self.headers.get(b"host", b"").decode("latin-1").lower())
        if named is None:
            return False
        host = named[1] or named[2]
        return host == "localhost" or self._is_ours(host)

    def _was_passed_on(self) -> bool:
        return any(
            name in PASSED_ON or name.startswith(PASSED_ON_BEGINNINGS) for name in self.headers
        )

    def _is_ours(self, address: str) -> bool:
        """Tell whether an address is of loopback, or the address that the configuration names."""
        one = _ip(address)
        return one is not None and (one.is_loopback or one == _ip(self.own_address))


def own_address_of(bind: str) -> str:
    """Return the address that `[operations] bind` names. Empty if it names every address.

    Only an operator knows that an address is this machine's alone. The address of our end of a
    connection may be anybody's: a forwarder of ports, as that of rootless containers, connects with
    it for other machines.
    """
    host = bind.rpartition(":")[0].strip("[]")
    address = _ip(host)
    return "" if address is None or address.is_unspecified else host


def _first(end: object) -> str:
    """Return the address of an end of a connection, which ASGI gives with its port."""
    return str(end[0]) if isinstance(end, tuple | list) and end else ""


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address. An IPv4 address that IPv6 holds is the IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class TokenReader:
    """Reads the token for each request, and never waits long for its file.

    Args:
        read: Returns the token as its file holds it now. None means that there is no token. It may
            raise `ConfigError`.
    """

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._reading: asyncio.Future[str | None] | None = None

    async def token(self) -> str | None:
        """Return the token.

        Requests that come while it is being read share the answer, so that a disk that hangs holds
        one thread.

        Raises:
            ConfigError: The file cannot be used, or its disk does not answer.
        """
        if self._reading is None or self._reading.done():
            self._reading = in_daemon_thread(self._read, "token")
        try:
            async with asyncio.timeout(TOKEN_DEADLINE_S):
                return await asyncio.shield(self._reading)
        except TimeoutError as error:
            raise ConfigError("token_file: its disk does not answer") from error


async def steer(
    path: str, asker: Asker, listeners: Mapping[str, Steered], tokens: TokenReader
) -> tuple[int, bytes]:
    """Carry out a request such as `POST /listeners/payments/pause`.

    Args:
        path: The path of the request.
        asker: Who has sent it.
        listeners: The listeners that an operator may pause and resume, by name.
        tokens: Reads the token.

    Returns:
        The status and the body of the answer.
    """
    name, _, verb = path.removeprefix(PREFIX).rpartition("/")
    refused = log.bind(listener=name, address=asker.address)
    try:
        token = await tokens.token()
    except ConfigError as error:
        # Not the token of before: its file may have been removed to end it.
        refused.warning("refused to steer a listener", why=f"operations.{error}")
        return _answer(503, "[operations] token_file cannot be used; the log says why")
    if not asker.may_steer(token):
        why = "needs the token" if token is not None else "not from this machine"
        refused.warning("refused to steer a listener", why=why)
        return _answer(403, REFUSED if token is None else "needs [operations] token")
    listener = listeners.get(name)
    if listener is None:
        return _answer(404, f"there is no listener {name}; there are: {', '.join(listeners)}")
    if verb == "pause":
        listener.pause()
    elif verb == "resume":
        listener.resume()
    else:
        return _answer(404, "there are pause and resume")
    return _answer(202, "")


def _answer(status: int, error: str) -> tuple[int, bytes]:
    return status, msgspec.json.encode({"error": error} if error else {"accepted": True})
