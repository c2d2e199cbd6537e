"""Remembers what a case has done to players, so that it can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.ledger.answers import Funds
    from consumer.tools.wallet_check.orders import CallFields


class Leftovers:
    """What a case leaves.

    Attributes:
        began: What each session had when the case began, by the session's name.
        bets: The ids of the bets that were taken.
        rounds: A call of each round in which something was booked, by the ids of round and game.
    """

    def __init__(self) -> None:
        self.began: dict[str, Funds] = {}
        self.bets: list[object] = []
        self.rounds: dict[tuple[object, object], CallFields] = {}

    def note(self, verb: str, fields: CallFields) -> None:
        """Remember a call that was carried out."""
        bet = fields.get("bet") if verb == "bet-win" else fields
        if verb in ("bet", "bet-win") and isinstance(bet, dict):
            self.bets.append(bet["transaction_id"])
        if "round_id" in fields:
            self.rounds[fields["round_id"], fields["game_id"]] = fields
