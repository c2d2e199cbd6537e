"""The pages for people in a real Chromium, beside a stand-in for the stream."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest
from playwright.async_api import expect

from consumer.listeners.http.paths import PATHS
from tests.support.browser import open_tab
from tests.support.stand_in_stream import SECRET, event, stand_in_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.browser import Scheme, Tab
    from tests.support.stand_in_stream import StandInPort

each_way = pytest.mark.parametrize("way", ["websocket", "sse"])
CUT: Final = re.compile("net::ERR_|Failed to load resource")
"""What the console says when a connection is cut."""


@pytest.fixture
async def port() -> AsyncIterator[StandInPort]:
    """Serve a stand-in."""
    async with stand_in_port() as port:
        yield port


async def start(tab: Tab, port: StandInPort, way: str = "websocket", key: str = SECRET) -> None:
    """Open the page, and begin to follow the stream."""
    page = tab.page
    await page.goto(f"{port.url}/docs/stream")
    await page.get_by_label("Access key").fill(key)
    await page.get_by_label("Through").select_option(way)
    await page.get_by_role("button", name="Start").click()


async def shows(tab: Tab, *ids: str) -> None:
    """Wait until the page shows these events, the newest last, and no other."""
    await expect(tab.page.locator("#rows .id")).to_have_text([*reversed(ids)])


async def is_live(tab: Tab) -> None:
    """Wait until the page says so."""
    await expect(tab.page.locator("#state")).to_have_text("Live")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_api_page_lists_the_endpoints(port: StandInPort, width: int, scheme: Scheme) -> None:
    """Without a complaint of the browser, and without a request to another server."""
    async with open_tab(width, scheme) as tab:
        await tab.page.goto(f"{port.url}/docs")
        for _, path in PATHS.values():
            await expect(
                tab.page.locator(".endpoint-head .path", has_text=path).first
            ).to_be_visible()
        await tab.page.locator(".endpoint-head").first.click()
        await expect(tab.page.locator(".endpoint-body").first).to_be_visible()
        assert not await tab.is_too_wide()
        assert tab.complaints == []
        assert [url for url in tab.asked if not url.startswith(port.url)] == []
        back = await tab.page.evaluate("getComputedStyle(document.body.parentElement).background")
        assert ("17, 24, 39" in back) is (scheme == "dark")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_stream_page_shows_an_event(port: StandInPort, width: int, scheme: Scheme) -> None:
    """Without a complaint of the browser, and without a request to another server."""
    async with open_tab(width, scheme) as tab:
        await start(tab, port)
        await is_live(tab)
        port.put(event("a"))
        await shows(tab, "a")
        await tab.page.locator("#rows summary").click()
        await expect(tab.page.locator("#rows pre")).to_contain_text('"id": "a"')
        await expect(tab.page.locator("#count")).to_have_text("1 event")
        assert not await tab.is_too_wide()
        assert tab.complaints == []
        assert [url for url in tab.asked if not url.startswith(port.url)] == []


@each_way
async def test_page_goes_on_where_it_was_when_it_is_cut(port: StandInPort, way: str) -> None:
    """No gap, no repeat, and the page says that it was away."""
    async with open_tab() as tab:
        await start(tab, port, way)
        await is_live(tab)
        port.put(event("a"))
        await shows(tab, "a")
        port.cut()
        port.put(event("b"))
        await shows(tab, "a", "b")
        await is_live(tab)
        port.put(event("c"))
        await shows(tab, "a", "b", "c")
        await expect(tab.page.locator(".mark")).to_have_text("Connected again.")
        await expect(tab.page.locator("#problem")).to_be_hidden()
        assert [one for one in tab.complaints if not CUT.search(one)] == []


async def test_page_makes_a_new_ticket_when_its_ticket_has_expired(port: StandInPort) -> None:
    """A browser would give up: an `EventSource` does not come back after 401."""
    async with open_tab() as tab:
        await start(tab, port, "sse")
        await is_live(tab)
        port.put(event("a"))
        await shows(tab, "a")
        port.end_tickets()
        port.cut()
        port.put(event("b"))
        await shows(tab, "a", "b")


@each_way
async def test_page_says_that_events_are_missing(port: StandInPort, way: str) -> None:
    """And goes on with what is new."""
    async with open_tab() as tab:
        await start(tab, port, way)
        await is_live(tab)
        port.put(event("a"))
        await shows(tab, "a")
        port.cut()
        port.put(event("b"))
        port.forget()
        await expect(tab.page.locator(".mark.gap")).to_contain_text("Events are missing here")
        await is_live(tab)
        port.put(event("c"))
        await shows(tab, "a", "c")


async def test_page_understands_that_the_cursor_in_its_url_has_expired(port: StandInPort) -> None:
    """410 is a status that an `EventSource` does not tell."""
    async with open_tab() as tab:
        await start(tab, port, "sse")
        await is_live(tab)
        port.put(event("a"))
        await shows(tab, "a")
        port.end_tickets()
        port.cut()
        port.put(event("b"))
        port.forget()
        await expect(tab.page.locator(".mark.gap")).to_have_count(1)
        await is_live(tab)


@each_way
async def test_wrong_key_is_said_and_not_tried_again(port: StandInPort, way: str) -> None:
    """In words."""
    async with open_tab() as tab:
        await start(tab, port, way, key="wrong")
        await expect(tab.page.locator("#problem")).to_contain_text("The key is not accepted")
        await expect(tab.page.locator("#state")).to_have_text("Not connected")
        assert len([url for url in port.urls if url.startswith("/v1/tickets")]) == 1


async def test_revoked_key_is_said(port: StandInPort) -> None:
    """Close code 4401."""
    async with open_tab() as tab:
        await start(tab, port)
        await is_live(tab)
        port.cut(4401)
        await expect(tab.page.locator("#problem")).to_contain_text("was revoked or has expired")
        await expect(tab.page.locator("#state")).to_have_text("Not connected")


@each_way
async def test_key_is_in_no_url_and_stays_only_if_asked(port: StandInPort, way: str) -> None:
    """It would end in logs, or on the next person's screen."""
    async with open_tab() as tab:
        await start(tab, port, way, key=SECRET)
        await is_live(tab)
        assert [url for url in (*tab.asked, *port.urls) if SECRET in url] == []
        kept = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"
        assert await tab.page.evaluate(kept) == '[{},{},""]'
        await tab.page.get_by_label("Keep the key").check()
        assert SECRET in await tab.page.evaluate("JSON.stringify(sessionStorage)")
        await tab.page.get_by_label("Keep the key").uncheck()
        assert await tab.page.evaluate(kept) == '[{},{},""]'


async def test_subjects_and_player_are_asked_for(port: StandInPort) -> None:
    """Families, single subjects and a player."""
    async with open_tab() as tab:
        page = tab.page
        await page.goto(f"{port.url}/docs/stream")
        await page.get_by_label("Access key").fill(SECRET)
        await page.get_by_label("game", exact=True).check()
        await page.get_by_label("More subjects").fill("user.login,  withdrawal.requested ")
        await page.get_by_label("Player").fill("player-17")
        await page.get_by_label("More subjects").press("Enter")
        await is_live(tab)
    [wanted] = port.subscribed
    assert wanted == {
        "op": "subscribe",
        "id": "page",
        "subjects": ["game.*", "user.login", "withdrawal.requested"],
        "user": "player-17",
    }


async def test_pause_holds_the_list_and_clear_empties_it(port: StandInPort) -> None:
    """The connection goes on."""
    async with open_tab() as tab:
        await start(tab, port)
        await is_live(tab)
        await tab.page.get_by_role("button", name="Pause").click()
        port.put(event("a"))
        port.put(event("b"))
        await expect(tab.page.locator("#count")).to_have_text("2 events, 2 since the pause")
        await shows(tab)
        await tab.page.get_by_role("button", name="Go on").click()
        await shows(tab, "a", "b")
        await tab.page.get_by_role("button", name="Clear").click()
        await shows(tab)
        port.put(event("c"))
        await shows(tab, "c")


async def test_page_holds_some_hundred_rows(port: StandInPort) -> None:
    """Also if thousands come at once."""
    async with open_tab() as tab:
        await start(tab, port)
        await is_live(tab)
        for number in range(2000):
            port.put(event(f"e{number}"))
        await expect(tab.page.locator("#count")).to_have_text("2,000 events, the last 300 shown")
        assert await tab.page.locator("#rows li").count() == 300
        await expect(tab.page.locator("#rows .id").first).to_have_text("e1999")


async def test_large_numbers_keep_their_digits(port: StandInPort) -> None:
    """JavaScript would write 12345678901234567000, and 12.3."""
    async with open_tab() as tab:
        await start(tab, port)
        await is_live(tab)
        port.put(event("<b>a</b>", amount="12.30", big=12345678901234567890, list=[{}, [], [1]]))
        await tab.page.locator("#rows summary").click()
        whole = tab.page.locator("#rows pre")
        await expect(whole).to_contain_text('"big": 12345678901234567890')
        await expect(tab.page.locator("#rows .amount")).to_contain_text("12.30")
        await shows(tab, "<b>a</b>")
        assert json.loads(await whole.inner_text())["data"]["list"] == [{}, [], [1]]
