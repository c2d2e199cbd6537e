"""Reads an address to listen on, as the configuration holds it."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

_EVERY_ADDRESS: Final = {
    "": "127.0.0.1",
    str(IPv4Address(0)): "127.0.0.1",
    f"[{IPv6Address(0)}]": "[::1]",
}
"""The address at which to ask a process that listens on every address of this machine."""

MAX_PORT: Final = 65_535

_is_inherited: Final = re.compile(r"fd:[0-9]{1,6}").fullmatch
_is_address: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:\s]+):([0-9]{1,5})").fullmatch


def can_listen(bind: str) -> bool:
    """Tell whether a text is an address with a port, or `fd:3` for an inherited socket.

    A text without an address, such as `:9464`, is refused: it would mean every address.
    """
    found = _is_address(bind)
    return bool(_is_inherited(bind)) or (found is not None and int(found[1]) <= MAX_PORT)


def reachable(bind: str) -> str:
    """Return the address and the port at which a process on this machine can be asked.

    Args:
        bind: The address where the process listens, such as `0.0.0.0:8080`.
    """
    host, _, port = bind.rpartition(":")
    return f"{_EVERY_ADDRESS.get(host, host)}:{port}"


def url_of(bind: str, *, is_tls: bool) -> str:
    """Return the URL at which a process on this machine can be asked.

    Args:
        bind: See `reachable`.
        is_tls: If true, the process expects TLS.
    """
    return f"{'https' if is_tls else 'http'}://{reachable(bind)}"
