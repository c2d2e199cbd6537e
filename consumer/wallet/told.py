"""Writes what a ledger answers as callers see it: amounts as texts, refusals as problems."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import structlog

from consumer.errors import Unavailable
from consumer.events.timestamp import from_epoch_s
from consumer.http.answer import Problem
from consumer.ledger.amounts import BadAmount, UnknownCurrency
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.wallet.bodies import bad_request
from consumer.wallet.facts import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.ledger.amounts import Amounts
    from consumer.ledger.answers import Booked, Funds
    from consumer.ledger.reads import ShownTransaction

RETRY_S: Final = "1"
STATUSES: Final[Mapping[LedgerRefusal, int]] = {
    LedgerRefusal.SESSION_NOT_FOUND: 404,
    LedgerRefusal.SESSION_EXPIRED: 401,
    LedgerRefusal.PLAYER_NOT_FOUND: 404,
    LedgerRefusal.PLAYER_FROZEN: 403,
    LedgerRefusal.GAME_NOT_FOUND: 404,
    LedgerRefusal.WRONG_CURRENCY: 409,
    LedgerRefusal.BAD_AMOUNT: 422,
    LedgerRefusal.INSUFFICIENT_FUNDS: 402,
    LedgerRefusal.TRANSACTION_CONFLICT: 409,
    LedgerRefusal.ROLLED_BACK: 409,
    LedgerRefusal.ROUND_CLOSED: 409,
    LedgerRefusal.BET_NOT_FOUND: 404,
    LedgerRefusal.BET_SETTLED: 409,
    LedgerRefusal.NOT_REVERSIBLE: 409,
    LedgerRefusal.BONUS_ACTIVE: 409,
    LedgerRefusal.BONUS_ENDED: 409,
    LedgerRefusal.BONUS_NOT_FOUND: 404,
}
WORDS: Final[Mapping[LedgerRefusal, str]] = {
    LedgerRefusal.SESSION_NOT_FOUND: "this key has no such session",
    LedgerRefusal.SESSION_EXPIRED: "the session has ended; wins and rollbacks are still taken",
    LedgerRefusal.PLAYER_NOT_FOUND: "there is no such player with this currency",
    LedgerRefusal.PLAYER_FROZEN: "the player is frozen; wins and rollbacks are still taken",
    LedgerRefusal.GAME_NOT_FOUND: "the provider has no such game",
    LedgerRefusal.WRONG_CURRENCY: "the session plays in another currency",
    LedgerRefusal.BAD_AMOUNT: "the balance would be larger than the ledger can hold",
    LedgerRefusal.INSUFFICIENT_FUNDS: "the player has not enough money",
    LedgerRefusal.TRANSACTION_CONFLICT: "this transaction_id was used with other content, or the "
    "named bet or session is of another player, game or round",
    LedgerRefusal.ROLLED_BACK: "this order, or the bet of this win, was rolled back",
    LedgerRefusal.ROUND_CLOSED: "the round is closed",
    LedgerRefusal.BET_NOT_FOUND: "there is no such bet; a win without a bet needs a kind",
    LedgerRefusal.BET_SETTLED: "a win was paid for this bet",
    LedgerRefusal.NOT_REVERSIBLE: "only bets can be rolled back, in their whole amount",
    LedgerRefusal.BONUS_ACTIVE: "the player has an active bonus in this currency",
    LedgerRefusal.BONUS_ENDED: "the bonus has ended",
    LedgerRefusal.BONUS_NOT_FOUND: "there is no such bonus",
}

IN_DOUBT: Final = (
    "the ledger did not answer in time; nobody knows whether the order was carried out; send it "
    "again with the same id"
)
NOT_CONFIGURED: Final = (
    "the wallet is not configured for this brand or currency, and nothing was carried out; its "
    "operator finds in the log what is missing; send it again later with the same id"
)

log = structlog.get_logger()


def funds_fields(amounts: Amounts, funds: Funds) -> dict[str, object]:
    """Return what is on an account, as answers show it."""
    write, currency = amounts.write, funds.currency
    return {
        "currency": currency,
        "balance": write(funds.total_units, currency),
        "balance_real": write(funds.real_units, currency),
        "balance_bonus": write(funds.bonus_units, currency),
    }


def booked_fields(amounts: Amounts, booked: Booked, transaction_id: str) -> dict[str, object]:
    """Return the answer of an order, without what is not known."""
    told: dict[str, object] = {
        "transaction_id": transaction_id,
        "ledger_id": str(booked.ledger_id),
        "status": "ok",
    }
    if booked.now is not None:
        currency = booked.now.currency
        told["amount"] = amounts.write(booked.amount_units, currency)
        told |= funds_fields(amounts, booked.now)
        if booked.balance_after_units is not None:
            told["balance_after"] = amounts.write(booked.balance_after_units, currency)
    return told


def transaction_fields(amounts: Amounts, one: ShownTransaction) -> dict[str, object]:
    """Return a stored transaction. It has amounts only if it is of an account."""
    told: dict[str, object] = {
        "ledger_id": str(one.ledger_id),
        "source": one.source.lstrip(":"),
        "transaction_id": one.external_id,
        "verb": one.verb,
        "type": one.kind,
        "player_id": one.player_id,
        "game_id": one.game_id,
        "round_id": one.round_id,
        "reference": one.reference,
        "refused": one.refused,
        "sequence": one.sequence,
        "time": from_epoch_s(one.at_us / 1e6),
    }
    if one.currency:
        write = amounts.write
        told |= {
            "currency": one.currency,
            "amount": write(one.amount_units, one.currency),
            "real": write(one.real_units, one.currency),
            "bonus": write(one.bonus_units, one.currency),
        }
        if one.real_after_units is not None and one.bonus_after_units is not None:
            after_units = one.real_after_units + one.bonus_after_units
            told["balance_after"] = write(after_units, one.currency)
    return told


def refused_problem(amounts: Amounts, refused: OrderRefused) -> Problem:
    """Return the problem of an order that is refused. It has the balance, if it is known."""
    refusal = refused.refusal
    facts: dict[str, object] = {"code": refusal.value}
    if refused.now is not None:
        facts |= funds_fields(amounts, refused.now)
    return Problem(STATUSES[refusal], refusal.lower(), WORDS[refusal], facts=facts)


@contextlib.contextmanager
def refusals(amounts: Amounts, request_id: str) -> Iterator[None]:
    """Turn what a ledger raises within the block into problems.

    Raises:
        Problem: The order is refused, or the ledger does not answer in time.
    """
    try:
        yield
    except OrderRefused as refused:
        raise refused_problem(amounts, refused) from refused
    except BadAmount as error:
        raise bad_request(f"amount: {error}", amount=True) from error
    except UnknownCurrency as error:
        facts = {"code": "WRONG_CURRENCY"}
        raise Problem(409, "wrong_currency", str(error), facts=facts) from error
    except (TimeoutError, Unavailable) as error:
        log.warning("order not answered", request=request_id, why=str(error) or "too slow")
        detail = NOT_CONFIGURED if isinstance(error, NotConfigured) else IN_DOUBT
        raise away_problem(detail) from error


def away_problem(detail: str) -> Problem:
    """Return the problem of a request that the ledger did not answer."""
    headers = {"retry-after": RETRY_S}
    return Problem(503, "unavailable", detail, headers=headers, facts={"code": "UNAVAILABLE"})
