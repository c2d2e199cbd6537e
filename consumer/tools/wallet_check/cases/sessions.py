"""Cases of sessions: whose they are, and what is taken after their end and of a frozen player."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import cases
from consumer.tools.wallet_check.failure import CaseFailed

if TYPE_CHECKING:
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.play import Play


async def balance(play: Play) -> None:
    """`balance` shows real and bonus money, and both together, with all digits of the currency."""
    reply = await play.call("balance", {"session": play.session("usual")})
    play.expect.carried_out("balance", reply)
    play.expect.funds("balance", reply.document)
    if reply.document.get("status") != "ok":
        raise CaseFailed("`status` 'ok' in the answer to balance", reply.text)
    await play.moved(0)


async def unknown(play: Play) -> None:
    """A session that nobody has begun: 404 SESSION_NOT_FOUND."""
    session = play.new_id()
    await play.refused("balance", {"session": session}, "SESSION_NOT_FOUND")
    await play.refused("bet", play.bet(session=session), "SESSION_NOT_FOUND")
    await play.refused("win", play.bet(session=session, kind="free"), "SESSION_NOT_FOUND")
    await play.moved(0)


async def other_provider(play: Play) -> None:
    """A session of another provider or brand: 404 SESSION_NOT_FOUND, as if there were none."""
    session = play.session("other_provider")
    await play.refused("balance", {"session": session}, "SESSION_NOT_FOUND")
    await play.refused("bet", play.bet(session=session), "SESSION_NOT_FOUND")
    await play.refused("win", play.bet(session=session, kind="free"), "SESSION_NOT_FOUND")
    await play.refused(
        "rollback", play.rollback(play.new_id(), session=session), "SESSION_NOT_FOUND"
    )
    await play.moved(0)


async def other_currency(play: Play) -> None:
    """A bet in another currency than that of its session: 409 WRONG_CURRENCY."""
    session: CallFields = {"session": play.session("other_currency")}
    before = await play.call("balance", session)
    play.expect.carried_out("balance", before)
    await play.refused("bet", play.bet(**session), "WRONG_CURRENCY")
    after = await play.call("balance", session)
    if after.document != before.document:
        raise CaseFailed(f"the same balance as before: {before.text}", after.text)


async def expired(play: Play) -> None:
    """A bet after the session has ended: 401 SESSION_EXPIRED, with the balance."""
    reply = await play.refused("bet", play.bet("expired"), "SESSION_EXPIRED")
    play.expect.funds("bet", reply.document)
    await play.moved(0)


async def expired_for_good(play: Play) -> None:
    """A bet that got SESSION_EXPIRED gets it again, also in another session of the player."""
    bet = play.bet("expired")
    await play.refused("bet", bet, "SESSION_EXPIRED")
    await play.refused("bet", bet, "SESSION_EXPIRED")
    await play.refused("bet", bet | {"session": play.session("usual")}, "SESSION_EXPIRED")
    await play.moved(0)


async def replayed_after_end(play: Play) -> None:
    """A bet is answered with its stored facts also after the session has ended."""
    bet = play.bet()
    first = await play.done("bet", bet)
    await play.again("bet", bet | {"session": play.session("expired")}, first)
    await play.moved(-play.stake_units)


async def win_after_end(play: Play) -> None:
    """A win after the session has ended is paid: the money is owed."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.done("win", play.win(bet, session=play.session("expired")))
    await play.moved(0)


async def rollback_after_end(play: Play) -> None:
    """A bet goes back also after the session has ended."""
    bet = play.bet()
    await play.done("bet", bet)
    back = play.rollback(bet["transaction_id"], session=play.session("expired"))
    await play.done("rollback", back, units=play.stake_units)
    await play.moved(0)


async def frozen(play: Play) -> None:
    """A bet of a frozen player: 403 PLAYER_FROZEN with the balance, and the same for good."""
    bet = play.bet("frozen")
    first = await play.refused("bet", bet, "PLAYER_FROZEN")
    again = await play.refused("bet", bet, "PLAYER_FROZEN")
    before, after = (play.expect.funds("bet", reply.document) for reply in (first, again))
    if before != after:
        raise CaseFailed(f"the same balance twice: {first.text}", again.text)


async def frozen_win(play: Play) -> None:
    """A win for a frozen player is paid: the money is owed."""
    refused = await play.refused("bet", play.bet("frozen"), "PLAYER_FROZEN")
    before = play.expect.funds("bet", refused.document)
    win = play.bet("frozen", amount=play.expect.text(1), kind="free")
    paid = await play.done("win", win)
    wanted_units = before.total_units + 1
    if paid.after_units != wanted_units:
        expected = f"`balance_after` {play.expect.text(wanted_units)} in the answer to win"
        raise CaseFailed(expected, play.expect.text(paid.after_units or 0))
    if play.file.rollback_wins:
        await play.done("rollback", play.rollback(win["transaction_id"]), units=1)


async def frozen_rollback(play: Play) -> None:
    """A rollback for a frozen player is taken."""
    back = play.rollback(play.new_id(), session=play.session("frozen"))
    await play.done("rollback", back, units=0)


CASES: Final = cases(
    "session",
    balance,
    unknown,
    other_provider,
    other_currency,
    expired,
    expired_for_good,
    replayed_after_end,
    win_after_end,
    rollback_after_end,
    frozen,
    frozen_win,
    frozen_rollback,
)
