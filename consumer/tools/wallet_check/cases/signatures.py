"""Cases of signatures: who may call, and what a signature covers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from nacl.signing import SigningKey

from consumer.tools.wallet_check.case import Case, cases
from consumer.tools.wallet_check.client import CallbackSigner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.tools.wallet_check.client import Sign
    from consumer.tools.wallet_check.orders import CallFields
    from consumer.tools.wallet_check.play import Play

LATE_S: Final = 330
"""More than the 300 s that are allowed, with some room for clocks that differ."""
IN_TIME_S: Final = 270
AGAIN_S: Final = 60
NO_KEY: Final = "no-such-key"


def _stranger(signer: CallbackSigner, target: str, body: bytes) -> str:
    return CallbackSigner(signer.key_id, SigningKey.generate()).header(target, body)


def _unknown_key(signer: CallbackSigner, target: str, body: bytes) -> str:
    return CallbackSigner(NO_KEY, signer.signing).header(target, body)


def _zeros(signer: CallbackSigner, target: str, body: bytes) -> str:
    head = signer.header(target, body).partition("v1=")[0]
    return f"{head}v1={'A' * 86}=="


def _at(late_s: int) -> Sign:
    """Return a function that signs at another time, `late_s` seconds ago."""
    return lambda signer, target, body: signer.header(target, body, late_s=late_s)


FORGED: Final[Mapping[str, tuple[str, Sign]]] = {
    "missing": ("No X-Signature", lambda *_: None),
    "unreadable": ("An X-Signature that cannot be read", lambda *_: "v1=abc"),
    "zeros": ("A signature of zeros", _zeros),
    "wrong_key": ("A signature of another private key", _stranger),
    "unknown_key": ("A key id that nobody has", _unknown_key),
    "other_body": (
        "A signature of another body",
        lambda signer, target, body: signer.header(target, body + b" "),
    ),
    "other_path": (
        "A signature of another path",
        lambda signer, target, body: signer.header(target.replace("/bet", "/win"), body),
    ),
    "other_method": (
        "A signature of another method",
        lambda signer, target, body: signer.header(target, body, method="PUT"),
    ),
    "old": ("A time more than 300 s ago", _at(LATE_S)),
    "future": ("A time more than 300 s from now", _at(-LATE_S)),
}
"""What is wrong with a request, and how it is signed."""


async def _forged(sign: Sign, play: Play) -> None:
    """Send a bet that is signed wrongly, and then rightly: the refusal is not stored."""
    bet = play.bet()
    reply = await play.call("bet", bet, sign=sign)
    play.expect.refused("bet", reply, "BAD_SIGNATURE")
    await play.moved(0)
    await play.done("bet", bet)
    await play.moved(-play.stake_units)


async def in_time(play: Play) -> None:
    """A time less than 300 s ago or from now is taken."""
    for late_s in (IN_TIME_S, -IN_TIME_S):
        bet = play.bet()
        reply = await play.call("bet", bet, sign=_at(late_s))
        play.booked("bet", bet, reply)
    await play.moved(-2 * play.stake_units)


async def signed_again(play: Play) -> None:
    """The same bet, signed again at another time, is the same bet."""
    bet = play.bet()
    first = await play.done("bet", bet)
    reply = await play.call("bet", bet, sign=_at(AGAIN_S))
    play.expect.same_facts("bet", first, play.booked("bet", bet, reply))
    play.expect.replayed("bet", reply, wanted=True)
    await play.moved(-play.stake_units)


async def query(play: Play) -> None:
    """A query that the signature does not cover: 401 BAD_SIGNATURE."""
    reply = await play.call("bet", play.bet(), query="?a=1")
    play.expect.refused("bet", reply, "BAD_SIGNATURE")
    await play.moved(0)


async def of_all_calls(play: Play) -> None:
    """Each call needs a signature, also `balance` and `rollback`."""
    bet = play.bet()
    await play.done("bet", bet)
    calls: tuple[tuple[str, CallFields], ...] = (
        ("balance", {"session": play.session("usual")}),
        ("win", play.win(bet)),
        ("bet-win", play.bet_win(1, 1)),
        ("rollback", play.rollback(bet["transaction_id"])),
        ("round-end", play.round_end(bet)),
    )
    for verb, fields in calls:
        reply = await play.call(verb, fields, sign=_stranger)
        play.expect.refused(verb, reply, "BAD_SIGNATURE")
    await play.moved(-play.stake_units)


CASES: Final = (
    *(
        Case(f"signature.{name}", f"{what}: 401 BAD_SIGNATURE.", partial(_forged, sign))
        for name, (what, sign) in FORGED.items()
    ),
    *cases("signature", in_time, signed_again, query, of_all_calls),
)
