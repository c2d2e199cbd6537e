"""Lucky Orchard: a slot with three columns, three rows and five lines.

Each of the nine places shows a symbol of its own, drawn by weight. A line pays if its three places
show the same symbol. The whole stake is divided equally over the lines, so the game pays back the
sum over all symbols of `pay * (weight / sum of the weights) ** 3`: 7535/8000, which is 94.2 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from consumer.sandbox.faults import GameFault
from consumer.sandbox.games.base import BadChoice, Drawn, DrawRound, SandboxGame

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

    from consumer.sandbox.coins import Coins

WEIGHTS: Final[Mapping[str, int]] = {
    "cherry": 7,
    "lemon": 5,
    "plum": 3,
    "bell": 2,
    "star": 2,
    "seven": 1,
}
"""How often a symbol comes up, in comparison with the others."""
PAYS: Final[Mapping[str, int]] = {
    "cherry": 5,
    "lemon": 12,
    "plum": 40,
    "bell": 120,
    "star": 160,
    "seven": 1000,
}
"""What three of a symbol on a line pay, in multiples of the stake of the line."""
LINES: Final = ((1, 1, 1), (0, 0, 0), (2, 2, 2), (0, 1, 2), (2, 1, 0))
"""The row of each line in the three columns, from left to right. Row 0 is at the top."""
_POOL: Final = tuple(symbol for symbol, weight in WEIGHTS.items() for _ in range(weight))
COLUMNS_COUNT: Final = 3
ROWS_COUNT: Final = 3


class SlotMachine(SandboxGame):
    """The slot. Nothing can be chosen but the stake."""

    game_id: ClassVar[str] = "slot"
    name: ClassVar[str] = "Lucky Orchard"
    about: ClassVar[str] = "A slot with three reels and five lines. It sends a bet, then a win."
    type: ClassVar[str] = "Slots"
    faults: ClassVar[tuple[GameFault, ...]] = tuple(GameFault)
    books_at_once: ClassVar[bool] = False

    def rules(self) -> Mapping[str, object]:
        """Return the symbols, what they pay, and the lines."""
        return {
            "symbols": list(WEIGHTS),
            "pays": {symbol: str(pay) for symbol, pay in PAYS.items()},
            "lines": LINES,
        }

    def chosen(self, choice: Mapping[str, str]) -> DrawRound:
        """Return what draws a round. See `SandboxGame.chosen`."""
        if choice:
            raise BadChoice("choice: expected {} for this game")
        return draw_reels


def draw_reels(stake_units: int, coins: Coins, source: random.Random) -> Drawn:
    """Draw nine symbols. See `DrawRound`."""
    reels = [[source.choice(_POOL) for _ in range(ROWS_COUNT)] for _ in range(COLUMNS_COUNT)]
    line_units = stake_units // len(LINES)
    win_units = 0
    lines = []
    for line, symbol in winning_lines(reels):
        units = PAYS[symbol] * line_units
        win_units += units
        lines.append({"line": line, "symbol": symbol, "win": coins.write(units)})
    return Drawn(win_units, {"reels": reels, "lines": lines})


def winning_lines(reels: Sequence[Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Yield each line with three equal symbols: its place in `LINES`, and the symbol.

    Args:
        reels: The symbols of each column, from top to bottom.
    """
    for line, rows in enumerate(LINES):
        symbols = {reel[row] for reel, row in zip(reels, rows, strict=True)}
        if len(symbols) == 1:
            yield line, symbols.pop()
