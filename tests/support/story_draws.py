"""Draws what happens in the stories of ledgers: who plays where, and with which ids and amounts.

Each list is weighted so that about half of the steps of a story move money.
"""

from __future__ import annotations

from itertools import product
from typing import Final, NamedTuple

from hypothesis import strategies as st


class Seat(NamedTuple):
    """A player with an account, at a provider of a brand."""

    brand: str
    player_id: str
    currency: str
    provider: str

    @property
    def owner(self) -> tuple[str, str, str]:
        """The brand, the player and the currency."""
        return self[:3]


FIRST: Final = Seat("b", "p", "EUR", "acme")
OTHERS: Final = (
    FIRST._replace(player_id="q"),
    FIRST._replace(currency="USD"),
    FIRST._replace(provider="other"),
    FIRST._replace(brand="c"),
)
"""The other seats of a story. A mistake could take the first seat for such a seat."""


class Place(NamedTuple):
    """Where a game is played: how many rounds ago. None stands for the currency of the seat."""

    is_first: bool
    rounds_ago: int
    game_id: str
    currency: str | None


IS_FIRST: Final = st.sampled_from([True, True, False])
CURRENCIES: Final = [None] * 8 + ["EUR", "USD"]
PLACES: Final = [
    Place(*one) for one in product([True, True, False], [0, 1], ["g", "g", "g", "h"], CURRENCIES)
]
PLACE: Final = st.sampled_from([*[None] * 3 * len(PLACES), *PLACES])
"""None stands for the place of the last order."""
ID: Final = st.sampled_from([0] * 24 + [1, 2, 3, 5])
"""How many ids ago. 0 stands for a new id."""
GIVEN: Final = st.sampled_from([1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8, 0, -1, -2])
"""How many ids of bets and wins ago. See also `Stories.given`."""
AMOUNT_OR_NONE: Final = st.sampled_from(
    [
        *[{}] * 10,
        *({"amount_units": units, "currency": "EUR"} for units in (5, 0, 30)),
        *({"currency": currency} for currency in ("EUR", "USD")),
    ]
)
"""What a rollback names of its bet."""
REFERENCE: Final = st.integers(0, 8).map("d{}".format)
UNITS: Final = st.sampled_from([5, 7, 30, 1, 0, 100])
ENDS: Final = st.sampled_from([False] * 7 + [True])
SELDOM: Final = st.sampled_from([False, False, False, True])
CHANGE: Final = st.sampled_from(
    [
        *({}, {}, {}, {"amount_units": 6}, {"currency": "USD"}, {"game_id": "h"}),
        *({"round_id": "r1"}, {"bet_transaction_id": "t1"}),
    ]
)
"""What is different if an order comes again."""
ANY: Final = st.integers(0, 9)
"""Which of the things so far, counted from the newest."""
