"""Answers an operator who pauses or resumes a listener over the operations port.

Whoever reaches the port may read it. Only somebody on this machine, or with the token, may change
something. A request that a browser or a proxy has sent is not from somebody on this machine.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from consumer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PREFIX: Final = "/listeners/"
PASSED_ON: Final = frozenset(
    (b"origin", b"sec-fetch-site", b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
)
"""Headers that browsers and proxies set: behind them may be anybody."""

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
        headers: The headers, with their names in lower case.
    """

    address: str
    headers: Mapping[bytes, bytes]

    @classmethod
    def of(cls, scope: Mapping[str, object]) -> Asker:
        """Read the scope of ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html."""
        client = scope.get("client")
        headers: Iterable[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]  # ASGI says so
        address = str(client[0]) if isinstance(client, tuple | list) and client else ""
        return cls(address, {bytes(name).lower(): bytes(value) for name, value in headers})

    def may_steer(self, token: str | None) -> bool:
        """Tell whether this asker may change something.

        Args:
            token: The token of the configuration. None: everybody on this machine may.
        """
        if token is not None:
            said = self.headers.get(b"authorization", b"")
            return hmac.compare_digest(said, b"Bearer " + token.encode())
        return _is_loopback(self.address) and not PASSED_ON & self.headers.keys()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def steer(
    path: str,
    asker: Asker,
    listeners: Mapping[str, Steered],
    read_token: Callable[[], str | None],
) -> tuple[int, bytes]:
    """Carry out a request such as `POST /listeners/payments/pause`.

    Args:
        path: The path of the request.
        asker: Who has sent it.
        listeners: The listeners that an operator may pause and resume, by name.
        read_token: Returns the token as its file holds it now. None means that there is no token.
            It may raise `ConfigError`.

    Returns:
        The status and the body of the answer.
    """
    name, _, verb = path.removeprefix(PREFIX).rpartition("/")
    refused = log.bind(listener=name, address=asker.address)
    try:
        token = read_token()
    except ConfigError as error:
        # Not the token of before: its file may have been removed to end it.
        refused.warning("refused to steer a listener", why=f"operations.{error}")
        return _answer(503, "[operations] token_file cannot be used; the log says why")
    if not asker.may_steer(token):
        refused.warning("refused to steer a listener", why="not from this machine, or no token")
        return _answer(403, "only from this machine, or with [operations] token")
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
