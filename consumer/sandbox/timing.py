"""How long a game server waits, and how often it tries. The contract with providers names most."""

from __future__ import annotations

import msgspec


class GameTiming(msgspec.Struct, frozen=True, kw_only=True):
    """The times of a game server. `docs/wallet.md` says the first two; a test has shorter ones.

    Attributes:
        answer_s: How long an answer of the wallet may take.
        first_pause_s: The shortest pause before the first repetition. Further pauses grow.
        longest_pause_s: The longest pause before a repetition, whatever `Retry-After` asks for.
        bet_tries_count: How often a bet is sent before the game takes it back.
        delay_s: The pause before each call with the fault `delay`.
        round_s: How long a player's request may take. Then the round goes on without it.
    """

    answer_s: float = 3.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    bet_tries_count: int = 3
    delay_s: float = 1.5
    round_s: float = 19.0
