"""What a sample casino is made of: players with balances, games, vendors, and a clock.

Everything comes from one seeded generator, so the same seed makes the same bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from consumer.events.timestamp import from_epoch_s

PLAYERS_COUNT: Final = 200
CURRENCIES: Final = {"EUR": Decimal(1), "SEK": Decimal("0.0871"), "GBP": Decimal("1.1742")}
"""With the rate to the brand's base currency, which is EUR."""
GAMES: Final = (
    ("132", "Dead or Alive", "Slots", "12", "NetEnt"),
    ("201", "Book of Dead", "Slots", "31", "Play'n GO"),
    ("418", "Lightning Roulette", "Live Casino", "47", "Evolution"),
    ("420", "Crazy Time", "Live Casino", "47", "Evolution"),
    ("577", "Blackjack Classic", "Table", "12", "NetEnt"),
    ("803", "Sweet Bonanza", "Slots", "55", "Pragmatic Play"),
)
"""Id, name, type, vendor's id and name."""
PAYMENT_VENDORS: Final = (("162", "Skrill"), ("163", "Trustly"), ("170", "Visa"), ("171", "Swish"))
ORIGIN: Final = "www.sample-casino.com"
CENT: Final = Decimal("0.01")


@dataclass
class Player:
    """Somebody who plays: an id, a currency, and what is on the account."""

    user_id: str
    currency: str
    balance: Decimal


@dataclass
class World:
    """The state from which the next event follows.

    Args:
        seed: the same seed makes the same events.
        start_s: time of the first event, in seconds since 1970.
    """

    seed: int
    start_s: float
    players: list[Player] = field(init=False)
    pending: dict[str, list[dict[str, object]]] = field(default_factory=dict, init=False)
    """By message type: events that have to follow an earlier one, such as a bet's win."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  # samples, not secrets
        self._now_s = self.start_s
        self.players = [
            Player(
                user_id=f"player-{self.random.randrange(10_000, 100_000)}",
                currency=self.random.choice(list(CURRENCIES)),
                balance=self.money(20, 2000),
            )
            for _ in range(PLAYERS_COUNT)
        ]

    def player(self) -> Player:
        """Return one of the players."""
        return self.random.choice(self.players)

    def money(self, least: int, most: int) -> Decimal:
        """Return an amount with cents."""
        return Decimal(self.random.randrange(least * 100, most * 100)) * CENT

    def unique_id(self) -> str:
        """Return an id as UUIDs look."""
        digits = f"{self.random.getrandbits(128):032x}"
        return "-".join(
            (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]),
        )

    def number(self) -> str:
        """Return an id as a database's counter looks; of 15 digits, so that none comes twice."""
        return str(self.random.randrange(10**14, 10**15))

    def timestamp(self) -> str:
        """Return the time, which moves on by some milliseconds."""
        self._now_s += self.random.uniform(0.001, 0.05)
        return from_epoch_s(self._now_s)
