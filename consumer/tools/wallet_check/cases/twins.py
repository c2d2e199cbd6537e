"""Cases of calls that arrive at the same moment, over several connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import cases
from consumer.tools.wallet_check.cases.bet_wins import halves, usual
from consumer.tools.wallet_check.failure import CaseFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.tools.wallet_check.client import WalletReply
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.play import Play

RACES_COUNT: Final = 4
"""How often each race is run. A wallet with a fault can pass a race by chance."""


async def bets(play: Play) -> None:
    """Twice the same bet at once: both 200 with the same facts, and the stake is taken once."""
    for number in range(1, RACES_COUNT + 1):
        await _race("bet", play.bet(), play)
        await play.moved(-number * play.stake_units)


async def wins(play: Play) -> None:
    """Twice the same win at once: both 200 with the same facts, and it is paid once."""
    for number in range(1, RACES_COUNT + 1):
        bet = play.bet()
        await play.done("bet", bet)
        await _race("win", play.win(bet, amount=play.expect.text(2 * play.stake_units)), play)
        await play.moved(number * play.stake_units)


async def rollbacks(play: Play) -> None:
    """Twice the same rollback at once: both 200 with the same facts, and the bet goes back once."""
    for _ in range(RACES_COUNT):
        bet = play.bet()
        await play.done("bet", bet)
        await _race("rollback", play.rollback(bet["transaction_id"]), play)
        await play.moved(0)


async def bet_wins(play: Play) -> None:
    """Twice the same `bet-win` at once: both 200 with the same facts, and it is done once."""
    for number in range(1, RACES_COUNT + 1):
        fields = usual(play)
        replies = await play.at_once(("bet-win", fields), ("bet-win", fields))
        first, second = (halves(play, fields, reply) for reply in replies)
        for before, after in zip(first, second, strict=True):
            play.expect.same_facts("bet-win", before, after)
        _one_replayed("bet-win", replies)
        await play.moved(number * play.stake_units)


async def two_bets(play: Play) -> None:
    """Two bets at once: both are taken, and no stake is lost."""
    for number in range(1, RACES_COUNT + 1):
        calls = [("bet", play.bet()) for _ in range(2)]
        for (verb, fields), reply in zip(calls, await play.at_once(*calls), strict=True):
            play.booked(verb, fields, reply)
        await play.moved(-2 * number * play.stake_units)


async def two_bets_for_one(play: Play) -> None:
    """Two bets at once with money for one: one 200, one 402, and the balance is not below 0."""
    poor = await play.funds("poor")
    await play.done("win", play.bet("poor", kind="promo"))
    amount = play.expect.text(poor.total_units + play.stake_units)
    for _ in range(RACES_COUNT):
        calls = [("bet", play.bet("poor", amount=amount)) for _ in range(2)]
        replies = await play.at_once(*calls)
        statuses = sorted(reply.status for reply in replies)
        if statuses != [200, 402]:
            raise CaseFailed("one answer 200 and one 402", " and ".join(map(str, statuses)))
        await play.moved(-poor.total_units, "poor")
        for _, fields in calls:
            await play.done("rollback", play.rollback(fields["transaction_id"]))
        await play.moved(play.stake_units, "poor")


async def bet_and_rollback(play: Play) -> None:
    """A bet and its rollback at once, in any order: nothing is taken in the end."""
    for _ in range(RACES_COUNT):
        bet = play.bet()
        back = play.rollback(bet["transaction_id"])
        taken, given = await play.at_once(("bet", bet), ("rollback", back))
        play.expect.carried_out("rollback", given)
        if taken.code:
            play.expect.refused("bet", taken, "ROLLED_BACK")
        else:
            play.booked("bet", bet, taken)
        await play.moved(0)
        await play.refused("bet", bet, "ROLLED_BACK")


async def _race(verb: str, fields: CallFields, play: Play) -> None:
    """Send a call twice at once, and compare the two answers."""
    replies = await play.at_once((verb, fields), (verb, fields))
    first, second = (play.booked(verb, fields, reply) for reply in replies)
    play.expect.same_facts(verb, first, second)
    _one_replayed(verb, replies)


def _one_replayed(verb: str, replies: Sequence[WalletReply]) -> None:
    """Expect that one of the two answers says that it is a repetition.

    Raises:
        CaseFailed: None or both say so.
    """
    replayed_count = sum(reply.is_replayed for reply in replies)
    if replayed_count != 1:
        expected = f"Idempotent-Replayed: true in one of the two answers to {verb}"
        raise CaseFailed(expected, f"in {replayed_count}")


CASES: Final = cases(
    "twins", bets, wins, rollbacks, bet_wins, two_bets, two_bets_for_one, bet_and_rollback
)
