"""Cases of wins: what they pay, which bet they need, and when they are refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import Case, cases
from consumer.tools.wallet_check.failure import CaseFailed, CaseSkipped

if TYPE_CHECKING:
    from consumer.tools.wallet_check.play import Play
    from consumer.tools.wallet_check.settings import BonusBet


async def paid(play: Play) -> None:
    """A win pays its amount, whether or not it names its bet."""
    for named in (False, True):
        bet = play.bet()
        await play.done("bet", bet)
        win = play.win(bet, amount=play.expect.text(2 * play.stake_units))
        await play.done(
            "win", win | ({"bet_transaction_id": bet["transaction_id"]} if named else {})
        )
    await play.moved(2 * play.stake_units)


async def zero(play: Play) -> None:
    """A win of 0: 200, and nothing moves."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("win", play.win(bet, amount=play.expect.text(0)))
    await play.moved(-play.stake_units)


async def second(play: Play) -> None:
    """A second win in a round is paid as well."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("win", play.win(bet))
    await play.done("win", play.win(bet))
    await play.moved(play.stake_units)


async def replayed(play: Play) -> None:
    """The same win again: the stored facts with Idempotent-Replayed: true, and no money moves."""
    bet = play.bet()
    await play.done("bet", bet)
    win = play.win(bet)
    first = await play.done("win", win)
    await play.done("bet", play.bet())
    await play.again("win", win, first)
    await play.moved(-play.stake_units)


async def conflict(play: Play) -> None:
    """An id of a win that comes again with another amount or bet: 409 TRANSACTION_CONFLICT."""
    bet = play.bet()
    await play.done("bet", bet)
    win = play.win(bet)
    first = await play.done("win", win)
    for changes in (
        {"amount": play.expect.text(play.stake_units + 1)},
        {"bet_transaction_id": bet["transaction_id"]},
    ):
        await play.refused("win", win | changes, "TRANSACTION_CONFLICT")
    await play.again("win", win, first)
    await play.moved(0)


async def without_bet(play: Play) -> None:
    """A win in a round without a bet: 404 BET_NOT_FOUND. The same win is paid later."""
    bet = play.bet()
    win = play.win(bet)
    await play.refused("win", win, "BET_NOT_FOUND")
    await play.moved(0)
    await play.done("bet", bet)
    await play.done("win", win)
    await play.moved(0)


async def missing_bet(play: Play) -> None:
    """A win that names a bet that is not there: 404 BET_NOT_FOUND, also beside another bet."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.refused("win", play.win(bet, bet_transaction_id=play.new_id()), "BET_NOT_FOUND")
    await play.moved(-play.stake_units)


async def bet_of_other_round(play: Play) -> None:
    """A win that names a bet of another round: 409 TRANSACTION_CONFLICT."""
    bet, other = play.bet(), play.bet()
    await play.done("bet", bet)
    await play.done("bet", other)
    win = play.win(bet, bet_transaction_id=other["transaction_id"])
    await play.refused("win", win, "TRANSACTION_CONFLICT")
    await play.moved(-2 * play.stake_units)


async def bet_of_other_player(play: Play) -> None:
    """A win that names a bet of another player: 409 TRANSACTION_CONFLICT."""
    other = play.session("other_player")
    await play.funds("other_player")
    bet = play.bet()
    await play.done("bet", bet)
    win = play.win(bet, session=other, bet_transaction_id=bet["transaction_id"])
    await play.refused("win", win, "TRANSACTION_CONFLICT")
    await play.moved(-play.stake_units)
    await play.moved(0, "other_player")


async def bet_rolled_back(play: Play) -> None:
    """A win that names a bet that went back: 409 ROLLED_BACK, also beside another bet."""
    bet = play.bet()
    other = play.win(bet)
    await play.done("bet", bet)
    await play.done("bet", other)
    await play.done("rollback", play.rollback(bet["transaction_id"]))
    win = play.win(bet, bet_transaction_id=bet["transaction_id"])
    await play.refused("win", win, "ROLLED_BACK")
    await play.moved(-play.stake_units)


async def round_rolled_back(play: Play) -> None:
    """A win in a round all of whose bets went back: 409 ROLLED_BACK."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("rollback", play.rollback(bet["transaction_id"]))
    await play.refused("win", play.win(bet), "ROLLED_BACK")
    await play.moved(0)


async def bet_rolled_back_before(play: Play) -> None:
    """A win that names a bet that was rolled back before it came: 409 ROLLED_BACK."""
    bet = play.bet()
    await play.done("rollback", play.rollback(bet["transaction_id"]), knows_player=False)
    win = play.win(bet, bet_transaction_id=bet["transaction_id"])
    await play.refused("win", win, "ROLLED_BACK")
    await play.moved(0)


async def after_round_end(play: Play) -> None:
    """A win after its round was closed is paid: the money is owed."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("round-end", play.round_end(bet))
    await play.done("win", play.win(bet))
    await play.moved(0)


async def _without_stake(kind: str, play: Play) -> None:
    """Pay a win of a kind, and look where the money goes."""
    began = await play.funds()
    win = play.bet(kind=kind)
    first = await play.done("win", win)
    await play.again("win", win, first)
    now = await play.moved(play.stake_units)
    if now.bonus_units != began.bonus_units:
        expected = f"`balance_bonus` {play.expect.text(began.bonus_units)}: a gift is real money"
        raise CaseFailed(expected, play.expect.text(now.bonus_units))


async def bonus_converted(play: Play) -> None:
    """A win whose bonus became real money since its bet: paid as real money."""
    await _after_bonus("converted_bonus", play.file.converted_bonus, 1, play)


async def bonus_forfeited(play: Play) -> None:
    """A win whose bonus was taken away since its bet: 200, and the player gets nothing."""
    await _after_bonus("forfeited_bonus", play.file.forfeited_bonus, 0, play)


async def _after_bonus(name: str, prepared: BonusBet | None, paid_units: int, play: Play) -> None:
    """Send a win of the smallest amount, and compare the balance with that before."""
    if prepared is None:
        raise CaseSkipped(f"{name} is missing")
    place = {"session": prepared.session, "round_id": prepared.round_id}
    named = {"bet_transaction_id": prepared.bet_transaction_id}
    before = await play.done("win", play.bet(**place, **named, amount=play.expect.text(0)))
    after = await play.done("win", play.bet(**place, **named, amount=play.expect.text(1)))
    if before.now is None or after.now is None:
        raise CaseFailed("balances in the answer to win", "none")
    gains = (
        after.now.real_units - before.now.real_units,
        after.now.bonus_units - before.now.bonus_units,
    )
    if gains != (paid_units, 0):
        text = play.expect.text
        expected = f"{text(paid_units)} more real money, and no bonus money"
        raise CaseFailed(expected, " and ".join(map(text, gains)))


CASES: Final = (
    *cases(
        "win",
        paid,
        zero,
        second,
        replayed,
        conflict,
        without_bet,
        missing_bet,
        bet_of_other_round,
        bet_of_other_player,
        bet_rolled_back,
        round_rolled_back,
        bet_rolled_back_before,
        after_round_end,
    ),
    *(
        Case(
            f"win.{kind}",
            f'A win with "kind": "{kind}" needs no bet, and is real money.',
            partial(_without_stake, kind),
        )
        for kind in ("free", "jackpot", "promo")
    ),
    *cases("win", bonus_converted, bonus_forfeited),
)
