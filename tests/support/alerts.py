"""Asks promtool which alerts of config/alerts.yaml fire, given real answers of `/metrics`."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

if TYPE_CHECKING:
    from tests.support.daemon import Daemon

RULES: Final = Path(__file__).parents[2] / "config" / "alerts.yaml"
STEP_S: Final = 15
SAMPLE: Final = re.compile(r"^(consumer_\w+)(\{.*\})? (\S+)$", re.MULTILINE)
FIRED: Final = re.compile(r"alertname: (\w+), time")
NAMES: Final = tuple(re.findall(r"- alert: (\w+)", RULES.read_text()))


class Scrape(msgspec.Struct, frozen=True):
    """One answer of `/metrics`.

    Attributes:
        at_s: When it was asked for.
        values: Each sample by its name with its labels. None if there was no answer.
    """

    at_s: float
    values: dict[str, float] | None


def read(body: str) -> dict[str, float]:
    """Read an answer of `/metrics`."""
    return {name + labels: float(value) for name, labels, value in SAMPLE.findall(body)}


async def scrape(daemon: Daemon) -> Scrape:
    """Ask a daemon, which may be dead."""
    body = await daemon.scraped()
    return Scrape(time.monotonic(), None if body is None else read(body))


async def fired(scrapes: list[Scrape], folder: Path, *, minutes: int = 25) -> set[str]:
    """Return the alerts that fire at the end of a time that begins with real scrapes.

    Prometheus asks every 15 s, and a test cannot wait for the 15 minutes that some rules look at.
    So each scrape counts as an answer of its own 15 s after the one before, and after the last
    scrape every series goes on as it went in the real seconds before it: a counter that grew grows
    at the same rate, a value that was constant stays.

    Args:
        scrapes: What the daemon answered, at least two times.
        folder: for promtool's file.
        minutes: The whole time.
    """
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: python -m tests.brokers up")
    count = minutes * 60 // STEP_S
    up: list[float | None] = [float(each.values is not None) for each in scrapes]
    up += [up[-1]] * (count - len(scrapes))
    names = {name for each in scrapes for name in each.values or ()}
    written = [{"series": 'up{job="consumer",instance="one"}', "values": _text(up)}]
    written += [
        {"series": _labelled(name), "values": _text(_all(name, scrapes, count))}
        for name in sorted(names)
    ]
    asked = [{"eval_time": f"{minutes}m", "alertname": each} for each in NAMES]
    test = {"interval": f"{STEP_S}s", "input_series": written, "alert_rule_test": asked}
    whole = {"rule_files": [str(RULES)], "evaluation_interval": f"{STEP_S}s", "tests": [test]}
    path = folder / "promtool.yaml"
    path.write_text(json.dumps(whole))  # JSON is YAML
    promtool = await asyncio.create_subprocess_exec(
        *("promtool", "test", "rules", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await promtool.communicate()
    said = output.decode()
    found = set(FIRED.findall(said))
    assert bool(found) == bool(promtool.returncode), said[-3000:]
    return found


def _labelled(name: str) -> str:
    head, brace, labels = name.partition("{")
    return f'{head}{{instance="one",job="consumer"' + (f",{labels}" if brace else "}")


def _all(name: str, scrapes: list[Scrape], count: int) -> list[float | None]:
    """Return the values of one series, 15 s apart. None means that it was not there."""
    values = [each.values.get(name) if each.values is not None else None for each in scrapes]
    last, before = values[-1], values[-2]
    if last is None:
        return [*values, *[None] * (count - len(values))]
    per_s = 0.0 if before is None else (last - before) / (scrapes[-1].at_s - scrapes[-2].at_s)
    later = [last + per_s * STEP_S * number for number in range(1, count - len(values) + 1)]
    return [*values, *later]


def _text(values: list[float | None]) -> str:
    return " ".join("_" if value is None else f"{value:.6f}" for value in values)
