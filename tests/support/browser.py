"""A real Chromium that opens a page, and everything that it complains about."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, Literal

import pytest
from playwright.async_api import async_playwright

from tests.brokers.browser import chromium

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import ConsoleMessage, Page, Request

DEADLINE_MS: Final = 20_000
Scheme = Literal["light", "dark"]


def program() -> str:
    """Return the path of Chromium. Without it, skip the test, or fail it in CI."""
    path = chromium()
    if path is not None:
        return path
    missing = "Chromium is not installed: `make browser`"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


class Tab:
    """One page of a browser.

    Attributes:
        page: The page.
        complaints: What the console showed as a warning or an error, which includes everything that
            a Content-Security-Policy stopped, and what went wrong in scripts.
        asked: The URL of each request.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(DEADLINE_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"}:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        self.asked.append(request.url)

    async def is_too_wide(self) -> bool:
        """Tell whether a person would have to scroll to the side."""
        wide: bool = await self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide


@contextlib.asynccontextmanager
async def open_tab(width: int = 1280, scheme: Scheme = "light") -> AsyncIterator[Tab]:
    """Open a browser with an empty page.

    Args:
        width: The width of the page, in pixels.
        scheme: The colours that the system prefers.
    """
    path = program()
    async with async_playwright() as playwright:
        # root, as which CI runs, has no sandbox.
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            context = await browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            yield Tab(await context.new_page())
        finally:
            await browser.close()
