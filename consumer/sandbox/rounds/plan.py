"""Writes the calls of one round. Each order has a new id, which all its repetitions share."""

from __future__ import annotations

import secrets

import msgspec

from consumer.sandbox.coins import Coins
from consumer.sandbox.journal import GameCall


class RoundPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is fixed before a round begins.

    Attributes:
        game_id: The game.
        session: The player's session. It is a secret.
        coins: The currency.
        stake_units: The whole stake, in the smallest units.
        round_id: The id of the round.
        bet_id: The id of its bet.
        win_id: The id of its win.
        rollback_id: The id of the rollback, if it comes to one.
        round_end_id: The id of the message that closes a void round.
    """

    game_id: str
    session: str
    coins: Coins
    stake_units: int
    round_id: str
    bet_id: str
    win_id: str
    rollback_id: str
    round_end_id: str

    def bet(self) -> GameCall:
        """Return the call that takes the stake."""
        return self._call("bet", self.bet_id, amount=self._stake, **self._money)

    def win(self, win_units: int) -> GameCall:
        """Return the call that pays the win, which may be 0, and closes the round."""
        return self._call(
            "win",
            self.win_id,
            amount=self.coins.write(win_units),
            bet_transaction_id=self.bet_id,
            round_end=True,
            **self._money,
        )

    def bet_win(self, win_units: int) -> GameCall:
        """Return the call that does both at once, and closes the round."""
        fields = {
            "bet": {"transaction_id": self.bet_id, "amount": self._stake},
            "win": {"transaction_id": self.win_id, "amount": self.coins.write(win_units)},
            **self._money,
            "round_end": True,
        }
        return GameCall("bet-win", self.bet_id, fields)

    def rollback(self) -> GameCall:
        """Return the call that takes the bet back, whether the wallet has it or not."""
        fields = {
            "transaction_id": self.rollback_id,
            "reference_transaction_id": self.bet_id,
            "session": self.session,
        }
        return GameCall("rollback", self.rollback_id, fields)

    def round_end(self) -> GameCall:
        """Return the call that closes a round that has no win."""
        return self._call("round-end", self.round_end_id, **self._place)

    @property
    def _stake(self) -> str:
        return self.coins.write(self.stake_units)

    @property
    def _place(self) -> dict[str, object]:
        return {"session": self.session, "round_id": self.round_id, "game_id": self.game_id}

    @property
    def _money(self) -> dict[str, object]:
        return {**self._place, "currency": self.coins.currency}

    @staticmethod
    def _call(verb: str, transaction_id: str, **fields: object) -> GameCall:
        return GameCall(verb, transaction_id, {"transaction_id": transaction_id, **fields})


def new_plan(game_id: str, session: str, coins: Coins, stake_units: int) -> RoundPlan:
    """Return the plan of a new round, with ids that nobody has used."""
    return RoundPlan(
        game_id=game_id,
        session=session,
        coins=coins,
        stake_units=stake_units,
        round_id=f"r-{secrets.token_hex(12)}",
        bet_id=f"t-{secrets.token_hex(12)}",
        win_id=f"t-{secrets.token_hex(12)}",
        rollback_id=f"t-{secrets.token_hex(12)}",
        round_end_id=f"t-{secrets.token_hex(12)}",
    )
