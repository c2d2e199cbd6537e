"""The vendor's verb and path for each message type that has one.

Brands that post to the vendor today change the host only. The paths are those of the vendor's
integration API: https://www.fasttrack-solutions.com/en/resources/integration/real-time-data.
A type without a path, such as USER_TAG, is posted to `MANY_PATH`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MANY_PATH: Final = "/v1/integration/events"
"""The path that takes events of every type, several at a time."""
PATHS: Final[Mapping[str, tuple[str, str]]] = {
    "CASINO": ("POST", "/v1/integration/casino"),
    "GAME_ROUND": ("POST", "/v1/integration/gameround"),
    "GAME": ("POST", "/v1/integration/game"),
    "PAYMENT": ("POST", "/v1/integration/payment"),
    "USER_BALANCES_UPDATE": ("POST", "/v1/integration/user/balances"),
    "BONUS": ("POST", "/v1/integration/bonus"),
    "SPORTSBOOK": ("POST", "/v1/integration/sports"),
    "LOTTERY_V2": ("POST", "/v2/integration/lottery"),
    "LOTTERY": ("POST", "/v1/integration/lottery"),
    "CART": ("POST", "/v1/integration/cart"),
    "POKER_CASH_GAME_BUY_IN_V2": ("POST", "/v2/integration/poker/cash-game-buy-in"),
    "POKER_CASH_GAME_CASH_OUT_V2": ("POST", "/v2/integration/poker/cash-game-cash-out"),
    "POKER_TOURNAMENT_BUY_IN_V2": ("POST", "/v2/integration/poker/tournament-buy-in"),
    "POKER_TOURNAMENT_CASH_OUT_V2": ("POST", "/v2/integration/poker/tournament-cash-out"),
    "LOGIN_V2": ("POST", "/v2/integration/login"),
    "USER_CREATE_V2": ("POST", "/v2/integration/user"),
    "USER_UPDATE_V2": ("PUT", "/v2/integration/user"),
    "USER_BLOCK_V2": ("PUT", "/v2/integration/user/blocks"),
    "USER_CONSENTS_V2": ("PUT", "/v2/integration/user/consents"),
    "CUSTOM": ("POST", "/v1/integration/custom"),
}
"""The verb and the path of a message type, by the type's name."""
