"""Finds the address of a client behind trusted proxies."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from consumer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_is_address: Final = re.compile(
    r"[ \t]*(?:(?P<v4>[0-9.]{7,15})(?::[0-9]{1,5})?"
    r"|\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?"
    r"|(?P<bare>[0-9A-Fa-f:.]{2,45})(?:%[0-9A-Za-z]+)?)[ \t]*"
).fullmatch


class ClientAddress:
    """Knows which proxies are trusted.

    A proxy writes the address of its client to the right end of `X-Forwarded-For`. Whoever is
    further to the left may have been made up by the client. So the right-most address that is not a
    trusted proxy is the client.

    Args:
        trusted_proxies: Addresses or networks, such as `10.0.0.0/8`.

    Raises:
        ConfigError: One of them is none. The text names the option.
    """

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        try:
            self._trusted = [ip_network(proxy, strict=False) for proxy in trusted_proxies]
        except ValueError as error:
            text = f"http.trusted_proxies: {error}, expected addresses or networks"
            raise ConfigError(text) from error
        self._is_trusted = lru_cache(maxsize=4096)(self._look)

    def of(self, peer: str, forwarded: str | None) -> str:
        """Return the client's address, as IPv4 where it is IPv4 within IPv6.

        Args:
            peer: The address at the other end of the connection.
            forwarded: The header `X-Forwarded-For`; several are joined with commas.
        """
        address = _plain(peer) if ":" in peer else peer
        if forwarded is None or not self._trusted:
            return address
        left = forwarded
        while left and self._is_trusted(address):
            left, _, last = left.rpartition(",")
            found = _address_in(last)
            if found is None:
                break  # no proxy writes this, so nothing to its left can be believed
            address = str(found)
        return address

    def is_trusted(self, peer: str) -> bool:
        """Tell whether an address is a trusted proxy."""
        return bool(self._trusted) and self._is_trusted(peer)

    def _look(self, address: str) -> bool:
        found = _address_in(address)
        return found is not None and any(found in network for network in self._trusted)


def _plain(peer: str) -> str:
    """Return the address of a peer without its zone, and as IPv4 where it is IPv4."""
    return str(_address_in(peer) or peer)


def _address_in(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a text, which may have brackets and a port; None if there is none."""
    match = _is_address(text)
    if match is None:
        return None
    try:
        found = ip_address(match["bare"] or match["bracketed"] or match["v4"])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
