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
PENDING_MAX_COUNT: Final = 200
"""So many events of a type wait at most for what follows from them."""
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
USER_AGENTS: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/143.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0.0.0 Safari/537.36",
)
ORIGIN: Final = "www.sample-casino.com"
CENT: Final = Decimal("0.01")

Event = dict[str, object]


@dataclass
class Player:
    """Somebody who plays: an id, a currency, and what is on the accounts."""

    user_id: str
    currency: str
    balance: Decimal
    bonus_balance: Decimal = Decimal("0.00")


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
    pending: dict[str, list[Event]] = field(default_factory=dict, init=False)
    """By message type: events that have to follow an earlier one, such as a bet's win."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  # samples, not secrets
        self._now_s = self.start_s
        self.players = [
            Player(
                user_id=f"player-{number}",
                currency=self.random.choice(list(CURRENCIES)),
                balance=self.money(20, 2000),
            )
            for number in self.random.sample(range(10_000, 100_000), PLAYERS_COUNT)
        ]
        self._by_id = {player.user_id: player for player in self.players}

    def player(self) -> Player:
        """Return one of the players."""
        return self.random.choice(self.players)

    def player_with_money(self) -> Player:
        """Return one of the players, rather one who can pay."""
        return max(self.random.sample(self.players, 4), key=lambda player: player.balance)

    def player_of(self, event: Event) -> Player:
        """Return whom an event is about."""
        return self._by_id[str(event["user_id"])]

    def chance(self, ratio: float) -> bool:
        """Tell whether something happens that happens so often."""
        return self.random.random() < ratio

    def wait(self, name: str, event: Event) -> None:
        """Keep an event that something has to follow; in place of the oldest, if there are many."""
        waiting = self.pending.setdefault(name, [])
        del waiting[: max(0, len(waiting) + 1 - PENDING_MAX_COUNT)]
        waiting.append(event)

    def earlier(self, name: str, ratio: float = 0.5) -> Event | None:
        """Return an event that something follows now; None: a new one shall begin.

        Args:
            name: that it was kept under.
            ratio: so often, if there is one. Half: as many follow as begin.
        """
        waiting = self.pending.get(name)
        if not waiting or not (len(waiting) >= PENDING_MAX_COUNT or self.chance(ratio)):
            return None
        return waiting.pop(self.random.randrange(len(waiting)))

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

    def ip_address(self) -> str:
        """Return an address of the range for documentation (RFC 5737)."""
        return f"203.0.113.{self.random.randrange(1, 255)}"

    def timestamp(self) -> str:
        """Return the time, which moves on by some milliseconds."""
        self._now_s += self.random.uniform(0.001, 0.05)
        return from_epoch_s(self._now_s)

    def moment(self, least_s: int, most_s: int) -> str:
        """Return a whole minute that is so far from now; negative: before it."""
        apart_s = self.random.randrange(least_s, most_s)
        return from_epoch_s((self._now_s + apart_s) // 60 * 60)
