"""Every quantity carries its unit in its name: in the code, in the options, in the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from msgspec.inspect import (
    DictType,
    FloatType,
    IntType,
    Metadata,
    StructType,
    Type,
    UnionType,
)
from prometheus_client import Gauge, Histogram

from consumer.config.load import TABLES
from consumer.listeners.registry import kinds
from consumer.operations.metrics import Metrics
from tests.support.modules import Module, modules
from tests.support.quantities import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS: Final = {
    *("s", "ms", "us", "ns", "seconds", "minutes", "hours"),
    *("bytes", "bits", "wbits", "characters", "columns", "digits"),
    *("count", "ratio", "share", "percent"),
    "units",  # the smallest units of a currency
}
"""The last words of names that hold a quantity. A rate ends in one as well: `rate_per_s`."""
NO_QUANTITY: Final = {
    "at": "a position in bytes or text",
    "attempt": "which attempt it is: 1 for the first one",
    "channel": "which channel of a connection it is",
    "currencies": "an option of `[wallet]` whose name is given: digits, by currency",
    "code": "a value with a meaning that a protocol gave it, as an error's code",
    "descriptor": "the system's name of an open file",
    "end": "a position, behind the last",
    "id": "the number of a row",
    "index": "a place in a sequence",
    "line": "which line of a text it is",
    "method": "a value with a meaning that AMQP gave it",
    "number": "which message of a stream it is, or which event of a file",
    "offset": "which record of a partition it is",
    "pid": "the system's name of a process",
    "port": "the system's name of a socket",
    "position": "which record of a partition is read next",
    "status": "a value with a meaning that HTTP gave it",
    "replicas": "JetStream's own word for a count, as in its configuration",
    "seed": "where a generator of random numbers begins",
    "sequence": "which message of a stream it is",
    "shift": "which bit of some flags it is",
    "start": "a position, of the first",
    "tag": "which delivery of a channel it is",
    "type": "a value with a meaning that a protocol gave it, as the type of a frame",
    "value": "any value, of which the place knows no more than its type",
    "version": "which version it is",
    "weight": "how often in comparison with others; it has no unit",
}
"""Last words of names whose numbers are no quantities, and what they are instead."""
FOREIGN: Final = {
    "action": "ledger/sqlite/connection.py: a parameter of SQLite's authorizer",
    "max_records": "listeners/kafka/internals.py: a parameter of aiokafka's method",
    "batch": "nats/pull.py: a field of NATS's pull request",
    "errno": "listeners/kafka/internals.py: a field of aiokafka's errors",
    "expires": "nats/pull.py: a field of NATS's pull request, in nanoseconds",
    "idle_heartbeat": "nats/pull.py: a field of NATS's pull request, in nanoseconds",
    "limit": "api/dead_letters/asked.py: a parameter whose name is given, in letters",
    "max_length": "deliveries/decompress.py: a parameter of zlib's",
    "rate": "config/http.py: an option of `[sandbox]` whose name is given, in events a second",
    "seq": "sinks/jetstream.py: a field of NATS's confirmation",
    "sid": "nats/: a parameter of the library's method that we override",
    "IN_PROCESS": "sinks/jetstream.py: the code of an error of NATS",
    "PR_SET_PDEATHSIG": "tools/embedded: a constant of Linux by its own name",
    "TOO_LARGE": "sinks/jetstream.py: the code of an error of NATS",
    "STREAM_NOT_FOUND": "listeners/nats: the code of an error of NATS",
    "UNLIMITED": "nats/ and listeners/nats: nats-py's -1",
    "rejected": "listeners/http/answers.py: a count, by its name in answers",
    "_DEFLATE": "deliveries/decompress.py: the number of a method in zlib's header",
    "_LEAP_SECOND": "events/timestamp.py: the 60 of 23:59:60",
    "_MORE_FLAGS": "listeners/rabbitmq: the bit by which AMQP announces more flags",
    "_ZLIB_CHECK": "deliveries/decompress.py: what a zlib header can be divided by",
}
"""Names that somebody else gave, or that say which fixed value they are: where, and what it is."""
COUNTED: Final = {
    "http_connections",
    "in_flight",
    "lag",
    "listener_paused",
    "listener_up",
    "stream_readers",
    "batch_events",
    "build_info",
    "wallet_faults",
    "wallet_write_offs",
}
"""Metrics whose name is what they count."""


def has_unit(name: str) -> bool:
    """Tell whether a name ends in its unit, or needs none."""
    if name == "_":
        return True
    last = name.lower().rpartition("_")[2]
    return last in UNITS or last in NO_QUANTITY or name in FOREIGN


def options() -> Iterator[str]:
    """Yield `table.option` for every option that holds a number, also in the tables of a table."""
    tables: dict[str, type[msgspec.Struct]] = dict(TABLES)
    tables |= {kind: listener.settings_type for kind, listener in kinds().items()}
    for table, settings in tables.items():
        yield from numeric(msgspec.inspect.type_info(settings), table)


def numeric(kind: Type, path: str) -> Iterator[str]:
    """Yield the path of every number in a type."""
    match kind:
        case StructType():
            for field in kind.fields:
                yield from numeric(field.type, f"{path}.{field.name}")
        case Metadata():
            yield from numeric(kind.type, path)
        case DictType():
            yield from numeric(kind.value_type, path)
        case UnionType():
            for each in kind.types:
                yield from numeric(each, path)
        case IntType() | FloatType():
            yield path


@pytest.mark.parametrize("module", modules("consumer"), ids=lambda module: module.name)
def test_number_in_the_code_has_its_unit_in_its_name(module: Module) -> None:
    """Whether 30 is seconds, bytes or pieces must not be a question at the place of use."""
    bare = [number for number in numbers(module) if not has_unit(number.name)]
    assert [f"{module.path}:{number.line} {number.name}" for number in bare] == []


def test_every_foreign_name_is_still_in_use() -> None:
    """An exception that nothing needs any more would hide the next mistake."""
    used = {number.name for module in modules("consumer") for number in numbers(module)}
    assert FOREIGN.keys() - used == set()


@pytest.mark.parametrize("option", sorted(options()))
def test_option_has_its_unit_in_its_name(option: str) -> None:
    """Seconds or milliseconds is no question at night."""
    assert has_unit(option.rpartition(".")[2])


def test_metric_has_its_unit_in_its_name() -> None:
    """As Prometheus wants it: https://prometheus.io/docs/practices/naming/."""
    found = {
        family.name.removeprefix("consumer_")
        for metric in vars(Metrics()).values()
        if isinstance(metric, (Gauge, Histogram))
        for family in metric.describe()
    }
    assert found
    assert {name for name in found if not name.endswith(("_seconds", "_bytes"))} <= COUNTED
