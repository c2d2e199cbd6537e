"""The test games draw fairly, pay what their rules say, and never leave the integers."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, strategies as st

from consumer.sandbox.coins import Coins, coins_of
from consumer.sandbox.games.base import BadChoice, stakes_of
from consumer.sandbox.games.dice import SIDES_COUNT, DiceChoice, DiceGame, DiceSide, payout_of
from consumer.sandbox.games.offered import OFFERED
from consumer.sandbox.games.slot import (
    LINES,
    PAYS,
    WEIGHTS,
    SlotMachine,
    draw_reels,
    winning_lines,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

EUR: Final = Coins("EUR", 2)
chances: Final = st.integers(200, 9_500)
sides: Final = st.sampled_from(DiceSide)
digits: Final = st.integers(0, 9)


class Scripted(random.Random):
    """Rolls what a test wants."""

    rolled = 0

    def randrange(self, *_: object) -> int:
        """Return the next roll."""
        return self.rolled


class Shows(random.Random):
    """Shows the symbols that a test wants, column by column from top to bottom."""

    symbols: Sequence[str] = ()

    def choice(self, pool: Sequence[str]) -> str:  # type: ignore[override]  # symbols only
        """Return the next symbol."""
        symbol, *self.symbols = self.symbols
        assert symbol in pool
        return symbol


def weight_of(symbols: Sequence[str]) -> Fraction:
    """Return the probability that these symbols come up, in this order."""
    total = sum(WEIGHTS.values())
    product = Fraction(1)
    for symbol in symbols:
        product *= Fraction(WEIGHTS[symbol], total)
    return product


def test_slot_pays_back_between_92_and_96_percent() -> None:
    """Of a line, every combination is counted; each line holds an equal share of the stake."""
    back = sum(
        weight_of(line) * (PAYS[line[0]] if len(set(line)) == 1 else 0)
        for line in itertools.product(WEIGHTS, repeat=3)
    )
    assert back == Fraction(7535, 8000)
    assert Fraction(92, 100) <= back <= Fraction(96, 100)


def test_slot_draws_each_symbol_as_often_as_its_weight_says() -> None:
    """The exact return holds only for this pool."""
    seen: list[Sequence[str]] = []

    class Looks(random.Random):
        def choice(self, pool: Sequence[str]) -> str:  # type: ignore[override]  # symbols only
            seen.append(pool)
            return "cherry"

    draw_reels(100, EUR, Looks())
    assert len(seen) == 9
    assert all({one: pool.count(one) for one in pool} == WEIGHTS for pool in seen)


@pytest.mark.parametrize("line", range(len(LINES)))
def test_slot_sees_each_line(line: int) -> None:
    """Three sevens on the line alone, among symbols that never fit."""
    reels = [["cherry", "lemon", "plum"], ["bell", "star", "bell"], ["plum", "cherry", "lemon"]]
    for reel, row in zip(reels, LINES[line], strict=True):
        reel[row] = "seven"
    assert (line, "seven") in list(winning_lines(reels))


def test_slot_adds_up_its_lines() -> None:
    """Nine plums win on five lines, each with a fifth of the stake."""
    source = Shows()
    source.symbols = ["plum"] * 9
    drawn = draw_reels(500, EUR, source)
    assert drawn.win_units == 5 * 40 * 100
    assert drawn.outcome["reels"] == [["plum"] * 3] * 3
    assert drawn.outcome["lines"] == [
        {"line": line, "symbol": "plum", "win": "40.00"} for line in range(5)
    ]


@pytest.mark.parametrize("side", DiceSide)
@pytest.mark.parametrize("chance_share", [200, 4_999, 5_000, 9_500])
def test_dice_wins_with_exactly_its_chance(chance_share: int, side: DiceSide) -> None:
    """All 10,000 sides are looked at."""
    choice = DiceChoice(chance_share, side)
    assert sum(map(choice.wins, range(SIDES_COUNT))) == chance_share


def test_dice_pays_back_99_percent() -> None:
    """Exactly, where nothing is rounded down: a chance of 50 % pays 1.98 for 1.00."""
    back_units = sum(
        DiceChoice(5_000, DiceSide.OVER).draw(100, EUR, rolling(rolled)).win_units
        for rolled in range(SIDES_COUNT)
    )
    assert Fraction(back_units, 100 * SIDES_COUNT) == Fraction(99, 100)


def rolling(rolled: int) -> random.Random:
    """Return a source that rolls this."""
    source = Scripted()
    source.rolled = rolled
    return source


@pytest.mark.parametrize(
    ("side", "rolled", "win_units"),
    [("under", 2_999, 330), ("under", 3_000, 0), ("over", 7_000, 330), ("over", 6_999, 0)],
)
def test_dice_border_belongs_to_over(side: str, rolled: int, win_units: int) -> None:
    """The outcome shows the roll and the border in percent."""
    draw = DiceGame().chosen({"chance": "30", "side": side})
    drawn = draw(100, EUR, rolling(rolled))
    assert drawn.win_units == win_units
    assert drawn.outcome == {
        "rolled": f"{rolled // 100}.{rolled % 100:02}",
        "won": win_units > 0,
        "target": "30.00" if side == "under" else "70.00",
    }


@given(st.integers(1, 10**18), chances)
def test_dice_never_pays_more_than_its_share(stake_units: int, chance_share: int) -> None:
    """What is rounded off is less than one unit."""
    fair = Fraction(stake_units * 9_900, chance_share)
    assert fair - 1 < payout_of(stake_units, chance_share) <= fair


@given(digits, chances, sides, st.randoms(use_true_random=False))
def test_every_draw_is_whole_units(
    digits_count: int, chance_share: int, side: DiceSide, source: random.Random
) -> None:
    """For each stake of each currency, in both games."""
    coins = Coins("X", digits_count)
    for stake_units in stakes_of(digits_count):
        for draw in (draw_reels, DiceChoice(chance_share, side).draw):
            units = draw(stake_units, coins, source).win_units
            assert type(units) is int
            assert units >= 0


@given(digits, st.integers(0, 10**18 - 1))
def test_amount_comes_back_from_its_text(digits_count: int, units: int) -> None:
    """And the text tells how many digits the currency has."""
    coins = Coins("X", digits_count)
    text = coins.write(units)
    assert coins.read(text) == units
    assert coins_of("X", text) == coins


@pytest.mark.parametrize(
    "text", ["1.001", "1,00", "-1", "1e3", "01", "", "1.", "\uff11", " 1", "1\n"]
)
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    """Nothing is guessed and nothing is rounded."""
    with pytest.raises(ValueError, match="expected"):
        EUR.read(text)


def test_balance_that_is_no_amount_is_refused() -> None:
    """A wallet that writes something else has no digits to learn."""
    with pytest.raises(ValueError, match=r"12\.30"):
        coins_of("EUR", "12.")


@pytest.mark.parametrize("digits_count", range(10))
def test_stakes_can_be_divided_over_the_lines(digits_count: int) -> None:
    """They grow, and there are four of them."""
    stakes = stakes_of(digits_count)
    assert list(stakes) == sorted(set(stakes))
    assert len(stakes) == 4
    assert not any(units % len(LINES) for units in stakes)


@pytest.mark.parametrize(
    ("digits_count", "smallest"), [(0, "5"), (2, "0.20"), (3, "0.200"), (8, "0.00005000")]
)
def test_smallest_stake_suits_the_currency(digits_count: int, smallest: str) -> None:
    """A fifth of a Bitcoin would be a lot of money."""
    assert Coins("X", digits_count).write(stakes_of(digits_count)[0]) == smallest


@pytest.mark.parametrize(
    "choice",
    [
        {}, {"chance": "50"}, {"chance": "50", "side": "left"}, {"chance": "1.99", "side": "over"},
        {"chance": "95.01", "side": "over"}, {"chance": "5e1", "side": "over"},
        {"chance": "50.001", "side": "over"}, {"chance": "50", "side": "over", "x": "y"},
        {"chance": "\uff15\uff10", "side": "over"},
    ],
    ids=str,
)  # fmt: skip
def test_choice_that_the_dice_does_not_have_is_refused(choice: dict[str, str]) -> None:
    """Its digits are ASCII, and it has at most two behind the point."""
    with pytest.raises(BadChoice):
        DiceGame().chosen(choice)


def test_slot_takes_no_choice() -> None:
    """A page that sends one is wrong about the game."""
    with pytest.raises(BadChoice):
        SlotMachine().chosen({"chance": "50"})


@pytest.mark.parametrize("game", OFFERED.values(), ids=list(OFFERED))
def test_game_says_what_it_is(game: SlotMachine | DiceGame) -> None:
    """The wallet's events know only some kinds of games."""
    assert OFFERED[game.game_id] is game
    assert game.type in ("Slots", "Table")
    assert game.about.endswith(".")
    assert game.rules()
