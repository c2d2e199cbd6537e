"""Describes the endpoints with which a brand reads its players' money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.http.endpoint import AnswerForm, Endpoint, because
from consumer.ledger.answers import LedgerRefusal
from consumer.wallet.books import RoundsQuery, StatementQuery
from consumer.wallet.endpoints import GAME_PLACES, away_form, ok_form, refusal_forms

if TYPE_CHECKING:
    from consumer.wallet.books import WalletBooks

_TEXT: Final = {"type": "string"}
_MAYBE: Final = {"type": ["string", "null"]}
_TRANSACTION: Final = {
    "title": "LedgerTransaction",
    "type": "object",
    "properties": {
        **dict.fromkeys(("ledger_id", "source", "transaction_id", "verb"), _TEXT),
        "type": {**_MAYBE, "description": "the ledger's type; null: nothing was booked"},
        "player_id": _MAYBE,
        **dict.fromkeys(("game_id", "round_id"), _TEXT),
        "reference": {**_TEXT, "description": "the other id that the order names"},
        "refused": {**_MAYBE, "description": "why it was refused for good"},
        "sequence": {"type": ["integer", "null"]},
        "time": {**_TEXT, "format": "date-time"},
        **dict.fromkeys(("currency", "amount", "real", "bonus", "balance_after"), _TEXT),
    },
}
_EXAMPLE: Final = {
    "ledger_id": "42", "source": "acme", "transaction_id": "t-1", "verb": "bet", "type": "BET",
    "player_id": "p-1", "game_id": "book-of-sun", "round_id": "r-1", "reference": "",
    "refused": None, "sequence": 7, "time": "2026-11-26T12:00:00.000000Z", "currency": "EUR",
    "amount": "12.30", "real": "-12.30", "bonus": "0.00", "balance_after": "87.70",
}  # fmt: skip
_LIST: Final = {
    "title": "LedgerTransactions",
    "type": "object",
    "properties": {"transactions": {"type": "array", "items": _TRANSACTION}},
}
_ROUND: Final = {
    "provider": "acme", "game_id": "book-of-sun", "round_id": "r-1", "player_id": "p-1",
    "currency": "EUR", "stake": "12.30", "bets": 1, "live_bets": 1, "live_wins": 0,
    "began": "2026-11-26T12:00:00.000000Z",
}  # fmt: skip
_ROUNDS: Final = {
    "title": "OpenRounds",
    "type": "object",
    "properties": {"rounds": {"type": "array", "items": {"type": "object"}}},
}
_STORED: Final = "As stored."


def book_endpoints(books: WalletBooks) -> tuple[Endpoint, ...]:
    """Return the endpoints."""
    place = {
        **GAME_PLACES,
        "round_id": {**_TEXT, "description": "the provider's id of the round"},
    }
    nothing = AnswerForm(
        status=404,
        meaning="The brand has nothing under this id.",
        examples=because("not_found", "there is no such transaction"),
    )
    return (
        Endpoint(
            name="wallet_statement",
            method="GET",
            path="/v1/players/{player_id}/statement",
            summary="Read the statement of an account",
            description="The transactions in their order. Ask again with `after`, the last "
            "`sequence` that you have.",
            handle=books.statement,
            scope=Scope.WALLET_OPERATOR,
            places={"player_id": {**_TEXT, "description": "the brand's id of the player"}},
            query=StatementQuery,
            answers=(
                ok_form(_LIST, {"transactions": [_EXAMPLE]}, _STORED),
                *refusal_forms((LedgerRefusal.PLAYER_NOT_FOUND,), has_body=False),
            ),
        ),
        Endpoint(
            name="wallet_transaction",
            method="GET",
            path="/v1/transactions/{provider}/{transaction_id}",
            summary="Show what is stored under an id",
            handle=books.transaction,
            scope=Scope.WALLET_OPERATOR,
            places={
                "provider": GAME_PLACES["provider"],
                "transaction_id": {**_TEXT, "description": "the provider's id of the order"},
            },
            answers=(ok_form(_TRANSACTION, _EXAMPLE, _STORED), nothing, away_form()),
        ),
        Endpoint(
            name="wallet_open_rounds",
            method="GET",
            path="/v1/rounds",
            summary="List the rounds that are open",
            handle=books.open_rounds,
            scope=Scope.WALLET_OPERATOR,
            query=RoundsQuery,
            answers=(ok_form(_ROUNDS, {"rounds": [_ROUND]}, _STORED), away_form()),
        ),
        Endpoint(
            name="wallet_round",
            method="GET",
            path="/v1/rounds/{provider}/{game_id}/{round_id}",
            summary="Show the transactions of a round",
            handle=books.of_round,
            scope=Scope.WALLET_OPERATOR,
            places=place,
            answers=(ok_form(_LIST, {"transactions": [_EXAMPLE]}, _STORED), nothing, away_form()),
        ),
    )
