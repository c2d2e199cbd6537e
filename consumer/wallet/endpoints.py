"""Describes the callbacks as endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec

from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint
from consumer.ledger.answers import LedgerRefusal
from consumer.wallet.bodies import (
    BalanceBody,
    BetBody,
    BetWinBody,
    RollbackBody,
    RoundEndBody,
    WinBody,
)
from consumer.wallet.told import STATUSES, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from consumer.http.endpoint import Handle
    from consumer.wallet.callbacks import Callbacks

JSON: Final = "application/json"
OF_CALLBACKS: Final = tuple(
    refusal
    for refusal in LedgerRefusal
    if refusal is not LedgerRefusal.PLAYER_NOT_FOUND and not refusal.startswith("BONUS_")
)
"""Why an order of a game may be refused."""
_MONEY: Final = {"type": "string", "description": "in whole units, with all digits: `12.30`"}
FUNDS: Final[Mapping[str, object]] = {
    "currency": {"type": "string"},
    "balance": _MONEY,
    "balance_real": _MONEY,
    "balance_bonus": _MONEY,
}
BOOKED: Final[Mapping[str, object]] = {
    "title": "BookedOrder",
    "type": "object",
    "required": ["transaction_id", "ledger_id", "status"],
    "properties": {
        "transaction_id": {"type": "string"},
        "ledger_id": {"type": "string", "description": "the ledger's own id of what was booked"},
        "status": {"const": "ok"},
        "amount": _MONEY,
        "balance_after": {**_MONEY, "description": "the balance right after the order"},
        **FUNDS,
    },
}
GAME_PLACES: Final[Mapping[str, Mapping[str, object]]] = {
    "provider": {"type": "string", "description": "the name of the provider"},
    "game_id": {"type": "string", "description": "the provider's id of the game"},
}
"""The parts of a path that name a game."""
SHOWN: Final = {
    "currency": "EUR",
    "balance": "87.70",
    "balance_real": "87.70",
    "balance_bonus": "0.00",
}
TOLD: Final = {
    "transaction_id": "t-1",
    "ledger_id": "42",
    "status": "ok",
    "amount": "12.30",
    "balance_after": "87.70",
    **SHOWN,
}
_PLACE: Final = {"session": "s-1", "round_id": "r-1", "game_id": "book-of-sun", "currency": "EUR"}
_SIGNED: Final = (
    "Signed with the provider's Ed25519 key: "
    "`X-Signature: t=<unix seconds>,k=<key id>,v1=<base64>` over "
    "`v1\\n<t>\\n<k>\\n<METHOD>\\n<target with query>\\n<hex SHA-256 of the raw body>`. "
)
_SAFE: Final = "The same request again gets the stored facts, for ever. "


def callback_endpoints(callbacks: Callbacks) -> tuple[Endpoint, ...]:
    """Return the endpoints that games call."""
    place_bet = {"transaction_id": "t-1", **_PLACE, "amount": "12.30"}
    pair = {
        "bet": {"transaction_id": "t-1", "amount": "12.30"},
        "win": {"transaction_id": "t-2", "amount": "20.00"},
        **_PLACE,
    }
    back = {"transaction_id": "t-3", "reference_transaction_id": "t-1"}
    ended = {key: value for key, value in place_bet.items() if key not in ("amount", "currency")}
    return tuple(
        _callback(verb, handle, body, example, summary)
        for verb, handle, body, example, summary in (
            ("balance", callbacks.balance, BalanceBody, {"session": "s-1"}, "Show a balance"),
            ("bet", callbacks.bet, BetBody, place_bet, "Take a stake"),
            ("win", callbacks.win, WinBody, place_bet, "Pay out a win"),
            ("bet-win", callbacks.bet_win, BetWinBody, pair, "Take a stake and pay its win"),
            ("rollback", callbacks.rollback, RollbackBody, back, "Give a bet back"),
            ("round-end", callbacks.round_end, RoundEndBody, ended, "Close a round"),
        )
    )


def _callback(
    verb: str,
    handle: Handle,
    body: type[msgspec.Struct],
    example: Mapping[str, object],
    summary: str,
) -> Endpoint:
    schema: Mapping[str, object] = BOOKED
    told: Mapping[str, object] = TOLD
    if verb == "balance":
        schema = {"title": "ShownFunds", "type": "object", "properties": FUNDS}
        told = {"status": "ok", **SHOWN}
    elif verb == "bet-win":
        halves = {"bet": BOOKED, "win": BOOKED}
        schema = {"title": "BookedPair", "type": "object", "properties": halves}
        told = {"bet": TOLD, "win": {**TOLD, "transaction_id": "t-2", "ledger_id": "43"}}
    return Endpoint(
        name=f"wallet_{verb.replace('-', '_')}",
        method="POST",
        path=f"/v1/wallet/{verb}",
        summary=summary,
        description=_SIGNED + ("" if verb == "balance" else _SAFE),
        handle=handle,
        needs_key=False,
        is_signed=True,
        body=BodyForm(
            media_types=(JSON,),
            schema={JSON: schema_of(body)},
            examples={JSON: example},
        ),
        answers=(
            AnswerForm(
                status=200,
                meaning="Carried out, now or before.",
                schema=schema,
                examples={"ok": told},
                headers={"Idempotent-Replayed": "`true` if it was carried out before"},
            ),
            *refusal_forms(
                (LedgerRefusal.SESSION_NOT_FOUND,) if verb == "balance" else OF_CALLBACKS,
                is_signed=True,
            ),
        ),
    )


def schema_of(body: type[msgspec.Struct]) -> dict[str, object]:
    """Return the schema of a body. The parts that it refers to stand inside."""
    (_,), parts = msgspec.json.schema_components([body], ref_template="{name}")

    def whole(schema: object) -> object:
        if isinstance(schema, list):
            return [whole(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return whole(parts[schema["$ref"]])
        return {key: whole(one) for key, one in schema.items() if key != "description"}

    return cast("dict[str, object]", whole(parts[body.__name__]))


def refusal_forms(
    refusals: Iterable[LedgerRefusal], *, is_signed: bool = False, has_body: bool = True
) -> Iterator[AnswerForm]:
    """Yield an answer for each status of a refusal, with an example for each of its reasons.

    Args:
        refusals: Why the ledger may refuse.
        is_signed: If true, the signature may be wrong.
        has_body: If true, the body may be wrong.
    """
    by_status: dict[int, dict[str, dict[str, object]]] = {}

    def add(status: int, code: str, detail: str) -> None:
        example: dict[str, object] = {"reason": code.lower(), "code": code, "detail": detail}
        by_status.setdefault(status, {})[code.lower()] = example

    for refusal in refusals:
        add(STATUSES[refusal], refusal.value, WORDS[refusal])
    if is_signed:
        add(401, "BAD_SIGNATURE", "expected a header X-Signature")
    if has_body:
        add(422, "BAD_REQUEST", "expected a JSON object: the key 'amount' comes twice")
    for status, examples in sorted(by_status.items()):
        yield AnswerForm(status=status, meaning="Refused. Nothing moved.", examples=examples)
    yield away_form()


def ok_form(
    schema: Mapping[str, object],
    example: Mapping[str, object],
    meaning: str = "Carried out.",
    status: int = 200,
) -> AnswerForm:
    """Return the answer of a request that is carried out."""
    return AnswerForm(status=status, meaning=meaning, schema=schema, examples={"ok": example})


def away_form() -> AnswerForm:
    """Return the answer while the ledger is away."""
    return AnswerForm(
        status=503,
        meaning="The ledger did not answer in time. Send the same request again.",
        examples={
            "unavailable": {
                "reason": "unavailable",
                "code": "UNAVAILABLE",
                "detail": "the ledger did not answer in time",
            }
        },
        headers=RETRY,
    )
