"""Writes what the page of a game gets to see: the state before a round, and the round itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.sandbox.faults import DETAILS, TITLES
from consumer.sandbox.games.base import stakes_of

if TYPE_CHECKING:
    from consumer.sandbox.funds import KnownFunds
    from consumer.sandbox.games.base import SandboxGame
    from consumer.sandbox.rounds.base import PlayedRound


def state_fields(game: SandboxGame, funds: KnownFunds) -> dict[str, object]:
    """Return a game and the player's money, before a round."""
    coins = funds.coins
    return {
        "game": game.game_id,
        "name": game.name,
        "currency": coins.currency,
        "balance": funds.balance,
        "balance_real": funds.balance_real,
        "balance_bonus": funds.balance_bonus,
        "stakes": [coins.write(units) for units in stakes_of(coins.digits_count)],
        "rules": game.rules(),
        "faults": [
            {"name": fault.value, "title": TITLES[fault], "detail": DETAILS[fault]}
            for fault in game.faults
        ],
    }


def round_fields(played: PlayedRound, funds: KnownFunds) -> dict[str, object]:
    """Return a round as it stands now.

    Args:
        played: The round.
        funds: What was known of the player's money before the round.
    """
    coins = funds.coins
    return {
        "round_id": played.plan.round_id,
        "status": played.status.value,
        "why": played.why,
        "why_text": played.why_text,
        "outcome": None if played.drawn is None else played.drawn.outcome,
        "stake": coins.write(played.plan.stake_units),
        "win": coins.write(played.win_units),
        "currency": coins.currency,
        "balance": played.calls.balance or funds.balance,
        "exchanges": [msgspec.to_builtins(record) for record in played.calls.journal.records],
    }
