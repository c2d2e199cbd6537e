"""Cases of bodies that a wallet must refuse: wrong amounts, and JSON that is unclear or broken."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.tools.wallet_check.case import Case, cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.tools.wallet_check.play import Play

DEEP_COUNT: Final = 20_000
HUGE_BYTES: Final = 1024 * 1024
TOO_LARGE_STATUS: Final = 413
BAD_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "empty": ("An empty amount", ""),
    "space": ("An amount with a space", " 1"),
    "negative": ("An amount below 0", "-1"),
    "plus": ("An amount with a plus", "+1"),
    "exponent": ("An amount with an exponent", "1e2"),
    "comma": ("An amount with a comma", "1,5"),
    "not_a_number": ("The amount NaN", "NaN"),
    "hexadecimal": ("An amount in hexadecimal digits", "0x10"),
    "other_digits": ("An amount in digits of another script", "\u0661"),
    "too_long": ("An amount of 40 digits", "9" * 40),
}
"""Texts that a wallet must not take as an amount: what each text is, and the text."""
BAD_VALUES: Final[Mapping[str, tuple[str, object]]] = {
    "number": ("An amount as a JSON number", 1),
    "float": ("An amount as a JSON number with a point", 1.5),
    "null": ("An amount that is null", None),
    "list": ("An amount in a list", ["1"]),
}
"""Values that a wallet must not take as an amount, because an amount is a text."""


async def _bad_text(text: str, play: Play) -> None:
    """Send a bet with an amount that cannot be read; after it, the id is free."""
    bet = play.bet()
    await play.refused("bet", bet | {"amount": text}, "BAD_AMOUNT")
    await play.moved(0)
    await play.done("bet", bet)


async def _bad_value(value: object, play: Play) -> None:
    """Send a bet whose amount is a number, a list or null."""
    await play.refused("bet", play.bet(amount=value), "BAD_AMOUNT", "BAD_REQUEST")
    await play.moved(0)


async def too_many_digits(play: Play) -> None:
    """More digits behind the point than the currency has: 422 BAD_AMOUNT, never rounded."""
    digits_count = len(play.expect.text(0).partition(".")[2])
    for text in (f"1.{'0' * digits_count}1", f"1.{'0' * digits_count}0"):
        await play.refused("bet", play.bet(amount=text), "BAD_AMOUNT")
    bet = play.bet()
    await play.done("bet", bet)
    win = play.win(bet, amount=f"0.{'0' * digits_count}9")
    await play.refused("win", win, "BAD_AMOUNT")
    await play.moved(-play.stake_units)


async def largest(play: Play) -> None:
    """The largest amount, 10^18 - 1 of the smallest units, is read: 402, and no overflow."""
    bet = play.bet(amount=play.expect.text(10**18 - 1))
    await play.refused("bet", bet, "INSUFFICIENT_FUNDS")
    await play.moved(0)


async def key_twice(play: Play) -> None:
    """A key that comes twice: 422, because two programs may read two amounts."""
    bet = msgspec.json.encode(play.bet())
    await _refused_body(bet[:-1] + b',"amount":"' + play.expect.text(1).encode() + b'"}', play)


async def cut(play: Play) -> None:
    """JSON that is cut off: 422."""
    await _refused_body(msgspec.json.encode(play.bet())[:-1], play)


async def no_object(play: Play) -> None:
    """A body that is no JSON object: 422."""
    for body in (b"", b"null", b"[]", b'"bet"'):
        await _refused_body(body, play)


async def not_utf_8(play: Play) -> None:
    """Bytes that are not UTF-8: 422."""
    body = msgspec.json.encode(play.bet(round_id="PLACE"))
    await _refused_body(body.replace(b"PLACE", b"\xff\xfe"), play)


async def deep(play: Play) -> None:
    """JSON that is nested 20,000 times: 422, and the wallet goes on."""
    await _refused_body(b"[" * DEEP_COUNT + b"]" * DEEP_COUNT, play)
    await _refused_body(b'{"amount":' * (DEEP_COUNT // 8), play)


async def huge(play: Play) -> None:
    """A body of 1 MiB: 413 or 422, and the wallet goes on."""
    body = msgspec.json.encode(play.bet()) + b" " * HUGE_BYTES
    reply = await play.send("bet", body)
    if reply.status == TOO_LARGE_STATUS:
        play.expect.problem("bet", reply)
    else:
        play.expect.refused("bet", reply, "BAD_REQUEST")
    await play.moved(0)


async def missing_field(play: Play) -> None:
    """A body without a field that it needs: 422."""
    for name in ("transaction_id", "session", "round_id", "game_id", "amount", "currency"):
        bet = play.bet()
        del bet[name]
        await play.refused("bet", bet, "BAD_REQUEST", "BAD_AMOUNT")
    await play.moved(0)


async def bad_id(play: Play) -> None:
    """An id that is empty, no text, or longer than 128 characters: 422."""
    for number in ("", 5, play.new_id().ljust(129, "x")):
        await play.refused("bet", play.bet(transaction_id=number), "BAD_REQUEST")
    await play.moved(0)


async def _refused_body(body: bytes, play: Play) -> None:
    """Send a body that is signed rightly, and expect 422."""
    reply = await play.send("bet", body)
    play.expect.refused("bet", reply, "BAD_REQUEST", "BAD_AMOUNT")
    await play.moved(0)


CASES: Final = (
    *(
        Case(f"amount.{name}", f"{what}: 422 BAD_AMOUNT.", partial(_bad_text, text))
        for name, (what, text) in BAD_TEXTS.items()
    ),
    *(
        Case(
            f"amount.{name}", f"{what}: 422 BAD_AMOUNT or BAD_REQUEST.", partial(_bad_value, value)
        )
        for name, (what, value) in BAD_VALUES.items()
    ),
    *cases("amount", too_many_digits, largest),
    *cases("body", key_twice, cut, no_object, not_utf_8, deep, huge, missing_field, bad_id),
)
