"""The rules that a linter does not know: sizes, units in names, where what may be caught."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from prometheus_client import Gauge, Histogram

from consumer.config.load import TABLES
from consumer.listeners.registry import kinds
from consumer.operations.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
MODULE_MAX_LINES: Final = 400
UNITS: Final = ("_s", "_bytes", "_count", "_ratio")
WITHOUT_UNIT: Final = {"replicas", "max_share"}
"""Numbers that count nothing but themselves."""
COUNTED: Final = {"in_flight", "lag", "listener_up", "batch_events", "build_info"}
"""Metrics whose name is what they count."""
BROAD: Final = {
    "consumer/pipeline/decode.py": "an error of ours costs one dead letter, never the lane",
    "consumer/listeners/rabbitmq/connection.py": "aiormq raises a bare Exception; others pass on",
}


def sources(*folders: str) -> Iterator[Path]:
    """Give every module below the folders."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def numbers() -> Iterator[str]:
    """Give `table.option` for every option that holds a number."""
    tables: dict[str, type[msgspec.Struct]] = dict(TABLES)
    tables |= {kind: listener.settings_type for kind, listener in kinds().items()}
    for table, settings in tables.items():
        for field in msgspec.inspect.type_info(settings).fields:  # type: ignore[attr-defined]  # a struct's
            if "IntType" in str(field.type) or "FloatType" in str(field.type):
                yield f"{table}.{field.name}"


def test_no_module_is_longer_than_it_may_be() -> None:
    """A file that does not fit is a reason to think."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("consumer", "tests", "bench")
        if (lines := len(path.read_text().splitlines())) > MODULE_MAX_LINES
    }
    assert not long


@pytest.mark.parametrize("option", sorted(numbers()))
def test_number_has_its_unit_in_its_name(option: str) -> None:
    """Seconds or milliseconds is no question at night."""
    name = option.partition(".")[2]
    assert name.endswith(UNITS) or name in WITHOUT_UNIT


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


def test_broad_excepts_are_the_known_ones() -> None:
    """Elsewhere, what may be raised is named."""
    found = {
        str(path.relative_to(ROOT))
        for path in sources("consumer")
        if re.search(r"except \(?Exception|except:", path.read_text())
    }
    assert found == set(BROAD)


def test_only_eventually_sleeps_in_tests() -> None:
    """Conditions with deadlines instead; an outage that has to last says so."""
    allowed = {"tests/support", "tests/brokers", "tests/unit/test_supervise.py"}
    found = {
        str(path.relative_to(ROOT))
        for path in sources("tests")
        for line in path.read_text().splitlines()
        if re.search(r"\bsleep\((?!0\))", line) and "#" not in line
    }
    assert not {name for name in found if not name.startswith(tuple(allowed))}
