"""Wallets that break one rule of the contract on purpose, each as a real wallet might do it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from consumer.http.answer import Answer, Problem
from consumer.ledger.amounts import Amounts
from consumer.ledger.answers import Booked, LedgerRefusal, OrderRefused
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.orders import Bet, BetWin, Callback, Caller, Rollback, Win
from consumer.wallet import callbacks
from consumer.wallet.bodies import read_json

if TYPE_CHECKING:
    import pytest

    from consumer.http.endpoint import Handle
    from consumer.http.request import Request
    from tests.support.checked_wallet import CheckedWallet

CallBack = Callable[[Caller, Callback], Awaitable[Sequence[Booked]]]


class Broken(NamedTuple):
    """A way to break a wallet.

    Attributes:
        case: The case that has to notice it.
        call_back: Takes the ledger's `call_back`, and returns the broken one.
        handle: Takes what answers a call, and returns the broken one.
        patch: Breaks something else.
    """

    case: str
    call_back: Callable[[CallBack], CallBack] | None = None
    handle: Callable[[Handle], Handle] | None = None
    patch: Callable[[CheckedWallet, pytest.MonkeyPatch], None] | None = None

    def into(self, wallet: CheckedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
        """Break a wallet that is not served yet."""
        if self.call_back is not None:
            broken = self.call_back(wallet.ledger.call_back)
            monkeypatch.setattr(wallet.ledger, "call_back", broken)
        if self.handle is not None:
            wallet.around = self.handle
        if self.patch is not None:
            self.patch(wallet, monkeypatch)


def charges_repeated_bets(call_back: CallBack) -> CallBack:
    """Take each bet for a new one."""
    seen: list[str] = []

    async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
        if isinstance(order, Bet):
            seen.append(order.transaction_id)
            if seen.count(order.transaction_id) > 1:
                number = f"{order.transaction_id}/{len(seen)}"
                order = msgspec.structs.replace(order, transaction_id=number)
        return await call_back(caller, order)

    return broken


def answers_twins_apart(call_back: CallBack) -> CallBack:
    """Look for a bet that is stored, and not for a bet that is still under way."""
    under_way: list[str] = []

    async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
        if not isinstance(order, Bet):
            return await call_back(caller, order)
        number = order.transaction_id
        under_way.append(number)
        if under_way.count(number) > 1:
            order = msgspec.structs.replace(order, transaction_id=f"{number}/twin")
        try:
            return await call_back(caller, order)
        finally:
            under_way.remove(number)

    return broken


def ignores_conflicts(call_back: CallBack) -> CallBack:
    """Look at the id of a bet, and not at its content."""
    first: dict[str, Bet] = {}

    async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
        if isinstance(order, Bet):
            try:
                return await call_back(caller, order)
            except OrderRefused as error:
                known = first.get(order.transaction_id)
                if error.refusal is not LedgerRefusal.TRANSACTION_CONFLICT or known is None:
                    raise
                return await call_back(caller, known)
            finally:
                first.setdefault(order.transaction_id, order)
        return await call_back(caller, order)

    return broken


def forgets_rollbacks_of_the_unknown(call_back: CallBack) -> CallBack:
    """Answer a rollback of a bet that has not come, and remember nothing."""
    known: set[str] = set()

    async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
        is_early = isinstance(order, Rollback) and order.reference_transaction_id not in known
        if is_early and order.session is None:
            return [Booked(ledger_id=1, amount_units=0, balance_after_units=None, now=None)]
        if isinstance(order, BetWin):
            known.update((order.bet_transaction_id, order.win_transaction_id))
        else:
            known.add(order.transaction_id)
        return await call_back(caller, order)

    return broken


def answers_what_was_refused(
    refusal: LedgerRefusal, kind: type[Callback], instead: Callable[[Any], Callback]
) -> Callable[[CallBack], CallBack]:
    """Carry out another order in place of one that is refused."""

    def around(call_back: CallBack) -> CallBack:
        async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
            try:
                return await call_back(caller, order)
            except OrderRefused as error:
                if error.refusal is not refusal or not isinstance(order, kind):
                    raise
            return await call_back(caller, instead(order))

        return broken

    return around


def renamed(order: Bet) -> Bet:
    """Return the same bet under an id that is new each time."""
    return msgspec.structs.replace(order, transaction_id=secrets.token_hex(8))


def moved_on(order: Bet) -> Bet:
    """Return the same bet in another round."""
    return msgspec.structs.replace(order, round_id=f"{order.round_id}/open")


def refuses_wins_after_the_end(call_back: CallBack) -> CallBack:
    """Treat a win like a bet."""

    async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
        if isinstance(order, Win) and order.session == "s-expired":
            raise OrderRefused(LedgerRefusal.SESSION_EXPIRED)
        return await call_back(caller, order)

    return broken


def gives_back_twice(wallet: CheckedWallet, patch: pytest.MonkeyPatch) -> None:
    """Give the money back for each id of a rollback."""
    seen: set[str] = set()
    call_back = wallet.ledger.call_back

    async def broken(caller: Caller, order: Callback) -> Sequence[Booked]:
        booked = await call_back(caller, order)
        if isinstance(order, Rollback) and order.transaction_id not in seen:
            seen.add(order.transaction_id)
            if booked[0].replayed and booked[0].amount_units:
                await wallet.deposit("usual", booked[0].amount_units, order.transaction_id)
        return booked

    patch.setattr(wallet.ledger, "call_back", broken)


def spoiling(spoil: Callable[[dict[str, Any]], None]) -> Callable[[Handle], Handle]:
    """Return what changes the document of each answer of 200."""

    def around(handle: Handle) -> Handle:
        async def broken(request: Request) -> Answer:
            answer = await handle(request)
            document = msgspec.json.decode(answer.body)
            spoil(document)
            return msgspec.structs.replace(answer, body=msgspec.json.encode(document))

        return broken

    return around


def writes_floats(document: dict[str, Any]) -> None:
    """Write the balance as a number."""
    if "balance" in document:
        document["balance"] = float(document["balance"])


def hides_balance_of_refusals(handle: Handle) -> Handle:
    """Say 402, and not what the player has."""

    async def broken(request: Request) -> Answer:
        try:
            return await handle(request)
        except Problem as problem:
            if problem.status == 402:
                problem.facts = {"code": problem.facts["code"]}
            raise

    return broken


def hides_repetitions(handle: Handle) -> Handle:
    """Leave the header out."""

    async def broken(request: Request) -> Answer:
        return msgspec.structs.replace(await handle(request), headers={})

    return broken


def reads_numbers(_: CheckedWallet, patch: pytest.MonkeyPatch) -> None:
    """Take a JSON number for an amount."""

    def lenient(body: bytes, kind: type[Any]) -> object:
        return read_json(re.sub(rb'"amount":([0-9.]+)', rb'"amount":"\1"', body), kind)

    patch.setattr(callbacks, "read_json", lenient)


def reads_the_last_of_two(_: CheckedWallet, patch: pytest.MonkeyPatch) -> None:
    """Take the last value of a key that comes twice."""

    def lenient(body: bytes, kind: type[Any]) -> object:
        try:
            return read_json(body, kind)
        except Problem as problem:
            if "comes twice" not in problem.detail:
                raise
            return msgspec.json.decode(body, type=kind)

    patch.setattr(callbacks, "read_json", lenient)


class RoundingAmounts(Amounts):
    """Rounds what has too many digits."""

    def read(self, text: str, currency: str) -> int:
        """See `Amounts.read`."""
        return super().read(re.sub(r"(\.[0-9]{2})[0-9]+$", r"\1", text), currency)


def rounds_amounts(wallet: CheckedWallet, _: pytest.MonkeyPatch) -> None:
    """Cut digits off."""
    wallet.amounts = RoundingAmounts(BUILT_IN)


def checks_no_proof(_: CheckedWallet, patch: pytest.MonkeyPatch) -> None:
    """Believe every signature."""
    patch.setattr("consumer.wallet.callers.check_proof", lambda *_: None)


def checks_no_time(_: CheckedWallet, patch: pytest.MonkeyPatch) -> None:
    """Believe every time."""
    patch.setattr("consumer.wallet.signature.TOLERANCE_S", 10**9)


NOT_FINAL: Final = answers_what_was_refused(LedgerRefusal.INSUFFICIENT_FUNDS, Bet, renamed)
FREE_SPIN: Final = answers_what_was_refused(LedgerRefusal.ROLLED_BACK, Bet, renamed)
OPEN_AGAIN: Final = answers_what_was_refused(LedgerRefusal.ROUND_CLOSED, Bet, moved_on)
BROKEN: Final = {
    "repeats charge again": Broken("bet.replayed", charges_repeated_bets),
    "twins are answered apart": Broken("twins.bets", answers_twins_apart),
    "conflicts are ignored": Broken("conflict.amount", ignores_conflicts),
    "early rollbacks are forgotten": Broken(
        "rollback.before_the_bet", forgets_rollbacks_of_the_unknown
    ),
    "rollbacks give back twice": Broken("rollback.under_another_id", patch=gives_back_twice),
    "a bet after its rollback is taken": Broken("rollback.bet_resent", FREE_SPIN),
    "a 402 is not final": Broken("bet.insufficient_for_good", NOT_FINAL),
    "a closed round takes bets": Broken("round.closed", OPEN_AGAIN),
    "wins after the end are refused": Broken("session.win_after_end", refuses_wins_after_the_end),
    "balances are floats": Broken("session.balance", handle=spoiling(writes_floats)),
    "a 402 has no balance": Broken("bet.insufficient", handle=hides_balance_of_refusals),
    "repetitions are not told": Broken("bet.replayed", handle=hides_repetitions),
    "signatures are not checked": Broken("signature.wrong_key", patch=checks_no_proof),
    "times are not checked": Broken("signature.old", patch=checks_no_time),
    "numbers are amounts": Broken("amount.number", patch=reads_numbers),
    "the last of two keys counts": Broken("body.key_twice", patch=reads_the_last_of_two),
    "amounts are rounded": Broken("amount.too_many_digits", patch=rounds_amounts),
}
