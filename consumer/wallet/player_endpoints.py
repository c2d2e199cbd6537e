"""Describes the endpoints with which a brand manages its players' money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.http.endpoint import BodyForm, Endpoint
from consumer.ledger.answers import LedgerRefusal
from consumer.wallet.endpoints import (
    BOOKED,
    FUNDS,
    JSON,
    SHOWN,
    TOLD,
    ok_form,
    refusal_forms,
    schema_of,
)
from consumer.wallet.players import BonusBody, BonusEndBody, DepositBody, PlayerBody, SessionBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

    from consumer.http.endpoint import Handle
    from consumer.wallet.players import Players

_PLAYER: Final = {"type": "string", "description": "the brand's id of the player"}
_ACCOUNT: Final = {"type": "object", "properties": {**FUNDS, "held": {"type": "string"}}}
_SHOWN_PLAYER: Final = {
    "title": "ShownPlayer",
    "type": "object",
    "properties": {
        "player_id": _PLAYER,
        "frozen": {"type": "boolean"},
        "accounts": {"type": "array", "items": _ACCOUNT},
    },
}
_EXAMPLE_PLAYER: Final = {
    "player_id": "p-1",
    "frozen": False,
    "accounts": [{**SHOWN, "held": "0.00"}],
}
_OPENED: Final = {
    "title": "OpenedAccount",
    "type": "object",
    "properties": {
        "player_id": _PLAYER,
        "frozen": {"type": "boolean"},
        **FUNDS,
        "held": {"type": "string"},
    },
}
_BEGUN: Final = {
    "title": "BegunSession",
    "type": "object",
    "properties": {
        "session": {"type": "string", "description": "a secret between brand and game"},
        "expires": {"type": "string", "format": "date-time"},
        "launch_url": {
            "type": "string",
            "description": "where the player plays, if the list of games has it",
        },
    },
}
_ENDED: Final = {
    "title": "SessionResult",
    "type": "object",
    "properties": {
        "currency": {"type": "string"},
        "net": {"type": "string", "description": "wins less bets; may be negative"},
    },
}
_SAFE: Final = "The same `reference` again moves nothing, and gets the stored facts."


def player_endpoints(players: Players) -> tuple[Endpoint, ...]:
    """Return the endpoints."""
    player = {"player_id": _PLAYER}
    bonus = {"bonus_id": {"type": "string", "description": "the `ledger_id` of its issue"}}
    session = {"session": {"type": "string", "description": "the session"}}
    end = {"reference": "ref-3"}
    no_player, no_currency = LedgerRefusal.PLAYER_NOT_FOUND, LedgerRefusal.WRONG_CURRENCY
    conflict = LedgerRefusal.TRANSACTION_CONFLICT
    pays_in = (no_player, no_currency, LedgerRefusal.BAD_AMOUNT, conflict)
    ends_bonus = (LedgerRefusal.BONUS_NOT_FOUND, LedgerRefusal.BONUS_ENDED, conflict)
    return (
        _endpoint(
            "open_account", "POST", "/v1/players", "Open an account", players.open_account,
            body=(PlayerBody, {"player_id": "p-1", "currency": "EUR"}),
            answer=(_OPENED, {"player_id": "p-1", "frozen": False, **SHOWN, "held": "0.00"}),
            refusals=(no_currency,),
        ),
        _endpoint(
            "show_player", "GET", "/v1/players/{player_id}", "Show a player", players.show,
            places=player, answer=(_SHOWN_PLAYER, _EXAMPLE_PLAYER), refusals=(no_player,),
        ),
        _endpoint(
            "freeze_player", "POST", "/v1/players/{player_id}/freeze", "Take no bets of a player",
            players.freeze, places=player, refusals=(no_player,),
            answer=(_SHOWN_PLAYER, {**_EXAMPLE_PLAYER, "frozen": True}),
        ),
        _endpoint(
            "unfreeze_player", "POST", "/v1/players/{player_id}/unfreeze",
            "Take bets of a player again", players.unfreeze, places=player,
            answer=(_SHOWN_PLAYER, _EXAMPLE_PLAYER), refusals=(no_player,),
        ),
        _endpoint(
            "begin_session", "POST", "/v1/sessions", "Let a player play", players.begin_session,
            body=(SessionBody, {"player_id": "p-1", "currency": "EUR", "game_id": "book-of-sun"}),
            answer=(_BEGUN, {"session": "s-1", "expires": "2026-11-26T16:00:00.000000Z"}),
            status=201, refusals=(no_player, LedgerRefusal.GAME_NOT_FOUND),
        ),
        _endpoint(
            "end_session", "DELETE", "/v1/sessions/{session}", "End a session",
            players.end_session, places=session,
            answer=(_ENDED, {"currency": "EUR", "net": "-12.30"}),
            refusals=(LedgerRefusal.SESSION_NOT_FOUND,),
        ),
        _endpoint(
            "deposit", "POST", "/v1/players/{player_id}/deposits", "Put money on an account",
            players.deposit, places=player, answer=(BOOKED, TOLD), refusals=pays_in,
            body=(
                DepositBody,
                {"amount": "12.30", "currency": "EUR", "reference": "ref-1", "vendor_id": "9"},
            ),
        ),
        _endpoint(
            "issue_bonus", "POST", "/v1/players/{player_id}/bonuses", "Give a bonus",
            players.issue_bonus, places=player, answer=(BOOKED, TOLD),
            body=(BonusBody, {"amount": "12.30", "currency": "EUR", "reference": "ref-2"}),
            refusals=(*pays_in, LedgerRefusal.BONUS_ACTIVE),
        ),
        _endpoint(
            "convert_bonus", "POST", "/v1/bonuses/{bonus_id}/convert",
            "Turn a bonus into real money", players.convert_bonus, places=bonus,
            answer=(BOOKED, TOLD), body=(BonusEndBody, end),
            refusals=(*ends_bonus, LedgerRefusal.BAD_AMOUNT),
        ),
        _endpoint(
            "forfeit_bonus", "POST", "/v1/bonuses/{bonus_id}/forfeit", "Take a bonus away",
            players.forfeit_bonus, places=bonus, answer=(BOOKED, TOLD), body=(BonusEndBody, end),
            refusals=ends_bonus,
        ),
    )  # fmt: skip


def _endpoint(  # noqa: PLR0913  # each is said once, in a table
    name: str,
    method: str,
    path: str,
    summary: str,
    handle: Handle,
    *,
    answer: tuple[Mapping[str, object], Mapping[str, object]],
    refusals: tuple[LedgerRefusal, ...],
    body: tuple[type[msgspec.Struct], Mapping[str, object]] | None = None,
    places: Mapping[str, Mapping[str, object]] | None = None,
    status: int = 200,
) -> Endpoint:
    schema, example = answer
    form = None
    if body is not None:
        form = BodyForm(
            media_types=(JSON,), schema={JSON: schema_of(body[0])}, examples={JSON: body[1]}
        )
    return Endpoint(
        name=f"wallet_{name}",
        method=method,
        path=path,
        summary=summary,
        description=_SAFE if schema is BOOKED else "",
        handle=handle,
        scope=Scope.WALLET_OPERATOR,
        places=places or {},
        body=form,
        answers=(
            ok_form(schema, example, status=status),
            *refusal_forms(refusals, has_body=body is not None),
        ),
    )
