"""Makes the bodies of calls: new ids, new rounds, the stake of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.tools.wallet_check.expectations import Expectations
from consumer.tools.wallet_check.failure import CaseSkipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.tools.wallet_check.settings import PreparedCheck

CallFields = dict[str, object]
"""The body of a call, before it becomes JSON."""


class OrderMaker:
    """Makes bodies.

    Args:
        prepared: What the file says.
        ids: Yields ids that nobody has used.

    Attributes:
        file: The file.
        expect: Compares answers with the contract.
        stake_units: The amount of a usual bet.
    """

    def __init__(self, prepared: PreparedCheck, ids: Iterator[str]) -> None:
        self.file = prepared.file
        self.expect = Expectations(prepared.amounts, prepared.file.currency)
        self.stake_units = prepared.stake_units
        self._ids = ids

    def new_id(self) -> str:
        """Return an id that nobody has used."""
        return next(self._ids)

    def session(self, name: str) -> str:
        """Return a prepared session.

        Raises:
            CaseSkipped: The file does not have it.
        """
        found: str | None = getattr(self.file.sessions, name)
        if found is None:
            raise CaseSkipped(f"sessions.{name} is missing")
        return found

    def bet(self, name: str = "usual", /, **changes: object) -> CallFields:
        """Return a bet of the stake, in a new round.

        Args:
            name: The name of the session in the file.
            changes: Other fields.
        """
        amount = self.expect.text(self.stake_units)
        return {**self._named(), **self._place(name), "amount": amount, **changes}

    def win(self, bet: CallFields, **changes: object) -> CallFields:
        """Return a win in the round of a bet, of the same amount. It may be sent as a bet too."""
        return {**bet, **self._named(), **changes}

    def bet_win(self, bet_units: int, win_units: int, name: str = "usual") -> CallFields:
        """Return a bet with its win, in a new round."""
        halves = {
            name: {**self._named(), "amount": self.expect.text(units)}
            for name, units in (("bet", bet_units), ("win", win_units))
        }
        return {**halves, **self._place(name)}

    def rollback(self, given: object, **changes: object) -> CallFields:
        """Return a rollback of an id."""
        return {**self._named(), "reference_transaction_id": given, **changes}

    def round_end(self, bet: CallFields) -> CallFields:
        """Return the end of the round of a bet."""
        place = {name: bet[name] for name in ("session", "round_id", "game_id")}
        return {**self._named(), **place}

    def _named(self) -> CallFields:
        return {"transaction_id": self.new_id()}

    def _place(self, name: str) -> CallFields:
        return {
            "session": self.session(name),
            "round_id": self.new_id(),
            "game_id": self.file.game_id,
            "currency": self.file.currency,
        }
