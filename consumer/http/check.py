"""Checks the options of `[http]` that no type can check: addresses, origins and certificates.

The configuration is checked with this before anything starts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from consumer.errors import ConfigError
from consumer.http.client_address import ClientAddress
from consumer.http.tls import Certificate
from consumer.options.address import can_listen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.http.settings import HttpSettings

_is_origin: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?"
).fullmatch
"""An origin as browsers send it, in lower case and without a path:
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Origin."""


def unusable(settings: HttpSettings) -> Iterator[str]:
    """Yield a line for each option that cannot be used. Reads the certificates, and opens no port.

    Args:
        settings: The options of the port.
    """
    if not can_listen(settings.bind):
        yield (
            f"http.bind: holds {settings.bind!r}, expected an address such as 127.0.0.1:8080, or "
            "fd:3 for a socket that this process inherits"
        )
    for origin in settings.cors_origins:
        if not _is_origin(origin):
            yield (
                f"http.cors_origins: holds {origin!r}, expected an origin in lower case, without a "
                "path, such as https://console.example.com"
            )
    for make in (_proxies, _certificate):
        try:
            make(settings)
        except ConfigError as error:
            yield from error.problems


def _proxies(settings: HttpSettings) -> None:
    ClientAddress(settings.trusted_proxies)


def _certificate(settings: HttpSettings) -> None:
    if settings.tls is not None:
        Certificate(settings.tls).load()
