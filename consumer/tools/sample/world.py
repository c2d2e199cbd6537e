"""What a sample casino is made of: players with balances, games, vendors, and a clock.

Everything comes from one seeded generator, so the same seed makes the same bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from consumer.clock import SYSTEM_CLOCK
from consumer.events.timestamp import from_epoch_s

PLAYERS_COUNT: Final = 200
UNFINISHED_MAX_COUNT: Final = 200
"""The largest number of events of one name that wait for the event that follows from them."""
CURRENCIES: Final = {"EUR": Decimal(1), "SEK": Decimal("0.0871"), "GBP": Decimal("1.1742")}
"""Each currency with its exchange rate to the brand's base currency, which is EUR."""
GAMES: Final = (
    ("132", "Dead or Alive", "Slots", "12", "NetEnt"),
    ("201", "Book of Dead", "Slots", "31", "Play'n GO"),
    ("418", "Lightning Roulette", "Live Casino", "47", "Evolution"),
    ("420", "Crazy Time", "Live Casino", "47", "Evolution"),
    ("577", "Blackjack Classic", "Table", "12", "NetEnt"),
    ("803", "Sweet Bonanza", "Slots", "55", "Pragmatic Play"),
)
"""Each game's id, name and type, and its vendor's id and name."""
USER_AGENTS: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/143.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0.0.0 Safari/537.36",
)
ORIGIN: Final = "www.sample-casino.com"
CENT: Final = Decimal("0.01")

BrandEvent = dict[str, object]
"""An event as the sample brand's own systems hold it, before they write it as JSON."""


@dataclass
class SamplePlayer:
    """A player of the sample brand.

    Attributes:
        user_id: The player's id.
        currency: The currency of all the player's money.
        balance: The real money.
        bonus_balance: The bonus money.
    """

    user_id: str
    currency: str
    balance: Decimal
    bonus_balance: Decimal = Decimal("0.00")


class World:
    """The state of the sample casino, from which its next event follows.

    Args:
        seed: The same seed makes the same events.
        start_s: The time of the first event, in seconds since 1970. From there on, the casino has a
            clock of its own, so that the same seed makes the same times. None means the real time.

    Attributes:
        random: The only source of random choices.
        players: All players.
        unfinished: The events from which another event has to follow, such as a bet that waits for
            its win or loss. Their keys are the names that `put_aside` was given.
    """

    def __init__(self, seed: int, start_s: float | None) -> None:
        self.random = random.Random(seed)  # noqa: S311  # samples, not secrets
        self.unfinished: dict[str, list[BrandEvent]] = {}
        self._own_clock_s = start_s
        self.players = [
            SamplePlayer(
                user_id=f"player-{number}",
                currency=self.random.choice(list(CURRENCIES)),
                balance=self.money(range(20, 2000)),
            )
            for number in self.random.sample(range(10_000, 100_000), PLAYERS_COUNT)
        ]
        self._by_id = {player.user_id: player for player in self.players}

    def player(self) -> SamplePlayer:
        """Return any player."""
        return self.random.choice(self.players)

    def player_with_money(self) -> SamplePlayer:
        """Return the richest of four players, who can probably pay."""
        return max(self.random.sample(self.players, 4), key=lambda player: player.balance)

    def player_of(self, event: BrandEvent) -> SamplePlayer:
        """Return the player that an event is about."""
        return self._by_id[str(event["user_id"])]

    def chance(self, ratio: float) -> bool:
        """Return true at random, in this share of all calls."""
        return self.random.random() < ratio

    def put_aside(self, name: str, event: BrandEvent) -> None:
        """Keep an event from which another event has to follow.

        If many events of this name wait already, the oldest is forgotten, so that memory does not
        grow.

        Args:
            name: The name under which `take_earlier` finds it.
            event: The event.
        """
        waiting = self.unfinished.setdefault(name, [])
        del waiting[: max(0, len(waiting) + 1 - UNFINISHED_MAX_COUNT)]
        waiting.append(event)

    def take_earlier(self, name: str, follow_ratio: float = 0.5) -> BrandEvent | None:
        """Return an event from which the next event follows. It does not wait any more.

        Args:
            name: The name under which the event was put aside.
            follow_ratio: The share of cases in which the next event follows from an earlier event,
                if there is one. With 0.5, as many bets end as begin.

        Returns:
            The event. None means that the next event follows from no other event.
        """
        waiting = self.unfinished.get(name)
        if not waiting:
            return None
        if len(waiting) < UNFINISHED_MAX_COUNT and not self.chance(follow_ratio):
            return None
        return waiting.pop(self.random.randrange(len(waiting)))

    def money(self, whole: range) -> Decimal:
        """Return an amount with cents whose whole part is in a range."""
        return Decimal(self.random.randrange(whole.start * 100, whole.stop * 100)) * CENT

    def unique_id(self) -> str:
        """Return an id that looks like a UUID."""
        digits = f"{self.random.getrandbits(128):032x}"
        return "-".join(
            (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]),
        )

    def number(self) -> str:
        """Return an id that looks like a number from a database.

        It has 15 digits, so that the same id does not come twice.
        """
        return str(self.random.randrange(10**14, 10**15))

    def ip_address(self) -> str:
        """Return an address from the range that is reserved for documentation (RFC 5737)."""
        return f"203.0.113.{self.random.randrange(1, 255)}"

    def timestamp(self) -> str:
        """Return the time, after moving the casino's own clock on by some milliseconds."""
        if self._own_clock_s is not None:
            self._own_clock_s += self.random.uniform(0.001, 0.05)
        return from_epoch_s(self._now_s)

    def moment(self, least_s: int, most_s: int) -> str:
        """Return a time that is some distance from now, without its seconds.

        Args:
            least_s: The least distance, in seconds. A negative distance lies in the past.
            most_s: The greatest distance, in seconds.
        """
        apart_s = self.random.randrange(least_s, most_s)
        return from_epoch_s((self._now_s + apart_s) // 60 * 60)

    @property
    def _now_s(self) -> float:
        return SYSTEM_CLOCK.now_s() if self._own_clock_s is None else self._own_clock_s
