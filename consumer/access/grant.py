"""Says what a key allows that another key does not: a holder cannot give away what it has not.

With the scope `admin`, a key makes and rotates keys. Whoever rotates a key gets its new secret, so
the same rule is for both. Rates have no part in it: a holder could make several keys anyway.
"""

from __future__ import annotations

import math
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from consumer.access.fields import network_of
from consumer.access.key import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.access.key import Key


def beyond(giver: Key, given: Key) -> Iterator[str]:
    """Yield a line for each thing that a key allows and its giver does not.

    Args:
        giver: The key whose holder gives.
        given: The key that would be given.
    """
    for scope in given.scopes:
        if scope not in giver.scopes:
            yield f"scopes: your key does not have {scope}"
    if giver.subjects:
        yield from _subjects(giver.subjects, given.subjects)
    if giver.addresses:
        yield from _addresses(giver.addresses, given.addresses)
    if Scope.ADMIN in given.scopes and _ends_s(given) > _ends_s(giver):
        # Otherwise a key that expires could make its own successor for ever.
        yield "expires: a key with the scope admin must not hold longer than your key"


def _subjects(held: tuple[str, ...], given: tuple[str, ...]) -> Iterator[str]:
    if not given:
        yield f"subjects: your key may not read all, expected some of {', '.join(held)}"
    for subject in given:
        family = f"{subject.partition('.')[0]}.*"
        if subject not in held and family not in held:
            yield f"subjects: your key may not read {subject}"


def _addresses(held: tuple[str, ...], given: tuple[str, ...]) -> Iterator[str]:
    if not given:
        yield f"addresses: expected some of {', '.join(held)}, as your key has"
    for address in given:
        if not any(_is_inside(address, one) for one in held):
            yield f"addresses: your key may not be used from {address}"


def _is_inside(address: str, network: str) -> bool:
    """Tell whether a network is a part of another. False if a text is not a network."""
    try:
        inner, outer = network_of(address), network_of(network)
    except ValueError:
        return False
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


def _ends_s(key: Key) -> float:
    return math.inf if key.expires_s is None else key.expires_s
