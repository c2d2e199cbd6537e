"""Defines what the page of a game sends: the session and the round that a player wants."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from consumer.sandbox.faults import GameFault
from consumer.wallet.bodies import SentBody, SentName

BODY_MAX_BYTES: Final = 4096
FAULTS_MAX_COUNT: Final = len(GameFault)
Choices = Annotated[dict[str, Annotated[str, Meta(max_length=16)]], Meta(max_length=8)]
"""What a player has chosen. Each game knows its own."""


class GameStateQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a state."""

    brand: Annotated[str, Meta(max_length=128, description="the brand of the player")]
    session: Annotated[
        str,
        Meta(
            max_length=128,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)",
            description="the session, which is the right",
        ),
    ]


class GameRoundBody(SentBody, frozen=True, kw_only=True):
    """The body that plays a round.

    Attributes:
        brand: The brand of the player.
        session: The session, which is the right to play.
        stake: One of the stakes of the state.
        choice: What the player has chosen.
        faults: The faults that are switched on.
    """

    brand: SentName
    session: SentName
    stake: Annotated[str, Meta(max_length=32)]
    choice: Choices = msgspec.field(default_factory=dict)
    faults: Annotated[tuple[GameFault, ...], Meta(max_length=FAULTS_MAX_COUNT)] = ()
