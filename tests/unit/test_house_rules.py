"""The rules that a linter does not know: sizes, what may be caught, exceptions, sleeping tests."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest

from tests.support.modules import Module, modules

MODULE_MAX_LINES: Final = 400
BROAD: Final = {
    "consumer/cli/run/reread.py": "a bug of ours costs one reading of the configuration",
    "consumer/operations/daemon_thread.py": "an error of a call belongs to whoever waits for it",
    "consumer/pipeline/decode.py": "an error of ours costs one dead letter, never the lane",
    "consumer/http/application.py": "a bug of ours costs one answer, never the connection",
    "consumer/listeners/rabbitmq/connection.py": "aiormq raises a bare Exception; others pass on",
    "consumer/ledger/sqlite/writer.py": "a bug of ours costs one order, never the writer",
    "consumer/sandbox/running.py": "a bug of ours costs one round of a test game, nothing live",
    "consumer/nats/connection.py": "nats-py and nkeys raise any type for a bad seed or file",
}
"""The modules that catch every exception, and why."""
SLEEPERS: Final = {
    "tests/support/eventually.py": "looks again and again whether a condition holds, to a deadline",
    "tests/support/jumping_time.py": "lets time pass in a loop that jumps over every wait",
    "tests/support/proxy.py": "slows down a connection, as a bad network does",
    "tests/brokers/base.py": "a broker that starts can only be asked again and again",
    "tests/brokers/__main__.py": "so can processes that end and are not our children",
    "tests/acceptance/test_alerts.py": "a fault has to go on between two scrapes",
    "tests/acceptance/test_outages.py": "the outage has to last as long as its name says",
    "tests/acceptance/test_http_hostile.py": "load over some seconds is what is measured",
    "tests/acceptance/test_http_outages.py": "an outage has to last as long as its name says",
    "tests/acceptance/test_http_overload.py": "a load over time is what is tested",
    "tests/support/resending.py": "a sender waits as long as it was told, before it sends again",
    "tests/acceptance/test_wallet.py": "a daemon is killed in the middle of a load",
    "tests/contract/test_ledger_races.py": "a database is killed in the middle of a load",
    "tests/acceptance/test_http_schema.py": "good events come at a pace beside broken ones",
    "tests/acceptance/test_mixed_load.py": "the moment of a kill is drawn at random",
}
"""The modules of the tests that sleep, and why nothing can be waited for instead."""
LINTER_EXCEPTIONS_MAX_COUNT: Final = {"consumer": 46, "tests": 47, "bench": 2}
"""Lines with `# noqa`. Fewer is better; a higher number wants a better reason than a hurry."""
ANY_MAX_COUNT: Final = 119
"""Uses of `Any` in `consumer`, its imports included."""
NOQA: Final = re.compile(r"# noqa\b(?P<codes>: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)*)?(?P<reason>  # \S+)?")
IGNORE: Final = re.compile(r"# type: ignore\b(?P<codes>\[[a-z, -]+\])?(?P<reason>  # \S+)?")
HERE: Final = "tests/unit/test_house_rules.py"
"""This module speaks of exceptions, and its text is no exception."""
ALL: Final = tuple(each for each in modules("consumer", "tests", "bench") if each.path != HERE)


def sleeps(module: Module) -> bool:
    """Tell whether a module sleeps; `sleep(0)` only gives way to others."""
    return any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("sleep")
        and [ast.unparse(argument) for argument in node.args] != ["0"]
        for node in ast.walk(module.tree)
    )


def any_count(module: Module) -> int:
    """Count how often `Any` stands in a module."""
    return sum(
        getattr(node, "id", getattr(node, "name", "")) == "Any" for node in ast.walk(module.tree)
    )


def test_no_module_is_longer_than_it_may_be() -> None:
    """A file that does not fit is a reason to think."""
    lengths = {module.path: len(module.text.splitlines()) for module in ALL}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_MAX_LINES} == {}


def test_broad_excepts_are_the_known_ones() -> None:
    """Elsewhere, what may be raised is named."""
    found = {
        module.path
        for module in modules("consumer")
        if re.search(r"except \(?Exception|except:", module.text)
    }
    assert found == set(BROAD)


def test_tests_that_sleep_are_the_known_ones() -> None:
    """A sleep is too long on most days and too short on a bad one: wait for a condition."""
    assert {module.path for module in modules("tests") if sleeps(module)} == set(SLEEPERS)


@pytest.mark.parametrize("pattern", [NOQA, IGNORE], ids=["noqa", "type: ignore"])
def test_every_exception_of_a_tool_has_its_reason_beside_it(pattern: re.Pattern[str]) -> None:
    """In the form `# noqa: CODE  # reason`; later readers cannot guess it."""
    found = [
        f"{module.path}:{number}"
        for module in ALL
        for number, line in enumerate(module.text.splitlines(), 1)
        for exception in pattern.finditer(line)
        if not (exception["codes"] and exception["reason"])
    ]
    assert found == []


@pytest.mark.parametrize("folder", LINTER_EXCEPTIONS_MAX_COUNT)
def test_exceptions_of_the_linter_do_not_grow(folder: str) -> None:
    """Each is a place where the code could be better than the rule that it breaks."""
    texts = [module.text for module in ALL if module.path.startswith(f"{folder}/")]
    found = [line for text in texts for line in text.splitlines() if NOQA.search(line)]
    assert len(found) <= LINTER_EXCEPTIONS_MAX_COUNT[folder]


def test_any_does_not_spread() -> None:
    """What has this type is checked by nobody: `object` is the honest type of an unknown value."""
    assert sum(map(any_count, modules("consumer"))) <= ANY_MAX_COUNT
