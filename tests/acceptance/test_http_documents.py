"""The documents and pages of a real daemon: compressed, not sent twice, and shown by a browser."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from playwright.async_api import expect

from consumer.api.page_endpoints import PAGES
from tests.support.browser import open_tab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.http_daemon import HttpScene

SHOWN_WITHIN_MS: Final = 30_000.0
"""RapiDoc takes 2 s, and 8 s on a machine that runs two suites."""
RAPIDOC: Final = "/docs/files/rapidoc-min.js"
DOCUMENTS: Final = ("/openapi.json", "/asyncapi.json", "/docs", "/docs/stream", RAPIDOC)


@pytest.fixture
async def url(http_scene: HttpScene) -> AsyncIterator[str]:
    """Run a daemon, and return the URL of its port."""
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        yield http_scene.url


async def test_documents_are_compressed_and_sent_once(url: str) -> None:
    """On one connection: an answer without a body does not confuse what follows it."""
    async with httpx.AsyncClient(base_url=url) as client:
        for path in DOCUMENTS:
            first = await client.get(path)
            assert (first.status_code, first.headers["content-encoding"]) == (200, "gzip")
            etag = first.headers["etag"]
            again = await client.get(path, headers={"if-none-match": etag})
            assert (again.status_code, again.content) == (304, b"")
            assert "content-length" not in again.headers
            head = await client.head(path)
            assert head.headers["content-length"] == first.headers["content-length"]


async def test_client_without_gzip_gets_the_file_itself(url: str) -> None:
    """RapiDoc is 863 kB, and a quarter of it compressed."""
    whole = (PAGES / "vendor" / "rapidoc-min.js").read_bytes()
    async with httpx.AsyncClient(base_url=url) as client:
        plain = await client.get(RAPIDOC, headers={"accept-encoding": "identity"})
        assert plain.content == whole
        zipped = await client.get(RAPIDOC)
        assert zipped.content == whole
        assert int(zipped.headers["content-length"]) < len(whole) / 3
        assert len(gzip.compress(whole)) == int(zipped.headers["content-length"])


async def test_browser_shows_the_api_of_the_daemon(url: str) -> None:
    """Twice: the second time from its cache, after the daemon said that it is right."""
    async with open_tab() as tab:
        for _ in range(2):
            await tab.page.goto(f"{url}/docs")
            paths = tab.page.locator(".endpoint-head .path")
            await expect(paths.filter(has_text="/v1/integration/casino")).to_be_visible(
                timeout=SHOWN_WITHIN_MS
            )
        assert tab.complaints == []
