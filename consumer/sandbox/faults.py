"""Lists the faults that a tester can switch on for a round, with their texts for the page."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class GameFault(StrEnum):
    """A fault of the network or of the game server, which a wallet has to bear."""

    LOSE_BET_ANSWER = "lose_bet_answer"
    LOSE_WIN_ANSWER = "lose_win_answer"
    TWIN_AT_ONCE = "twin_at_once"
    TWIN_LATER = "twin_later"
    DELAY = "delay"
    REORDER = "reorder"
    SIGN_WRONGLY = "sign_wrongly"
    ROLL_BACK_BEFORE_BET = "roll_back_before_bet"
    ROLL_BACK = "roll_back"


TITLES: Final[Mapping[GameFault, str]] = {
    GameFault.LOSE_BET_ANSWER: "Lose the answer of the bet",
    GameFault.LOSE_WIN_ANSWER: "Lose the answer of the win",
    GameFault.TWIN_AT_ONCE: "Send twice at once",
    GameFault.TWIN_LATER: "Send again later",
    GameFault.DELAY: "Wait before each call",
    GameFault.REORDER: "Send the win before its bet",
    GameFault.SIGN_WRONGLY: "Sign with a wrong key",
    GameFault.ROLL_BACK_BEFORE_BET: "Roll back before the bet",
    GameFault.ROLL_BACK: "Roll the bet back",
}
DETAILS: Final[Mapping[GameFault, str]] = {
    GameFault.LOSE_BET_ANSWER: "The game does not hear the answer, and sends the same bet again.",
    GameFault.LOSE_WIN_ANSWER: "The game does not hear the answer, and sends the same win again.",
    GameFault.TWIN_AT_ONCE: "Each bet and each win comes twice at the same moment, on two "
    "connections. The money moves once.",
    GameFault.TWIN_LATER: "The bet and the win come once more after the round has ended. Nothing "
    "moves.",
    GameFault.DELAY: "The game waits for 1.5 s before each call.",
    GameFault.REORDER: "The win overtakes its bet, and is refused. After the bet, the game sends "
    "the same win again, and it is paid.",
    GameFault.SIGN_WRONGLY: "Each call comes first with the signature of another key, and is "
    "refused. Then the game signs rightly.",
    GameFault.ROLL_BACK_BEFORE_BET: "The game takes the bet back before it sends it. The wallet "
    "remembers this, and refuses the bet.",
    GameFault.ROLL_BACK: "The game takes the bet back after the wallet has booked it. The round is "
    "void.",
}
