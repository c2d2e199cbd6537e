"""Examples and documentation, held against the code that they are about."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest

from consumer.config.load import TABLES, load
from consumer.http.settings import HttpTlsSettings
from consumer.listeners.registry import kinds
from consumer.nats.connection import NatsSettings
from consumer.operations.metrics import Metrics
from consumer.options.check import is_secret
from consumer.options.values import TlsSettings

if typing.TYPE_CHECKING:
    import msgspec

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("config/*.toml"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "config" / "alerts.yaml").read_text(encoding="utf-8")

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
METRIC = re.compile(r"\bconsumer_\w+")
KAFKA_QUOTAS = {"consumer_byte_rate"}
"""What Kafka calls its limit for readers looks like a metric of ours."""
SETTINGS: list[type[msgspec.Struct]] = [
    *TABLES.values(),
    *(kind.settings_type for kind in kinds().values()),
    TlsSettings,
    HttpTlsSettings,
]


def _name(value: object) -> str:
    return value.name if isinstance(value, Path) else getattr(value, "__name__", str(value))


def _metrics(*, with_buckets: bool = False) -> set[str]:
    """Return every metric as it is scraped; the buckets of histograms only if they are wanted."""
    families = list(Metrics().registry.collect())
    counters = {f"{one.name}_total" for one in families if one.type == "counter"}
    others = {one.name for one in families if one.type != "counter"}
    if with_buckets:
        others |= {f"{one.name}_bucket" for one in families if one.type == "histogram"}
    return {name for name in counters | others if name.startswith("consumer_")}


def _options() -> set[str]:
    return {name for kind in SETTINGS for name in kind.__struct_fields__}


def _section(heading: str) -> str:
    """Return what stands between the heading that begins so and the next one."""
    _, found, rest = OPERATIONS.partition(f"\n### {heading}")
    assert found, f"docs/operations.md has no section {heading}"
    return rest.partition("\n## ")[0].partition("\n### ")[0]


def _sections_of(kind: type[msgspec.Struct]) -> str:
    """Return the sections that a settings struct's options are explained in."""
    if kind is HttpTlsSettings:
        return _section("`[http]`")
    if kind is TlsSettings:
        return _section("TLS")
    table = next((name for name, struct in TABLES.items() if struct is kind), None)
    if table is not None:
        sections = [_section(f"`[{table}]`")]
    else:
        word = next(word for word, one in kinds().items() if one.settings_type is kind)
        sections = [_section("`[listeners.NAME]`"), _section(f'`kind = "{word}"`')]
    if set(NatsSettings.__struct_fields__) <= set(kind.__struct_fields__):
        sections.append(_section("NATS connection"))
    return "\n".join(sections)


def _first_cells(text: str) -> str:
    return "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| "))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_an_example_is_a_configuration(path: Path) -> None:
    """Whoever copies it begins with something that starts."""
    assert load(path, {}, kinds()).listeners


def test_the_large_example_has_every_kind_of_listener() -> None:
    """One of each, and no kind forgotten."""
    listeners = load(ROOT / "config" / "consumer.toml", {}, kinds()).listeners.values()
    assert {one.kind for one in listeners} == {"rabbitmq", "kafka", "nats", "http"}


def test_the_readme_shows_the_minimal_example() -> None:
    """The block in the README is the file, to the letter."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert blocks == [(ROOT / "config" / "minimal.toml").read_text(encoding="utf-8")]


def test_the_readme_is_short_and_begins_with_code() -> None:
    """At most 100 lines, the first code before line 15."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
    assert any(line.startswith("```") for line in lines[:14])


@pytest.mark.parametrize("text", [OPERATIONS, ALERTS], ids=["operations", "alerts"])
def test_every_metric_that_is_named_exists(text: str) -> None:
    """An alert on a metric that was renamed would never fire."""
    assert set(METRIC.findall(text)) - _options() - KAFKA_QUOTAS <= _metrics(with_buckets=True)


def test_each_situation_names_a_test_and_an_alert_that_exist() -> None:
    """The matrix is made from the tests that show it."""
    _, found, rest = OPERATIONS.partition("\n## When something changes underneath\n")
    assert found
    matrix = rest.partition("\n## ")[0]
    named = re.findall(r"\]\(\.\./(tests/[^)]*)\)(?: `(\w+)`)?", matrix)
    assert len(named) > 20
    for file, test in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, f"{file} has no {test}"
    alerts = set(re.findall(r"\bConsumer\w+", matrix))
    assert alerts <= set(re.findall(r"- alert: (\w+)", ALERTS))


def test_every_metric_is_documented() -> None:
    """In the table, with its meaning."""
    assert {name for name in _metrics() if f"| `{name}` |" not in OPERATIONS} == set()


@pytest.mark.parametrize("kind", SETTINGS, ids=_name)
def test_every_option_is_documented(kind: type[msgspec.Struct]) -> None:
    """In the section of its own table."""
    documented = _first_cells(_sections_of(kind))
    options = kind.__struct_fields__
    assert [name for name in options if f"`{name}`" not in documented] == []


@pytest.mark.parametrize("kind", SETTINGS, ids=_name)
def test_every_secret_is_marked(kind: type[msgspec.Struct]) -> None:
    """With the sign that promises a `_file` twin, and nothing else with it."""
    documented = _first_cells(_sections_of(kind))
    hints = typing.get_type_hints(kind, include_extras=True)
    marked = {name for name in hints if f"`{name}` ●" in documented}
    assert marked == {name for name, hint in hints.items() if is_secret(hint)}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every file that a page links to exists, and so does the heading in it."""
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in _anchors(file), f"{page.name}: {target}#{anchor}"
