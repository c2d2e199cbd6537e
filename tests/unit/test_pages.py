"""The pages for people: from files of our own, and nothing in them that their policy would stop."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hatchling.builders.wheel import WheelBuilder

from consumer.api.page_endpoints import FILES, PAGES, page_endpoints
from consumer.events.registry import CATALOGUE
from tests.support.http_application import application_of, client_of

if TYPE_CHECKING:
    import httpx

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "consumer" / "api" / "pages"
OURS: Final = [file.name for file in sorted(FOLDER.iterdir()) if file.is_file()]
HTML: Final = {"/docs": "api.html", "/docs/stream": "stream.html"}
EVERYTHING: Final = [*HTML, *(f"/docs/files/{name}" for name in FILES)]


@pytest.fixture
def client() -> httpx.AsyncClient:
    """Return a client of the pages."""
    return client_of(application_of(page_endpoints()))


def test_rapidoc_is_the_file_that_its_notice_names() -> None:
    """Its version and its hash: nobody changes it, or exchanges it, without being seen."""
    text = (FOLDER / "vendor" / "rapidoc-min.js").read_bytes()
    notice = (FOLDER / "vendor" / "NOTICE").read_text()
    assert hashlib.sha256(text).hexdigest() in notice.split()
    version = re.match(rb"/\*! RapiDoc (\S+)", text)
    assert version is not None
    assert notice.startswith(f"RapiDoc {version[1].decode()}, MIT licence")
    for name in ("rapidoc-LICENSE.txt", "rapidoc-min.js.LICENSE.txt"):
        assert name in notice
        assert "MIT" in (FOLDER / "vendor" / name).read_text()


def test_every_file_is_served_and_every_served_file_is_there() -> None:
    """Under its own name."""
    assert {path for path, _ in FILES.values() if "/" not in path} == {*OURS} - {*HTML.values()}
    assert all((PAGES / path).is_file() for path, _ in FILES.values())


@pytest.mark.parametrize("path", EVERYTHING)
async def test_answer_lets_a_browser_do_little(client: httpx.AsyncClient, path: str) -> None:
    """Whatever is opened as a page."""
    async with client:
        answer = await client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "etag" in answer.headers


async def test_inline_styles_are_for_rapidoc_only(client: httpx.AsyncClient) -> None:
    """And inline scripts are for nobody."""
    async with client:
        policies = {
            path: (await client.get(path)).headers["content-security-policy"] for path in EVERYTHING
        }
    assert [path for path, policy in policies.items() if "unsafe" in policy] == ["/docs"]
    assert re.findall(r"([a-z-]+) 'unsafe-\S+'", policies["/docs"]) == ["style-src-attr"]


async def test_missing_file_is_not_found(client: httpx.AsyncClient) -> None:
    """Also if it is elsewhere in the package."""
    async with client:
        for name in ("nothing.js", "..%2fport.py", "api.html"):
            answer = await client.get(f"/docs/files/{name}")
            assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


@pytest.mark.parametrize("name", HTML.values())
def test_page_has_no_code_or_style_in_it(name: str) -> None:
    """Its policy would stop it."""
    page = (FOLDER / name).read_text()
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize("name", OURS)
def test_file_names_no_other_server(name: str) -> None:
    """No font, no picture, no script of a network of others."""
    text = (FOLDER / name).read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?://|(?:src|href)=\"//|@import", text) == []


@pytest.mark.parametrize("name", [name for name in OURS if name.endswith(".js")])
def test_script_makes_no_markup_of_text(name: str) -> None:
    """Events hold what players and brands wrote."""
    text = (FOLDER / name).read_text()
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) == []


def test_inputs_have_no_names() -> None:
    """So no browser puts the key into a URL, whatever happens to the script."""
    page = (FOLDER / "stream.html").read_text()
    assert re.findall(r"<(?:input|select|button)[^>]*\sname=", page) == []


def test_every_input_has_a_label() -> None:
    """For those who do not see the page."""
    page = (FOLDER / "stream.html").read_text()
    fields = re.findall(r"<(?:input|select)[^>]*>", page)
    labelled = set(re.findall(r'<label for="(\w+)"', page))
    inside = re.findall(r"<label[^>]*><input[^>]*>", page)
    assert len(fields) == len(labelled) + len(inside)


def test_stream_page_offers_every_family() -> None:
    """Of the catalogue, and no other."""
    page = (FOLDER / "stream.html").read_text()
    families = {
        f"{subject.partition('.')[0]}.*"
        for event_type in CATALOGUE
        for subject in event_type.subjects.values()
    }
    assert re.findall(r'value="(\w+\.\*)"', page) == sorted(families)


def test_wheel_has_all_files(tmp_path: Path) -> None:
    """With the licences."""
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    packed = zipfile.ZipFile(wheel).namelist()
    for file in FOLDER.rglob("*"):
        if file.is_file():
            assert str(file.relative_to(ROOT)) in packed
