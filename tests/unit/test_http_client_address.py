"""Whose address a request has: that of the connection, unless a trusted proxy says otherwise."""

from __future__ import annotations

import pytest

from consumer.errors import ConfigError
from consumer.http.client_address import ClientAddress

PROXIES = ClientAddress(("10.0.0.0/8", "192.0.2.7", "2001:db8::/32"))


@pytest.mark.parametrize("peer", ["203.0.113.9", "2a00::1", ""])
def test_client_cannot_name_another_address(peer: str) -> None:
    """Only a proxy may do that."""
    assert PROXIES.of(peer, "198.51.100.1") == peer
    assert ClientAddress(()).of(peer, "198.51.100.1") == peer


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (None, "10.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.1.1,192.0.2.7", "203.0.113.9"),
        ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2a00::1", "2a00::1"),
        ("[2a00::1]", "2a00::1"),
        ("[2a00::1]:4711", "2a00::1"),
        ("2A00:0:0::1", "2a00::1"),
        ("203.0.113.9, [2001:db8::5]:443", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, ::ffff:10.0.0.3", "203.0.113.9"),
    ],
)
def test_right_most_address_that_is_no_proxy_is_the_client(
    forwarded: str | None, client: str
) -> None:
    """What is further to the left may be made up."""
    assert PROXIES.of("10.0.0.1", forwarded) == client


@pytest.mark.parametrize(
    "garbage",
    [
        *("", " ", "unknown", "_hidden", "203.0.113.999", "203.0.113", "203.0.113.9:", "1.2.3.4:x"),
        *("203.0.113.9/32", "[2a00::1", "2a00::1]", "[203.0.113.9", "2a00::1::2", "3405803785"),
        *("0203.0.113.9", "203.0.113.9:123456", "x" * 30_000, "\0", "203.0.113.9\n"),
    ],
)
def test_garbage_is_not_believed(garbage: str) -> None:
    """Nor is anything to its left. The proxy that passed it on counts as the client."""
    assert PROXIES.of("10.0.0.1", garbage) == "10.0.0.1"
    assert PROXIES.of("10.0.0.1", f"198.51.100.1, {garbage}, 10.0.0.2") == "10.0.0.2"


def test_peer_is_written_as_everybody_writes_it() -> None:
    """Lists of addresses are compared with it."""
    assert PROXIES.of("::ffff:203.0.113.9", None) == "203.0.113.9"
    assert PROXIES.of("::ffff:10.0.0.1", "203.0.113.9") == "203.0.113.9"
    assert PROXIES.of("fe80::1%eth0", None) == "fe80::1"


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("10.9.9.9", True), ("::ffff:10.9.9.9", True), ("11.0.0.1", False), ("", False)],
)
def test_proxies_are_known_by_their_networks(peer: str, *, trusted: bool) -> None:
    """However they come."""
    assert PROXIES.is_trusted(peer) is trusted


@pytest.mark.parametrize("wrong", ["proxy-1", "10.0.0.0/33", "10.0.0", "*", ""])
def test_what_is_no_network_is_told_by_its_option(wrong: str) -> None:
    """At start."""
    with pytest.raises(ConfigError, match=r"^http\.trusted_proxies: "):
        ClientAddress(("10.0.0.0/8", wrong))
