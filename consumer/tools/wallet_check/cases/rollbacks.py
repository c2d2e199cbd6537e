"""Cases of rollbacks: what they give back, what they remember, and what cannot go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import cases
from consumer.tools.wallet_check.failure import CaseFailed

if TYPE_CHECKING:
    from consumer.tools.wallet_check.play import Play


async def gives_back(play: Play) -> None:
    """A bet goes back to the very accounts it came from, real and bonus money each."""
    began = await play.funds()
    bet = play.bet()
    await play.done("bet", bet)
    back = play.rollback(bet["transaction_id"])
    await play.done("rollback", back, units=play.stake_units)
    now = await play.moved(0)
    if now != began:
        text = play.expect.text
        expected = f"{text(began.real_units)} real and {text(began.bonus_units)} bonus money"
        raise CaseFailed(expected, f"{text(now.real_units)} and {text(now.bonus_units)}")


async def replayed(play: Play) -> None:
    """The same rollback again: the stored facts with Idempotent-Replayed, money moves once."""
    bet = play.bet()
    await play.done("bet", bet)
    back = play.rollback(bet["transaction_id"])
    first = await play.done("rollback", back, units=play.stake_units)
    await play.again("rollback", back, first)
    await play.moved(0)


async def under_another_id(play: Play) -> None:
    """A rollback again under another id: 200 with the first one's facts, and money moves once."""
    bet = play.bet()
    await play.done("bet", bet)
    first = await play.done("rollback", play.rollback(bet["transaction_id"]))
    back = play.rollback(bet["transaction_id"])
    for _ in range(2):
        reply = await play.call("rollback", back)
        play.expect.same_facts("rollback", first, play.booked("rollback", back, reply))
    await play.moved(0)


async def before_the_bet(play: Play) -> None:
    """A rollback of a bet that has not come: 200. The bet that comes later: 409 ROLLED_BACK."""
    bet = play.bet()
    back = play.rollback(bet["transaction_id"])
    first = await play.done("rollback", back, knows_player=False)
    await play.refused("bet", bet, "ROLLED_BACK")
    await play.refused("bet", bet, "ROLLED_BACK")
    await play.again("rollback", back, first)
    await play.moved(0)


async def unknown_in_session(play: Play) -> None:
    """A rollback of an unknown bet that names a session: 200, the amount is 0, with the balance."""
    back = play.rollback(play.new_id(), session=play.session("usual"))
    await play.done("rollback", back, units=0)
    await play.moved(0)


async def bet_resent(play: Play) -> None:
    """A bet that is sent again after its rollback: 409 ROLLED_BACK. A 200 would be a free spin."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("rollback", play.rollback(bet["transaction_id"]))
    await play.refused("bet", bet, "ROLLED_BACK")
    await play.moved(0)


async def of_refused_bet(play: Play) -> None:
    """A rollback of a bet that was refused: 200, and nothing moves."""
    poor = await play.funds("poor")
    bet = play.bet("poor", amount=play.expect.text(poor.total_units + 1))
    await play.refused("bet", bet, "INSUFFICIENT_FUNDS")
    await play.done("rollback", play.rollback(bet["transaction_id"]), units=0)
    await play.moved(0, "poor")


async def settled_by_name(play: Play) -> None:
    """A bet that a win names: 409 BET_SETTLED. Another bet of the same round goes back."""
    bet = play.bet()
    other = play.win(bet)
    await play.done("bet", bet)
    await play.done("bet", other)
    await play.done("win", play.win(bet, bet_transaction_id=bet["transaction_id"]))
    await play.refused("rollback", play.rollback(bet["transaction_id"]), "BET_SETTLED")
    await play.moved(-play.stake_units)
    await play.done("rollback", play.rollback(other["transaction_id"]))
    await play.moved(0)


async def settled_by_round(play: Play) -> None:
    """The only bet of a round that has a win: 409 BET_SETTLED, also if the win is 0."""
    for units in (0, play.stake_units):
        bet = play.bet()
        await play.done("bet", bet)
        await play.done("win", play.win(bet, amount=play.expect.text(units)))
        await play.refused("rollback", play.rollback(bet["transaction_id"]), "BET_SETTLED")
    await play.moved(-play.stake_units)


async def all_but_the_last(play: Play) -> None:
    """Of two bets in a round that has a win, one goes back. The other one: 409 BET_SETTLED."""
    bet = play.bet()
    other = play.win(bet)
    await play.done("bet", bet)
    await play.done("bet", other)
    await play.done("win", play.win(bet))
    await play.done("rollback", play.rollback(bet["transaction_id"]))
    await play.refused("rollback", play.rollback(other["transaction_id"]), "BET_SETTLED")
    await play.moved(0)


async def of_win(play: Play) -> None:
    """A rollback of a win: 409 NOT_REVERSIBLE; with `rollback_wins`: 200, and it is taken back."""
    bet = play.bet()
    await play.done("bet", bet)
    win = play.win(bet)
    await play.done("win", win)
    back = play.rollback(win["transaction_id"])
    if not play.file.rollback_wins:
        await play.refused("rollback", back, "NOT_REVERSIBLE")
        await play.moved(0)
        return
    first = await play.done("rollback", back)
    await play.again("rollback", back, first)
    await play.moved(-play.stake_units)
    await play.refused("win", win, "ROLLED_BACK")


async def of_rollback(play: Play) -> None:
    """A rollback of a rollback: 409 NOT_REVERSIBLE."""
    bet = play.bet()
    await play.done("bet", bet)
    back = play.rollback(bet["transaction_id"])
    await play.done("rollback", back)
    await play.refused("rollback", play.rollback(back["transaction_id"]), "NOT_REVERSIBLE")
    await play.moved(0)


async def other_amount(play: Play) -> None:
    """A rollback that names another amount than the bet's: 409 NOT_REVERSIBLE."""
    bet = play.bet()
    await play.done("bet", bet)
    given, currency = bet["transaction_id"], play.file.currency
    for units in (play.stake_units - 1, play.stake_units + 1):
        named = {"amount": play.expect.text(units), "currency": currency}
        await play.refused("rollback", play.rollback(given, **named), "NOT_REVERSIBLE")
    await play.moved(-play.stake_units)


async def same_amount(play: Play) -> None:
    """A rollback that names the amount of the bet: 200."""
    bet = play.bet()
    await play.done("bet", bet)
    named = {"amount": bet["amount"], "currency": play.file.currency}
    back = play.rollback(bet["transaction_id"], **named)
    await play.done("rollback", back, units=play.stake_units)
    await play.moved(0)


async def conflict(play: Play) -> None:
    """An id of a rollback or a bet that comes as another rollback: 409 TRANSACTION_CONFLICT."""
    bet, other = play.bet(), play.bet()
    await play.done("bet", bet)
    await play.done("bet", other)
    back = play.rollback(bet["transaction_id"])
    await play.done("rollback", back)
    for used in (back, bet):
        again = play.rollback(other["transaction_id"], transaction_id=used["transaction_id"])
        await play.refused("rollback", again, "TRANSACTION_CONFLICT")
    await play.moved(-play.stake_units)


async def of_other_player(play: Play) -> None:
    """A rollback that names the session of another player: 409 TRANSACTION_CONFLICT."""
    session = play.session("other_player")
    await play.funds("other_player")
    bet = play.bet()
    await play.done("bet", bet)
    back = play.rollback(bet["transaction_id"], session=session)
    await play.refused("rollback", back, "TRANSACTION_CONFLICT")
    await play.moved(-play.stake_units)
    await play.moved(0, "other_player")


CASES: Final = cases(
    "rollback",
    gives_back,
    replayed,
    under_another_id,
    before_the_bet,
    unknown_in_session,
    bet_resent,
    of_refused_bet,
    settled_by_name,
    settled_by_round,
    all_but_the_last,
    of_win,
    of_rollback,
    other_amount,
    same_amount,
    conflict,
    of_other_player,
)
