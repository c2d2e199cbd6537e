"""Reads answers, and compares them with the contract: amounts, balances, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.ledger.amounts import Amounts, BadAmount
from consumer.ledger.answers import Funds
from consumer.tools.wallet_check.failure import CaseFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.tools.wallet_check.client import WalletReply

PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"
CARRIED_OUT_STATUS: Final = 200
STATUS_OF: Final[Mapping[str, int]] = {
    "SESSION_EXPIRED": 401,
    "BAD_SIGNATURE": 401,
    "INSUFFICIENT_FUNDS": 402,
    "PLAYER_FROZEN": 403,
    "SESSION_NOT_FOUND": 404,
    "BET_NOT_FOUND": 404,
    "GAME_NOT_FOUND": 404,
    "TRANSACTION_CONFLICT": 409,
    "ROLLED_BACK": 409,
    "ROUND_CLOSED": 409,
    "BET_SETTLED": 409,
    "NOT_REVERSIBLE": 409,
    "WRONG_CURRENCY": 409,
    "BAD_AMOUNT": 422,
    "BAD_REQUEST": 422,
}
"""The status of each refusal, as docs/wallet.md states it. It is not taken from our wallet's code,
so that the check finds mistakes there."""


class BookedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer to an order says.

    Attributes:
        ledger_id: The wallet's id of what it has booked.
        amount_units: The amount. None if the answer has none, because no player is known.
        after_units: The balance right after the order. None as above.
        now: The balances of the moment of the answer. None as above.
    """

    ledger_id: str
    amount_units: int | None = None
    after_units: int | None = None
    now: Funds | None = None

    @property
    def stored(self) -> tuple[object, ...]:
        """What never changes, however often the order comes."""
        return self.ledger_id, self.amount_units, self.after_units


class Expectations:
    """Compares answers with the contract.

    Args:
        amounts: Reads and writes amounts.
        currency: The currency of the sessions.
    """

    def __init__(self, amounts: Amounts, currency: str) -> None:
        self._amounts = amounts
        self._currency = currency

    def text(self, units: int) -> str:
        """Write an amount with all its digits."""
        return self._amounts.write(units, self._currency)

    def read(self, text: str) -> int:
        """Read an amount of ours."""
        return self._amounts.read(text, self._currency)

    def carried_out(self, what: str, reply: WalletReply) -> None:
        """Expect 200 with JSON.

        Raises:
            CaseFailed: It is another answer.
        """
        if reply.status != CARRIED_OUT_STATUS:
            raise CaseFailed(f"200 for {what}", reply.shown)
        if reply.media_type != JSON:
            raise CaseFailed(f"{JSON} for {what}", reply.media_type or "no content-type")

    def refused(self, what: str, reply: WalletReply, *codes: str) -> None:
        """Expect a problem document with one of these codes.

        Raises:
            CaseFailed: It is another answer.
        """
        wanted = " or ".join(f"{STATUS_OF[code]} {code}" for code in codes)
        if reply.code not in codes or reply.status != STATUS_OF[reply.code]:
            raise CaseFailed(f"{wanted} for {what}", reply.shown)
        self.problem(what, reply)

    def problem(self, what: str, reply: WalletReply) -> None:
        """Expect the form of a problem document.

        Raises:
            CaseFailed: It has another form.
        """
        if reply.media_type != PROBLEM:
            raise CaseFailed(f"{PROBLEM} for {what}", reply.media_type or "no content-type")
        for field in ("code", "detail"):
            if not isinstance(reply.document.get(field), str):
                raise CaseFailed(f"a text in `{field}` of the problem of {what}", reply.text)

    def funds(self, what: str, document: Mapping[str, object]) -> Funds:
        """Read the balances of an answer.

        Raises:
            CaseFailed: They are missing, not written as amounts, or do not fit together.
        """
        if document.get("currency") != self._currency:
            found = repr(document.get("currency"))
            raise CaseFailed(f"`currency` {self._currency!r} in the answer to {what}", found)
        total_units, real_units, bonus_units = (
            self.units(what, document, name)
            for name in ("balance", "balance_real", "balance_bonus")
        )
        if total_units != real_units + bonus_units:
            raise CaseFailed(
                f"`balance` = `balance_real` + `balance_bonus` in the answer to {what}",
                f"{self.text(total_units)}, {self.text(real_units)}, {self.text(bonus_units)}",
            )
        return Funds(self._currency, real_units, bonus_units)

    def units(self, what: str, document: Mapping[str, object], name: str) -> int:
        """Read an amount, which has to be a text with all digits of the currency.

        Raises:
            CaseFailed: It is something else.
        """
        held = document.get(name)
        try:
            units = self._amounts.read(held, self._currency) if isinstance(held, str) else None
        except BadAmount:
            units = None
        if units is None or self.text(units) != held:
            example = self.text(1230)
            shown = "nothing" if name not in document else repr(held)
            raise CaseFailed(f"`{name}` as a text like {example!r} in the answer to {what}", shown)
        return units

    def booked(
        self,
        what: str,
        document: Mapping[str, object],
        transaction_id: object,
        units: int | None,
        *,
        knows_player: bool = True,
    ) -> BookedAnswer:
        """Read what was booked.

        Args:
            what: The call, for the report.
            document: The answer, or one half of it.
            transaction_id: The id of the call.
            units: The amount that is expected. None means any.
            knows_player: If false, the answer needs no amounts.

        Raises:
            CaseFailed: The answer has another form, or another amount.
        """
        for name, wanted in (("transaction_id", transaction_id), ("status", "ok")):
            if document.get(name) != wanted:
                found = repr(document.get(name))
                raise CaseFailed(f"`{name}` {wanted!r} in the answer to {what}", found)
        ledger_id = document.get("ledger_id")
        if not isinstance(ledger_id, str) or not ledger_id:
            raise CaseFailed(f"a text in `ledger_id` of the answer to {what}", repr(ledger_id))
        if not knows_player:
            return BookedAnswer(ledger_id=ledger_id)
        amount_units = self.units(what, document, "amount")
        if units is not None and amount_units != units:
            expected = f"`amount` {self.text(units)!r} in the answer to {what}"
            raise CaseFailed(expected, repr(document["amount"]))
        return BookedAnswer(
            ledger_id=ledger_id,
            amount_units=amount_units,
            after_units=self.units(what, document, "balance_after"),
            now=self.funds(what, document),
        )

    def replayed(self, what: str, reply: WalletReply, *, wanted: bool) -> None:
        """Expect the header of a repetition, or its absence.

        Raises:
            CaseFailed: It is the other way.
        """
        if reply.is_replayed != wanted:
            words = ("no Idempotent-Replayed: true", "Idempotent-Replayed: true")
            raise CaseFailed(f"{words[wanted]} in the answer to {what}", reply.shown)

    def same_facts(self, what: str, first: BookedAnswer, again: BookedAnswer) -> None:
        """Expect the stored facts of the first answer.

        Raises:
            CaseFailed: They differ.
        """
        if first.stored != again.stored:
            raise CaseFailed(
                f"the stored `ledger_id`, `amount` and `balance_after` for {what}: "
                f"{self._shown(first)}",
                self._shown(again),
            )

    def _shown(self, one: BookedAnswer) -> str:
        amounts = [
            "none" if units is None else self.text(units)
            for units in (one.amount_units, one.after_units)
        ]
        return ", ".join((one.ledger_id, *amounts))
