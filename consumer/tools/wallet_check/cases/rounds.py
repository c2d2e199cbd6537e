"""Cases of rounds: what closes them, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import cases
from consumer.tools.wallet_check.failure import CaseSkipped

if TYPE_CHECKING:
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.play import Play


async def closed(play: Play) -> None:
    """A bet after `round-end`: 409 ROUND_CLOSED."""
    bet = await _closed(play)
    await play.refused("bet", play.win(bet), "ROUND_CLOSED")
    await play.moved(-play.stake_units)


async def closed_by_win(play: Play) -> None:
    """A win with "round_end": true closes the round as well: a bet then is 409 ROUND_CLOSED."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("win", play.win(bet, round_end=True))
    await play.refused("bet", play.win(bet), "ROUND_CLOSED")
    await play.moved(0)


async def replayed(play: Play) -> None:
    """The same `round-end` again: the stored facts with Idempotent-Replayed: true."""
    bet = play.bet()
    await play.done("bet", bet)
    end = play.round_end(bet)
    first = await play.done("round-end", end)
    await play.again("round-end", end, first)
    await play.moved(-play.stake_units)


async def bet_replayed_after_end(play: Play) -> None:
    """A bet of a closed round that is sent again gets its stored facts, and is not refused."""
    bet = play.bet()
    first = await play.done("bet", bet)
    await play.done("round-end", play.round_end(bet))
    await play.again("bet", bet, first)
    await play.moved(-play.stake_units)


async def rollback_after_end(play: Play) -> None:
    """A bet of a closed round goes back."""
    bet = await _closed(play)
    await play.done("rollback", play.rollback(bet["transaction_id"]), units=play.stake_units)
    await play.moved(0)


async def of_one_player(play: Play) -> None:
    """A round is one player's: in another player's round with the same id, bets go on."""
    await play.funds("other_player")
    bet = await _closed(play)
    await play.done("bet", play.win(bet, session=play.session("other_player")))
    await play.moved(-play.stake_units)
    await play.moved(-play.stake_units, "other_player")


async def of_one_game(play: Play) -> None:
    """A round is one game's: in another game's round with the same id, bets go on."""
    if play.file.other_game_id is None:
        raise CaseSkipped("other_game_id is missing")
    bet = await _closed(play)
    await play.done("bet", play.win(bet, game_id=play.file.other_game_id))
    await play.moved(-2 * play.stake_units)


async def _closed(play: Play) -> CallFields:
    """Close a round, and return its bet."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("round-end", play.round_end(bet))
    return bet


CASES: Final = cases(
    "round",
    closed,
    closed_by_win,
    replayed,
    bet_replayed_after_end,
    rollback_after_end,
    of_one_player,
    of_one_game,
)
