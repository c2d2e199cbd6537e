"""docs/sending-code.md against the files in docs/sending/, and the links of three pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.programs import PROGRAMS, RUN

DOCS: Final = Path(__file__).parents[2] / "docs"
NOT_RUN: Final = {
    "¹": {"php/kafka.php", "php/nats.php"},
    "²": {"dotnet/rabbitmq.cs", "dotnet/kafka.cs", "dotnet/nats.cs"},
}
"""The programs that no test runs, by the footnote of the page that says so."""
SUFFIXES: Final = {".js", ".java", ".go", ".php", ".cs"}


def links(page: str) -> list[str]:
    """Return where the links of a page lead to, without the links that leave these files."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["sending.md", "sending-code.md", "http.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file, and to a heading of it."""
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = DOCS / (name or page)
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_program_is_on_the_page() -> None:
    """With the footnotes of those that no test runs."""
    files = {
        str(file.relative_to(PROGRAMS)) for file in PROGRAMS.rglob("*.*") if file.suffix in SUFFIXES
    }
    ours = {file for file in files if not re.search("node_modules|vendor", file)}
    text = (DOCS / "sending-code.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"\]\(sending/(\S+\.\w+)\): [^|]*?([¹²]?) \|", text))
    assert set(told) == ours
    for note, programs in NOT_RUN.items():
        assert {file for file, found in told.items() if found == note} == programs
    assert len(ours) == len(RUN) + sum(map(len, NOT_RUN.values()))
