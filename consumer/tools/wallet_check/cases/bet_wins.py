"""Cases of `bet-win`: a bet together with its win, both or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import cases
from consumer.tools.wallet_check.failure import CaseFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.tools.wallet_check.client import WalletReply
    from consumer.tools.wallet_check.expectations import BookedAnswer
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.play import Play


def halves(play: Play, fields: CallFields, reply: WalletReply) -> tuple[BookedAnswer, BookedAnswer]:
    """Read the answer to a `bet-win`.

    Raises:
        CaseFailed: It is not as it should be.
    """
    play.expect.carried_out("bet-win", reply)
    bet, win = (
        play.expect.booked(
            f"bet-win, half {name!r}",
            _half(reply.document, name),
            id_of(fields, name),
            play.expect.read(str(_half(fields, name)["amount"])),
        )
        for name in ("bet", "win")
    )
    if bet.ledger_id == win.ledger_id:
        raise CaseFailed("two values of `ledger_id` in the answer to bet-win", reply.text)
    return bet, win


def id_of(fields: CallFields, name: str) -> object:
    """Return the id of a half."""
    return _half(fields, name)["transaction_id"]


def _half(fields: Mapping[str, object], name: str) -> dict[str, object]:
    held = fields.get(name)
    if not isinstance(held, dict):
        raise CaseFailed(f"an object in `{name}` of the answer to bet-win", repr(held))
    return held


def usual(play: Play) -> CallFields:
    """Return a bet of the stake with a win of twice as much."""
    return play.bet_win(play.stake_units, 2 * play.stake_units)


async def both(play: Play) -> None:
    """Both are carried out: the stake is taken, the win is paid, each with a `ledger_id`."""
    fields = usual(play)
    reply = await play.call("bet-win", fields)
    play.expect.replayed("bet-win", reply, wanted=False)
    bet, win = halves(play, fields, reply)
    if (win.after_units or 0) - (bet.after_units or 0) != 2 * play.stake_units:
        raise CaseFailed("`balance_after` of the win: that of the bet and the win", reply.text)
    await play.moved(play.stake_units)


async def replayed(play: Play) -> None:
    """The same again: the stored facts of both halves, and no money moves."""
    fields = usual(play)
    first = halves(play, fields, await play.call("bet-win", fields))
    reply = await play.call("bet-win", fields)
    play.expect.replayed("bet-win", reply, wanted=True)
    for before, after in zip(first, halves(play, fields, reply), strict=True):
        play.expect.same_facts("bet-win", before, after)
    await play.moved(play.stake_units)


async def neither(play: Play) -> None:
    """Without enough money for the bet: 402, nothing of both is carried out, and that is final."""
    poor = await play.funds("poor")
    fields = play.bet_win(poor.total_units + 1, 2 * poor.total_units + 2, "poor")
    for _ in range(2):
        reply = await play.refused("bet-win", fields, "INSUFFICIENT_FUNDS")
        if play.expect.funds("bet-win", reply.document) != poor:
            expected = f"the `balance` {play.expect.text(poor.total_units)}"
            raise CaseFailed(expected, reply.text)
    await play.moved(0, "poor")


async def conflict(play: Play) -> None:
    """An id of one half that was used before: 409 TRANSACTION_CONFLICT, and neither is done."""
    bet = play.bet()
    await play.done("bet", bet)
    fields = usual(play)
    half = {"transaction_id": bet["transaction_id"], "amount": bet["amount"]}
    for name in ("bet", "win"):
        await play.refused("bet-win", fields | {name: half}, "TRANSACTION_CONFLICT")
    await play.moved(-play.stake_units)


async def rollback_by_bet(play: Play) -> None:
    """A rollback of the bet takes both halves back. After it, they are 409 ROLLED_BACK."""
    await _taken_back("bet", play)


async def rollback_by_win(play: Play) -> None:
    """A rollback of the win takes both halves back. After it, they are 409 ROLLED_BACK."""
    await _taken_back("win", play)


async def _taken_back(name: str, play: Play) -> None:
    fields = usual(play)
    halves(play, fields, await play.call("bet-win", fields))
    first = await play.done("rollback", play.rollback(id_of(fields, name)))
    await play.moved(0)
    other = "win" if name == "bet" else "bet"
    reply = await play.call("rollback", play.rollback(id_of(fields, other)))
    play.expect.carried_out("rollback of the other half", reply)
    if reply.document.get("ledger_id") != first.ledger_id:
        raise CaseFailed(f"`ledger_id` {first.ledger_id!r} of the first rollback", reply.text)
    await play.refused("bet-win", fields, "ROLLED_BACK")
    await play.moved(0)


async def rollback_before(play: Play) -> None:
    """A rollback of a half that has not come: later, 409 ROLLED_BACK, and neither is done."""
    fields = usual(play)
    await play.done("rollback", play.rollback(id_of(fields, "bet")), knows_player=False)
    await play.refused("bet-win", fields, "ROLLED_BACK")
    await play.moved(0)


async def shortfall(play: Play) -> None:
    """A rollback whose money is not there any more: 200, and the balance ends at 0."""
    poor = await play.funds("poor")
    fields = play.bet_win(0, play.stake_units, "poor")
    halves(play, fields, await play.call("bet-win", fields))
    whole = play.expect.text(poor.total_units + play.stake_units)
    await play.done("bet", play.bet("poor", amount=whole))
    await play.done("rollback", play.rollback(id_of(fields, "win")))
    await play.moved(-poor.total_units, "poor")


async def shares(play: Play) -> None:
    """The bonus part of a win is in the proportion of its stake, rounded down; the rest is real."""
    began = await play.funds("bonus")
    total_units, bonus_units = began.total_units, began.bonus_units
    text = play.expect.text
    if not began.real_units or not bonus_units:
        expected = "real and bonus money in sessions.bonus"
        raise CaseFailed(expected, f"{text(began.real_units)} and {text(bonus_units)}")
    win_units = play.stake_units + 1
    fields = play.bet_win(total_units, win_units, "bonus")
    halves(play, fields, await play.call("bet-win", fields))
    now = await play.moved(win_units - total_units, "bonus")
    if now.bonus_units != win_units * bonus_units // total_units:
        expected = f"`balance_bonus` {text(win_units * bonus_units // total_units)}"
        raise CaseFailed(expected, text(now.bonus_units))
    await play.done("rollback", play.rollback(id_of(fields, "bet")))
    if await play.moved(0, "bonus") != began:
        raise CaseFailed("the real and the bonus money of before", "another share of the two")


CASES: Final = cases(
    "bet-win",
    both,
    replayed,
    neither,
    conflict,
    rollback_by_bet,
    rollback_by_win,
    rollback_before,
    shortfall,
    shares,
)
