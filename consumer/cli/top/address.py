"""Reads the address of an operations port, as a person or the configuration writes it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

_EVERY_ADDRESS: Final = {
    "": "127.0.0.1",
    str(IPv4Address(0)): "127.0.0.1",
    f"[{IPv6Address(0)}]": "[::1]",
}
"""The address at which to ask a process that listens on every address of this machine."""


def base_url(text: str) -> str:
    """Return the URL of an operations port from what a person writes.

    Raises:
        ValueError: The text is not the address of an operations port.
    """
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return url.rstrip("/")


def reachable(bind: str) -> str:
    """Return the URL at which a process on this machine can be asked.

    Args:
        bind: The address where the process listens, as `[operations] bind` holds it.
    """
    host, _, port = bind.rpartition(":")
    return f"http://{_EVERY_ADDRESS.get(host, host)}:{port}"
