"""The test games in a real Chromium, against the wallet of a running sandbox.

After each round, the balance on the page, that in the ledger, and that in the events are the same.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it comes without types
from playwright.async_api import expect

from tests.support.browser import open_tab
from tests.support.eventually import eventually
from tests.support.running_sandbox import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

    from tests.support.browser import Scheme, Tab

ENDS: Final = {"roll_back": "rolled_back", "roll_back_before_bet": "refused"}
"""How a round ends, by its fault. All others are settled."""
ROUND_MS: Final = 25_000
SLOT: Final = "Lucky Orchard"
DICE: Final = "Hundred"
SEVERE: Final = ("serious", "critical")
FULL: Final = Decimal(1000)
"""What a new player has."""


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    """Run a sandbox."""
    async with running_sandbox(tmp_path) as sandbox:
        yield sandbox


class Player:
    """A person who plays a test game."""

    def __init__(self, sandbox: RunningSandbox, tab: Tab) -> None:
        self.sandbox = sandbox
        self.tab = tab

    @property
    def page(self) -> Page:
        """The page."""
        return self.tab.page

    async def sit(self, game: str, currency: str = "EUR") -> None:
        """Open the printed address, make a player, and open a game."""
        await self.page.goto(self.sandbox.page)
        await self.page.get_by_label("in", exact=True).select_option(currency)
        await self.page.get_by_role("button", name="New player").click()
        card = self.page.get_by_role("listitem").filter(has_text=game)
        await card.get_by_role("button", name="Play").click()
        await expect(self.page.get_by_role("heading", name=game)).to_be_visible()
        await expect(self.page.locator("#go")).to_be_enabled()

    async def faults(self) -> list[str]:
        """Return the names of the switches of the game."""
        boxes = self.page.locator("#switches input")
        return [str(await box.get_attribute("value")) for box in await boxes.all()]

    async def switch(self, *names: str) -> None:
        """Switch these faults on, and all others off."""
        for box in await self.page.locator("#switches input").all():
            await box.set_checked(await box.get_attribute("value") in names)

    async def play(self) -> dict[str, Any]:
        """Play a round; returns what the game server answered, once the page shows it."""
        async with self.page.expect_response(re.compile("/rounds$"), timeout=ROUND_MS) as got:
            await self.page.locator("#go").click()
        answer = await got.value
        told: dict[str, Any] = await answer.json()
        await expect(self.page.locator("#go")).to_be_enabled(timeout=ROUND_MS)
        await expect(self.page.locator("#books-state")).to_contain_text("agree", timeout=ROUND_MS)
        return told

    async def balance(self) -> Decimal:
        """Return the balance that the page shows."""
        text = await self.page.locator("#balance").inner_text()
        return Decimal(re.sub(r"[^0-9.]", "", text))

    async def agrees(self) -> Decimal:
        """Check that page, ledger and events have the same balance; returns it."""
        shown = await self.balance()
        query = self.page.url.partition("?")[2]
        async with self.sandbox.client() as client:
            books: dict[str, Any] = {}

            async def are_told() -> bool:
                books.update((await client.get(f"/sandbox/books?{query}")).json())
                return not books["waiting_events"]

            await eventually(are_told, what="confirmed events")
            page = {"user": books["player_id"], "subject": "wallet.balance", "limit": 1000}
            events = (await client.get("/v1/events", params=page)).json()["events"]
        told = Decimal(str(events[-1]["data"]["balances"][0]["amount"]))
        assert Decimal(books["balance"]) == shown == told
        assert [one["sequence"] for one in events] == [str(n + 1) for n in range(len(events))]
        return shown


@pytest.mark.parametrize("game", [SLOT, DICE])
async def test_page_ledger_and_events_agree_through_all_faults(
    sandbox: RunningSandbox, game: str
) -> None:
    """Whatever the network does: twins, losses, delays, the wrong order, rollbacks."""
    async with open_tab() as tab:
        player = Player(sandbox, tab)
        await player.sit(game)
        before = await player.agrees()
        for fault in ["", *await player.faults()]:
            await player.switch(*([fault] if fault else []))
            told = await player.play()
            assert told["status"] == ENDS.get(fault, "settled"), (fault, told)
            moved = Decimal(told["win"]) - Decimal(told["stake"])
            before += moved if told["status"] == "settled" else 0
            assert await player.agrees() == before, (fault, told)
        assert tab.complaints == []
        assert [url for url in tab.asked if not url.startswith(sandbox.url)] == []


async def test_all_faults_together(sandbox: RunningSandbox) -> None:
    """Those that can happen in one round."""
    async with open_tab() as tab:
        player = Player(sandbox, tab)
        await player.sit(SLOT, "USDT")
        names = [name for name in await player.faults() if not name.startswith("roll_back")]
        await player.switch(*names)
        for _ in range(2):
            assert (await player.play())["status"] == "settled"
            await player.agrees()


async def test_player_without_money_is_told_so(sandbox: RunningSandbox) -> None:
    """The bet is refused, and the page says why. The lobby makes a new player with one click."""
    who = {"player_id": "poor", "currency": "EUR"}
    async with sandbox.client() as client:
        await client.post("/v1/players", json=who)
        wish = {**who, "game_id": "slot", "provider": "sandbox"}
        begun = (await client.post("/v1/sessions", json=wish)).json()
    async with open_tab() as tab:
        player = Player(sandbox, tab)
        await tab.page.goto(begun["launch_url"])
        told = await player.play()
        assert (told["status"], told["why"]) == ("refused", "INSUFFICIENT_FUNDS")
        await expect(tab.page.locator("#told")).to_contain_text("not enough money")
        await player.sit(SLOT)
        assert await player.agrees() == FULL


async def test_brand_sends_made_up_events(sandbox: RunningSandbox) -> None:
    """Each is stored once, also if it is sent twice. A broken one is rejected."""
    async with open_tab() as tab:
        page = tab.page
        await page.goto(sandbox.page)
        await page.get_by_label("Type").select_option("LOGIN_V2")
        await page.get_by_label("How many").fill("5")
        await page.get_by_label("Send each twice").check()
        await page.get_by_label("Break one").check()
        await page.get_by_role("button", name="Send", exact=True).click()
        table = page.get_by_role("table")
        await expect(table.get_by_text("stored", exact=True)).to_have_count(4)
        await expect(table.get_by_text("duplicate", exact=True).first).to_be_visible()
        async with sandbox.client() as client:
            events = (await client.get("/v1/events?message_type=LOGIN_V2")).json()["events"]
        assert len(events) == 4


async def test_key_does_not_stay_in_the_address(sandbox: RunningSandbox) -> None:
    """A person who copies the address gives no key away."""
    async with open_tab() as tab:
        await tab.page.goto(sandbox.page)
        await expect(tab.page.get_by_role("button", name="New player")).to_be_visible()
        assert tab.page.url == f"{sandbox.url}/sandbox"
        assert [url for url in tab.asked if sandbox.key in url.partition("#")[0]] == []


async def test_test_games_are_for_test_keys_and_stay_as_they_are(sandbox: RunningSandbox) -> None:
    """Whoever has a test key could else send testers to another address."""
    game = {"name": "Mine", "launch_url": "https://other.example/?s={session}"}
    who = {"player_id": "p", "currency": "EUR"}
    live = {"authorization": f"Bearer {(sandbox.folder / 'data' / 'live.key').read_text().strip()}"}
    async with sandbox.client() as client:
        for method, body in (("PUT", game), ("DELETE", None)):
            changed = await client.request(method, "/v1/games/sandbox/slot", json=body)
            assert changed.status_code == 404
        await client.post("/v1/players", json=who, headers=live)
        wish = {**who, "game_id": "slot", "provider": "sandbox"}
        begun = await client.post("/v1/sessions", json=wish, headers=live)
    assert (begun.status_code, begun.json()["code"]) == (422, "BAD_REQUEST")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_are_usable_by_everybody(
    sandbox: RunningSandbox, width: int, scheme: Scheme
) -> None:
    """On a small screen, in the dark, and with a screen reader: axe finds nothing serious."""
    async with open_tab(width, scheme) as tab:
        player = Player(sandbox, tab)
        for game in ("", SLOT, DICE):
            if game:
                await player.sit(game)
                await player.play()
            else:
                await tab.page.goto(sandbox.page)
            assert not await tab.is_too_wide(), game
            assert await _violations(tab.page) == [], game
        assert tab.complaints == []


async def _violations(page: Page) -> list[str]:
    """Return what axe finds that keeps people out."""
    await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html']}"
        for one in found["violations"]
        if one["impact"] in SEVERE
    ]
