"""Holds the schemas and the examples of what the pages of the test games get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.sandbox.faults import DETAILS, TITLES, GameFault

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_COUNT: Final = {"type": "integer"}
_OBJECT: Final = {"type": "object"}
_FAULT: Final = GameFault.LOSE_BET_ANSWER
WANTED_ROUND: Final = {
    "brand": "demo",
    "session": "s-1",
    "stake": "1.00",
    "choice": {"chance": "50", "side": "under"},
    "faults": [_FAULT.value],
}
STATE: Final = {
    "game": "dice",
    "name": "Hundred",
    "currency": "EUR",
    "balance": "987.50",
    "balance_real": "987.50",
    "balance_bonus": "0.00",
    "stakes": ["0.20", "1.00", "5.00", "20.00"],
    "rules": {"house_edge": "0.01", "chance_min": "2", "chance_max": "95"},
    "faults": [{"name": _FAULT.value, "title": TITLES[_FAULT], "detail": DETAILS[_FAULT]}],
}
STATE_SCHEMA: Final[Mapping[str, object]] = {
    "title": "TestGameState",
    "type": "object",
    "required": list(STATE),
    "properties": {
        **dict.fromkeys(STATE, _TEXT),
        "stakes": {"type": "array", "items": _TEXT},
        "rules": _OBJECT,
        "faults": {
            "type": "array",
            "items": {
                "title": "TestGameFault",
                "type": "object",
                "properties": dict.fromkeys(("name", "title", "detail"), _TEXT),
            },
        },
    },
}
EXCHANGE: Final = {
    "verb": "bet-win",
    "transaction_id": "t-1",
    "at_ms": 0,
    "note": "The answer was lost on the way.",
    "request": {
        "method": "POST",
        "target": "/v1/wallet/bet-win",
        "signature": "t=1795000000,k=nq1Urtg6ciEv,v1=…",
        "body": {"session": "s-1", "round_id": "r-1"},
    },
    "took_ms": 12,
    "answer": None,
}
PLAYED: Final = {
    "round_id": "r-1",
    "status": "settled",
    "why": None,
    "why_text": None,
    "outcome": {"rolled": "73.21", "won": False, "target": "50.00"},
    "stake": "1.00",
    "win": "0.00",
    "currency": "EUR",
    "balance": "986.50",
    "exchanges": [EXCHANGE],
}
_ANSWER: Final[Mapping[str, object]] = {
    "type": ["object", "null"],
    "properties": {
        "status": {"type": "integer"},
        "replayed": {"type": "boolean"},
        "code": _TEXT_OR_NULL,
        "body": _OBJECT,
    },
}
_SENT: Final[Mapping[str, object]] = {
    "title": "TestGameRequest",
    "type": "object",
    "properties": {**dict.fromkeys(("method", "target", "signature"), _TEXT), "body": _OBJECT},
}
PLAYED_SCHEMA: Final[Mapping[str, object]] = {
    "title": "TestGameRound",
    "type": "object",
    "required": list(PLAYED),
    "properties": {
        **dict.fromkeys(PLAYED, _TEXT),
        "status": {"enum": ["settled", "refused", "rolled_back", "open"]},
        "why": _TEXT_OR_NULL,
        "why_text": _TEXT_OR_NULL,
        "outcome": {"type": ["object", "null"]},
        "exchanges": {
            "type": "array",
            "items": {
                "title": "TestGameExchange",
                "type": "object",
                "properties": {
                    **dict.fromkeys(("verb", "transaction_id", "note"), _TEXT),
                    "at_ms": _COUNT,
                    "took_ms": _COUNT,
                    "request": _SENT,
                    "answer": _ANSWER,
                },
            },
        },
    },
}
