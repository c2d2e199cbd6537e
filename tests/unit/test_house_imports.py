"""Imports run one way: the order of the rooms, no circle, and little that the daemon loads."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.modules import Module, modules, own_imports
from tests.support.rooms import FLOORS

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR_OF: Final = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
UPWARDS: Final[dict[tuple[str, str], str]] = {}
"""Imports that run upwards all the same, (module, imported module), and why. There are none."""
TOOLS: Final = ("consumer.cli", "consumer.tools")
"""What people use beside the daemon."""
DAEMON: Final = """
import sys, tomllib
from consumer.app import App
from consumer.config.load import build
from consumer.listeners.registry import kinds
App(build(tomllib.loads(sys.argv[1]), kinds()), kinds())
print(*sys.modules)
"""
RABBITMQ: Final = 'kind = "rabbitmq"\nurl = "amqp://h/"\nqueue = "q"'
KAFKA: Final = 'kind = "kafka"\nbootstrap_servers = ["h:1"]\ntopics = ["t"]\ngroup_id = "g"'
NATS: Final = 'kind = "nats"\nsubject = "s"'
HTTP: Final = 'kind = "http"\n[http]\n[sandbox]'
POSTED: Final = 'kind = "http"\n[http]\n'
WALLET: Final = """
[wallet]
database = "sqlite:wallet.db"
[wallet.brands.b]
origin = "www.b.example"
exchange_rates = {EUR = "1"}
[wallet.providers.acme]
"""
MONEY: Final = ("consumer.ledger.make", "consumer.wallet.room", "consumer.sandbox")
LIBRARIES: Final = {RABBITMQ: "aiormq", KAFKA: "aiokafka", HTTP: "httptools"}
"""The library that only one kind of listener needs."""
PUBLIC_PORT: Final = ("consumer.access", "consumer.api", "consumer.http", "consumer.listeners.http")
CONSUMER: Final = modules("consumer")
NAMES: Final = frozenset(module.name for module in CONSUMER)


def room_of(name: str) -> str:
    """Return the room of a module: the second part of its name."""
    return name.split(".")[1] if "." in name else name


def upwards(module: Module) -> Iterator[str]:
    """Yield the imports of a module that run upwards without an entry in `UPWARDS`."""
    floor = FLOOR_OF[room_of(module.name)]
    for found in own_imports(module, NAMES):
        target = found.target
        if target == "consumer" or (module.name, target) in UPWARDS:
            continue
        if FLOOR_OF[room_of(target)] > floor:
            yield f"{module.path}:{found.line} imports {target}"


def reached(needs: dict[str, set[str]], start: str) -> set[str]:
    """Return every module that is needed by the first one, directly or by way of others."""
    found: set[str] = set()
    ahead = set(needs[start])
    while ahead:
        found |= ahead
        ahead = set().union(*(needs[name] for name in ahead)) - found
    return found


def test_every_room_has_its_floor() -> None:
    """A new folder is built on a floor, or it does not stand."""
    rooms = {room_of(module.name) for module in CONSUMER if module.name != "consumer"}
    assert rooms - set(FLOOR_OF) == set()


@pytest.mark.parametrize(
    "module",
    [module for module in CONSUMER if module.name != "consumer"],
    ids=lambda module: module.name,
)
def test_imports_run_downwards(module: Module) -> None:
    """Lazy imports and imports for type checking count like all others."""
    assert list(upwards(module)) == []


def test_no_import_goes_round_in_a_circle() -> None:
    """Two modules that need each other are one module, or lack a third one below them."""
    needs = {
        module.name: {found.target for found in own_imports(module, NAMES)} - {module.name}
        for module in CONSUMER
    }
    assert [name for name in needs if name in reached(needs, name)] == []


def loaded_by_a_daemon(listener: str) -> list[str]:
    """Return the modules that a daemon with one listener has loaded, in an interpreter of its own.

    Args:
        listener: The options of the listener, and tables behind them.
    """
    config = f'brand = "b"\n[listeners.a]\n{listener}\n'
    return subprocess.run(  # noqa: S603  # our own interpreter on a constant text
        [sys.executable, "-c", DAEMON, config], capture_output=True, text=True, check=True
    ).stdout.split()


def test_the_daemon_loads_no_tools() -> None:
    """A production process pays in memory and in attack surface for what it loads."""
    loaded = loaded_by_a_daemon(NATS)
    assert "consumer.lanes.lane" in loaded
    assert [name for name in loaded if name.startswith(TOOLS)] == []


def test_a_daemon_without_the_table_http_loads_nothing_of_the_public_port() -> None:
    """Only the options of its tables, which say that there is none."""
    found = [name for name in loaded_by_a_daemon(NATS) if name.startswith(PUBLIC_PORT)]
    rooms = {"consumer.access", "consumer.http"}
    assert set(found) == rooms | {f"{room}.settings" for room in rooms}


@pytest.mark.parametrize(
    ("tables", "rooms"),
    [
        (HTTP, set()),
        (f"{POSTED}{WALLET}", {"consumer.ledger.make", "consumer.wallet.room"}),
        (f"{HTTP}{WALLET}", {"consumer.ledger.make", "consumer.wallet.room", "consumer.sandbox"}),
    ],
    ids=["neither", "wallet", "both"],
)
def test_money_and_test_games_are_loaded_if_they_are_configured(
    tables: str, rooms: set[str]
) -> None:
    """Without `[wallet]` no database, and without `[sandbox]` as well no test game."""
    loaded = set(loaded_by_a_daemon(tables))
    assert {name for name in MONEY if name in loaded} == rooms


@pytest.mark.parametrize("listener", [RABBITMQ, KAFKA, NATS, HTTP], ids=lambda text: text[8:12])
def test_a_daemon_loads_the_libraries_of_its_own_listeners_only(listener: str) -> None:
    """Kafka's would take 5 MB, and RabbitMQ's 2 MB, of a process that never uses them."""
    libraries = {name.partition(".")[0] for name in loaded_by_a_daemon(listener)}
    needed = {LIBRARIES[listener]} if listener in LIBRARIES else set()
    assert libraries & set(LIBRARIES.values()) == needed
