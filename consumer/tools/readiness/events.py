"""Reads the events of a brand over HTTP, and looks whether those of the wallet are whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK
from consumer.events.timestamp import from_epoch_s
from consumer.tools.readiness.answers import ReportedData, ReportedEvent, ReportedEvents
from consumer.wallet.settings import SANDBOX_PROVIDER

if TYPE_CHECKING:
    from consumer.tools.readiness.client import BrandClient

SINCE_S: Final = 7 * 24 * 3600.0
"""Events of the last week are read."""
PAGE_COUNT: Final = 1000
PAGES_MAX_COUNT: Final = 100


class EventsSeen:
    """What the events are about.

    Attributes:
        wallet_count: The number of events of the wallet.
        own_count: The number of events that the brand sent itself.
        rounds: The rounds of the test games in which a bet was placed, by game.
        faults: What is wrong with the events of the wallet, with the first of each account.
    """

    def __init__(self) -> None:
        self.wallet_count = 0
        self.own_count = 0
        self.rounds: Counter[str] = Counter()
        self.faults: dict[tuple[str, str], str] = {}
        self._sequences: dict[tuple[str, str], int] = {}
        self._ids: set[tuple[str, str]] = set()

    def add(self, event: ReportedEvent) -> None:
        """Look at an event."""
        if not event.sequence:
            self.own_count += 1
            return
        self.wallet_count += 1
        data = msgspec.json.decode(event.data, type=ReportedData)
        if event.type == "game.bet" and data.vendor_id == SANDBOX_PROVIDER:
            self.rounds[data.game_id] += 1
        account = (event.subject, data.account_currency)
        self._follow(account, int(event.sequence), (event.source, event.id))

    def _follow(self, account: tuple[str, str], sequence: int, event_id: tuple[str, str]) -> None:
        last = self._sequences.get(account, sequence)
        fault = ""
        if event_id in self._ids:
            fault = f"{event_id[1]} comes twice"
        elif sequence not in (last, last + 1):
            fault = f"sequence {sequence} comes after {last}"
        if fault:
            self.faults.setdefault(account, f"player {account[0]}, {account[1]}: {fault}")
        self._sequences[account] = sequence
        self._ids.add(event_id)


async def read_events(client: BrandClient) -> EventsSeen:
    """Read the events of the last week.

    Raises:
        Unavailable: The port does not answer, or refuses the key.
    """
    seen = EventsSeen()
    query: dict[str, object] = {
        "limit": PAGE_COUNT,
        "since": from_epoch_s(SYSTEM_CLOCK.now_s() - SINCE_S),
    }
    for _ in range(PAGES_MAX_COUNT):
        reply = await client.ask("GET", "/v1/events", query=query)
        page = reply.read(ReportedEvents)
        for event in page.events:
            seen.add(event)
        if not page.more:
            break
        query = {"limit": PAGE_COUNT, "after": page.cursor}
    return seen
