"""Defines what the report reads of the answers of a public port: only what it looks at."""

from __future__ import annotations

import msgspec


class ReportedKey(msgspec.Struct):
    """A key, as `GET /v1/key` shows it."""

    brand: str
    environment: str
    scopes: list[str]


class ReportedBalance(msgspec.Struct):
    """A balance in the data of an event."""

    currency: str = ""


class ReportedData(msgspec.Struct):
    """The data of an event. An event of another type has other fields."""

    currency: str = ""
    vendor_id: str = ""
    game_id: str = ""
    balances: list[ReportedBalance] = []

    @property
    def account_currency(self) -> str:
        """The currency of the account that the event is about."""
        return self.balances[0].currency if self.balances else self.currency


class ReportedEvent(msgspec.Struct):
    """An event. Only those of the wallet have a sequence."""

    source: str
    id: str
    type: str
    data: msgspec.Raw
    subject: str = ""
    sequence: str = ""


class ReportedEvents(msgspec.Struct):
    """A page of `GET /v1/events`."""

    events: list[ReportedEvent]
    cursor: str
    more: bool


class ReportedRound(msgspec.Struct):
    """A round that no message has closed."""

    provider: str
    game_id: str
    round_id: str
    live_bets_count: int = msgspec.field(name="live_bets")


class ReportedRounds(msgspec.Struct):
    """The answer of `GET /v1/rounds`."""

    rounds: list[ReportedRound]
