"""Says which values the fields of a new key may have.

A record that is read from the bucket is checked less strictly (`record.py`): a key must not stop
working because this version knows fewer subjects than the version that made it.
"""

from __future__ import annotations

import math
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from consumer.errors import ConfigError
from consumer.events.subjects import keys as known_subjects
from consumer.options.check import no_such
from consumer.options.values import TO_THE_END, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.access.key import Key

NAME_MAX_CHARACTERS: Final = 100
LIST_MAX_COUNT: Final = 100
"""The largest number of subjects, and of networks, of one key."""
LIFE_MAX_S: Final = 100 * 365 * 86_400
_MAPPED: Final = IPv6Network("::ffff:0:0/96")

_is_token: Final = re.compile(TOKEN + TO_THE_END).match


def network_of(text: str) -> IPv4Network | IPv6Network:
    """Read a network such as `203.0.113.0/24`, or one address.

    Raises:
        ValueError: The text is something else, or has bits behind the network's part. Then the
            person may have meant one address or the whole network.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise ValueError(f"{text!r} is an IPv4 address in the form of IPv6")
    return network


def check_fields(key: Key, now_s: float) -> None:
    """Check the fields that the maker of a new key chooses.

    Args:
        key: The new key.
        now_s: The time, in seconds since 1970.

    Raises:
        ConfigError: There are mistakes; the text has all of them.
    """
    problems = [*_of_names(key), *_of_lists(key), *_of_limits(key, now_s)]
    if problems:
        raise ConfigError(*problems)


def _of_names(key: Key) -> Iterator[str]:
    if not _is_token(key.brand):
        yield f"brand: holds {key.brand!r}, expected 1 to 64 of A-Z a-z 0-9 _ -"
    for field, text in (("name", key.name), ("person", key.person)):
        if len(text) > NAME_MAX_CHARACTERS or not text.isprintable():
            yield f"{field}: expected at most {NAME_MAX_CHARACTERS} printable characters"
    if not key.scopes:
        yield "scopes: there is none, expected at least one"


def _of_lists(key: Key) -> Iterator[str]:
    for field, values in (("subjects", key.subjects), ("addresses", key.addresses)):
        if len(values) > LIST_MAX_COUNT:
            yield f"{field}: there are {len(values)}, expected at most {LIST_MAX_COUNT}"
    known = known_subjects()
    for subject in key.subjects[:LIST_MAX_COUNT]:
        if subject not in known:
            yield f"subjects: {no_such('subject', subject, list(known))}"
    for address in key.addresses[:LIST_MAX_COUNT]:
        try:
            network_of(address)
        except ValueError as error:
            yield f"addresses: {error}; expected an address, or a network such as 203.0.113.0/24"


def _of_limits(key: Key, now_s: float) -> Iterator[str]:
    for field, per_s in (
        ("requests_per_s", key.requests_per_s),
        ("events_per_s", key.events_per_s),
    ):
        if per_s is not None and not (math.isfinite(per_s) and per_s > 0):
            yield f"{field}: holds {per_s:g}, expected more than 0 a second"
    ends_s = key.expires_s
    if ends_s is not None and not now_s < ends_s <= now_s + LIFE_MAX_S:
        yield "expires_s: expected a time between now and 100 years from now"
