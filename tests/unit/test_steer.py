"""Who may pause and resume a listener over the operations port. The port is a real one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

import pytest
from structlog.testing import capture_logs

from consumer.operations.health import Health
from consumer.operations.http import OperationsSettings, listening_socket, serve
from consumer.operations.metrics import Metrics
from consumer.operations.steer import Asker, own_address_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OUTSIDE: Final = "192.0.2.1"
"""An address of nobody, for documentation. To ask the way to it sends nothing."""
OWN: Final = "10.0.0.5"


class _Steered:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


@contextlib.asynccontextmanager
async def _port(bind: str) -> AsyncIterator[tuple[int, _Steered]]:
    listener = listening_socket(bind)
    listener.listen()  # clients may connect before the server runs
    steered = _Steered()
    async with serve(
        listener, Health(), Metrics(), {"lane": steered}, OperationsSettings(bind=bind)
    ):
        yield listener.getsockname()[1], steered


async def _pause(address: str, port: int, *lines: str, host: str = "") -> int:
    """Ask for a pause with these headers, and return the status."""
    reader, writer = await asyncio.open_connection(address, port)
    host = host or f"{address}:{port}"
    head = ("POST /listeners/lane/pause HTTP/1.1", f"Host: {host}", *lines, "", "")
    writer.write("\r\n".join(head).encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


def _own_address() -> str:
    """Return an address of this machine that other machines reach."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((OUTSIDE, 9))
        except OSError:
            pytest.skip("this machine has no network")
        address: str = asked.getsockname()[0]
    return address


async def test_own_address_of_the_machine_is_this_machine() -> None:
    """An operations port that Prometheus reaches does not listen on loopback."""
    address = _own_address()
    async with _port(f"{address}:0") as (port, steered):
        assert await _pause(address, port) == 202
        assert await _pause(address, port, host="consumer.example") == 403
    assert steered.told == ["pause"]


async def test_loopback_within_ipv6_is_this_machine() -> None:
    """A socket for both families gives IPv4 addresses as `::ffff:127.0.0.1`."""
    both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    async with _port(f"fd:{both.detach()}") as (port, steered):
        assert await _pause("127.0.0.1", port) == 202
        assert await _pause("::1", port, host=f"[::1]:{port}") == 202
    assert len(steered.told) == 2


async def test_made_up_address_is_not_logged() -> None:
    """By default, uvicorn believes the header of every client on this machine."""
    async with _port("127.0.0.1:0") as (port, steered):
        with capture_logs() as logs:
            assert await _pause("127.0.0.1", port, "X-Forwarded-For: 9.9.9.9") == 403
    assert [(each["event"], each["address"]) for each in logs] == [
        ("refused to steer a listener", "127.0.0.1")
    ]
    assert not steered.told


@pytest.mark.parametrize(
    "line", ["X-Forwarded-Proto: http", "x-forwarded-host: a", "X-Envoy-Internal: true", "Via: 1"]
)
async def test_request_of_a_proxy_is_refused(line: str) -> None:
    """Whichever of its headers it sets."""
    async with _port("127.0.0.1:0") as (port, steered):
        assert await _pause("127.0.0.1", port, line) == 403
    assert not steered.told


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost", True),
        ("LOCALHOST:9464", True),
        ("127.0.0.1", True),
        ("127.9.9.9:9464", True),
        ("[::1]:9464", True),
        (OWN, True),
        (f"{OWN}:9464", True),
        (f"[::ffff:{OWN}]", True),
        ("", False),
        ("evil.example", False),
        ("localhost.evil.example:9464", False),
        ("127.0.0.1.evil.example", False),
        ("[::1]evil.example", False),
        ("0.0.0.0:9464", False),
        ("10.0.0.6:9464", False),
    ],
)
def test_only_names_of_this_machine_are_taken(host: str, *, is_ours: bool) -> None:
    """A page of a browser whose name was changed to our address keeps its name as `Host`."""
    assert _asker("127.0.0.1", host).may_steer(None) is is_ours


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        (OWN, True),
        (f"::ffff:{OWN}", True),
        ("127.0.0.1", True),
        ("10.0.0.6", False),
        ("::ffff:10.0.0.6", False),
        ("", False),
    ],
)
def test_only_clients_of_this_machine_are_taken(address: str, *, is_here: bool) -> None:
    """Those whose address is the one that the configuration names, or of loopback."""
    assert _asker(address, OWN).may_steer(None) is is_here


def test_unknown_ends_are_not_this_machine() -> None:
    """A socket of the file system has no addresses, and no two of them are equal."""
    headers = [(b"host", b"localhost")]
    asker = Asker.of({"client": None, "headers": headers}, "")
    assert not asker.may_steer(None)


def test_second_host_is_not_overlooked() -> None:
    """Whichever of the two a proxy has looked at."""
    headers = [(b"host", b"evil.example"), (b"host", b"localhost")]
    assert not Asker.of({"client": ("127.0.0.1", 1), "headers": headers}, "").may_steer(None)


@pytest.mark.parametrize(
    ("bind", "own_address"),
    [
        (f"{OWN}:9464", OWN),
        ("[::1]:9464", "::1"),
        ("0.0.0.0:9464", ""),
        ("[::]:9464", ""),
        ("fd:3", ""),
        ("consumer.example:9464", ""),
    ],
)
def test_only_an_address_that_the_operator_names_is_our_own(bind: str, own_address: str) -> None:
    """A forwarder of ports connects with the address of our end, for other machines."""
    assert own_address_of(bind) == own_address


def _asker(address: str, host: str) -> Asker:
    headers = [(b"Host", host.encode())] if host else []
    return Asker.of({"client": (address, 50_000), "headers": headers}, OWN)
