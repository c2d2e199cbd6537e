"""Cases of bets: what they take, their repetitions, and why they are refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from consumer.tools.wallet_check.case import Case, cases
from consumer.tools.wallet_check.failure import CaseFailed, CaseSkipped

if TYPE_CHECKING:
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.play import Play

ID_MAX_CHARACTERS: Final = 128
NO_CURRENCY: Final = "XXX"
ODD_ID: Final = "\u00e4 'a' \"b\" %_\\ \u65e5\u672c;--"
"""Quotes, wildcards and letters of other scripts: an id is any text."""


async def taken(play: Play) -> None:
    """A bet takes its stake: the answer has the balance after it."""
    began = await play.funds()
    booked = await play.done("bet", play.bet())
    if booked.after_units != began.total_units - play.stake_units:
        expected = play.expect.text(began.total_units - play.stake_units)
        raise CaseFailed(f"`balance_after` {expected}", play.expect.text(booked.after_units or 0))
    await play.moved(-play.stake_units)


async def zero(play: Play) -> None:
    """A bet of 0: 200, and nothing moves."""
    await play.done("bet", play.bet(amount=play.expect.text(0)))
    await play.moved(0)


async def whole_balance(play: Play) -> None:
    """A bet of all that a player has is taken, down to the last digit."""
    units = (await play.funds()).total_units
    await play.done("bet", play.bet(amount=play.expect.text(units)))
    await play.moved(-units)


async def replayed(play: Play) -> None:
    """The same bet again: the stored facts with Idempotent-Replayed: true, and no money moves."""
    bet = play.bet()
    first = await play.done("bet", bet)
    for _ in range(3):
        await play.again("bet", bet, first)
    await play.moved(-play.stake_units)


async def stored_facts(play: Play) -> None:
    """A repetition has the `balance_after` of the first answer, and the `balance` of now."""
    bet = play.bet()
    first = await play.done("bet", bet)
    await play.done("bet", play.bet())
    again = await play.again("bet", bet, first)
    now = await play.moved(-2 * play.stake_units)
    if again.now != now:
        found = play.expect.text(again.now.total_units if again.now else 0)
        raise CaseFailed(f"`balance` {play.expect.text(now.total_units)}, that of now", found)


async def amount_written_otherwise(play: Play) -> None:
    """An amount is compared as a number: 1 and 1.00 are the same bet."""
    bet = play.bet()
    first = await play.done("bet", bet)
    amount = str(bet["amount"])
    if "." in amount:
        amount = amount.rstrip("0").rstrip(".")
    await play.again("bet", bet | {"amount": amount}, first)
    await play.moved(-play.stake_units)


async def ids_are_exact(play: Play) -> None:
    """Two ids that differ in capitals or in a space at the end are two bets."""
    name = play.new_id()
    for number in (f"{name}-a", f"{name}-A", f"{name}-a "):
        await play.done("bet", play.bet(transaction_id=number))
    await play.moved(-3 * play.stake_units)


async def odd_ids(play: Play) -> None:
    """An id may have 128 characters, quotes, and letters of any script."""
    long = play.new_id().ljust(ID_MAX_CHARACTERS, "x")
    for number in (long, f"{play.new_id()} {ODD_ID}"):
        bet = play.bet(transaction_id=number, round_id=number)
        first = await play.done("bet", bet)
        await play.again("bet", bet, first)
    await play.moved(-2 * play.stake_units)


async def insufficient(play: Play) -> None:
    """A bet of more than the player has: 402 INSUFFICIENT_FUNDS with the true balance."""
    poor = await play.funds("poor")
    amount = play.expect.text(poor.total_units + 1)
    reply = await play.refused("bet", play.bet("poor", amount=amount), "INSUFFICIENT_FUNDS")
    told = play.expect.funds("bet", reply.document)
    if told != poor:
        expected = f"`balance` {play.expect.text(poor.total_units)} beside INSUFFICIENT_FUNDS"
        raise CaseFailed(expected, play.expect.text(told.total_units))
    await play.moved(0, "poor")


async def insufficient_for_good(play: Play) -> None:
    """A bet that got 402 gets it again, also when the player has the money by then."""
    poor = await play.funds("poor")
    bet = play.bet("poor", amount=play.expect.text(poor.total_units + 1))
    await play.refused("bet", bet, "INSUFFICIENT_FUNDS")
    await play.done("win", play.bet("poor", kind="promo"))
    reply = await play.refused("bet", bet, "INSUFFICIENT_FUNDS")
    now = await play.moved(play.stake_units, "poor")
    if play.expect.funds("bet", reply.document) != now:
        raise CaseFailed(f"the `balance` of now: {play.expect.text(now.total_units)}", reply.text)


async def refusals_not_stored(play: Play) -> None:
    """Other refusals are not stored: after ROUND_CLOSED, the id is free for a bet."""
    closed = play.bet()
    await play.done("bet", closed)
    await play.done("round-end", play.round_end(closed))
    bet = play.win(closed)
    await play.refused("bet", bet, "ROUND_CLOSED")
    await play.done("bet", bet | {"round_id": play.new_id()})
    await play.moved(-2 * play.stake_units)


async def wrong_currency(play: Play) -> None:
    """Another currency than that of the session: 409 WRONG_CURRENCY, which is not stored."""
    bet = play.bet()
    for currency in ("USD" if play.file.currency == "EUR" else "EUR", NO_CURRENCY):
        await play.refused("bet", bet | {"currency": currency, "amount": "1"}, "WRONG_CURRENCY")
    await play.moved(0)
    await play.done("bet", bet)


async def missing_game(play: Play) -> None:
    """A game that the provider does not have: 404 GAME_NOT_FOUND."""
    if play.file.missing_game_id is None:
        raise CaseSkipped("missing_game_id is missing")
    await play.refused("bet", play.bet(game_id=play.file.missing_game_id), "GAME_NOT_FOUND")
    await play.moved(0)


async def _conflict(name: str, play: Play) -> None:
    """Send a bet again with one other field."""
    changes: CallFields
    if name == "amount":
        changes = {name: play.expect.text(play.stake_units + 1)}
    elif name == "player":
        changes = {"session": play.session("other_player")}
    elif name == "game_id":
        if play.file.other_game_id is None:
            raise CaseSkipped("other_game_id is missing")
        changes = {name: play.file.other_game_id}
    else:
        changes = {name: play.new_id()}
    bet = play.bet()
    first = await play.done("bet", bet)
    await play.refused("bet", bet | changes, "TRANSACTION_CONFLICT")
    await play.moved(-play.stake_units)
    await play.again("bet", bet, first)


async def other_call(play: Play) -> None:
    """An id of a bet that comes as a win: 409 TRANSACTION_CONFLICT."""
    bet = play.bet()
    await play.done("bet", bet)
    await play.refused("win", bet, "TRANSACTION_CONFLICT")
    await play.moved(-play.stake_units)


CASES: Final = (
    *cases(
        "bet",
        taken,
        zero,
        whole_balance,
        replayed,
        stored_facts,
        amount_written_otherwise,
        ids_are_exact,
        odd_ids,
        insufficient,
        insufficient_for_good,
        refusals_not_stored,
        wrong_currency,
        missing_game,
    ),
    *(
        Case(
            f"conflict.{name}",
            f"An id that comes again with another {name}: 409 TRANSACTION_CONFLICT.",
            partial(_conflict, name),
        )
        for name in ("amount", "round_id", "game_id", "player")
    ),
    *cases("conflict", other_call),
)
