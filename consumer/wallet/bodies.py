"""Reads the bodies of callbacks. What could be read in two ways is refused, because money moves."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from consumer.http.answer import Problem
from consumer.ledger.orders import WinKind

if TYPE_CHECKING:
    from consumer.http.request import Request

BODY_MAX_BYTES: Final = 64 * 1024
SentName = Annotated[
    str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)")
]
"""An id of a provider. It has no control characters: no id of an event may have them, and a
database cannot hold all of them. Python's `$` alone would let a line feed pass at the end."""


class SentBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that is unknown may be a misspelt one, so it is refused."""


class BalanceBody(SentBody, frozen=True, kw_only=True):
    """The body of `balance`."""

    session: SentName


class BetBody(SentBody, frozen=True, kw_only=True):
    """The body of `bet`."""

    transaction_id: SentName
    session: SentName
    round_id: SentName
    game_id: SentName
    amount: str
    currency: SentName


class WinBody(BetBody, frozen=True, kw_only=True):
    """The body of `win`."""

    bet_transaction_id: SentName | None = None
    kind: WinKind | None = None
    round_end: bool = False


class HalfBody(SentBody, frozen=True, kw_only=True):
    """One half of the body of `bet-win`."""

    transaction_id: SentName
    amount: str


class BetWinBody(SentBody, frozen=True, kw_only=True):
    """The body of `bet-win`."""

    bet: HalfBody
    win: HalfBody
    session: SentName
    round_id: SentName
    game_id: SentName
    currency: SentName
    round_end: bool = False


class RollbackBody(SentBody, frozen=True, kw_only=True):
    """The body of `rollback`. An amount needs its currency."""

    transaction_id: SentName
    reference_transaction_id: SentName
    session: SentName | None = None
    amount: str | None = None
    currency: SentName | None = None


class RoundEndBody(SentBody, frozen=True, kw_only=True):
    """The body of `round-end`."""

    transaction_id: SentName
    session: SentName
    round_id: SentName
    game_id: SentName


_is_name: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,128}").fullmatch


def part_of(request: Request, name: str) -> str:
    """Return a variable part of the path.

    Raises:
        Problem: 404 if nothing can have this name, because no database can hold it.
    """
    part = request.parameters[name]
    if _is_name(part) is None:
        raise Problem(404, "not_found", f"there is nothing with this {name}")
    return part


AnyBody = TypeVar("AnyBody", bound=msgspec.Struct)


def read_json(body: bytes, kind: type[AnyBody]) -> AnyBody:
    """Read a body.

    Raises:
        Problem: 422 if it is not JSON, has a key twice, or does not have the fields of its kind.
    """
    try:
        json.loads(body, object_pairs_hook=_each_once)
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise bad_request(str(error), amount="$.amount" in str(error)) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise bad_request(f"expected a JSON object: {error}") from error


async def read_sent(request: Request, kind: type[AnyBody]) -> AnyBody:
    """Read the body of a request.

    Raises:
        Problem: See `read_json`. 413 if the body is larger than `BODY_MAX_BYTES`.
    """
    return read_json(await request.read_body(BODY_MAX_BYTES), kind)


def bad_request(detail: str, *, amount: bool = False) -> Problem:
    """Return the problem of a body that cannot be read."""
    code = "BAD_AMOUNT" if amount else "BAD_REQUEST"
    return Problem(422, code.lower(), detail, facts={"code": code})


def _each_once(pairs: list[tuple[str, object]]) -> None:
    """Refuse an object that has a key twice: two readers could see two amounts.

    Raises:
        ValueError: A key comes twice.
    """
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValueError(f"the key {name[:32]!r} comes twice")
        seen.add(name)
