"""The endpoints of `/v1/keys`, described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.access.token import ID_CHARACTERS
from consumer.api.idempotency import once
from consumer.api.keys import KEYS_MAX_COUNT, KeyPages, NewKey, Rotation, without_secret
from consumer.api.own_key import KEY_PROPERTIES, SCOPE, SHOWN_KEY
from consumer.http.body_schema import body_schema
from consumer.http.endpoint import AnswerForm, BodyForm, Endpoint
from consumer.listeners.http.endpoints import JSON_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

    from consumer.api.remembered import RememberedWrites

TEXT: Final = "ck_live_nq1Urtg6ciEv_xPkgAi3EATZ19L1m61nwHBK9T7vjttwh3QdY8V"
_KEY: Final = {
    "title": "AccessKey",
    "type": "object",
    "required": [*KEY_PROPERTIES],
    "properties": KEY_PROPERTIES,
}
_KEY_WITH_TEXT: Final = {
    "title": "AccessKeyWithText",
    "type": "object",
    "required": ["key", *KEY_PROPERTIES],
    "properties": {
        "key": {
            "type": ["string", "null"],
            "description": "the text of the key, which is shown only now; null if this is the "
            "first answer again, because the text is stored nowhere",
        },
        **KEY_PROPERTIES,
    },
}
_PLACES: Final = {
    "id": {
        "type": "string",
        "pattern": f"^[0-9A-Za-z]{{{ID_CHARACTERS}}}$",
        "description": "the id of the key, which is the second part of its text",
        "examples": [SHOWN_KEY["id"]],
    }
}
_NEW: Final = {**SHOWN_KEY, "used_on": None}
_SHOWN_ONCE: Final[Mapping[str, Mapping[str, object]]] = {
    "first": {"key": TEXT, **_NEW},
    "again": {"key": None, **_NEW},
}
_NO_STORE: Final = {"Cache-Control": "`no-store`"}
_ONCE: Final = (
    "The answer holds the secret, and is the only place that does. If the answer to a request with "
    "an `Idempotency-Key` was lost, the repetition tells the `id`, and `key` is null: rotate the "
    "key to get a secret."
)
_GIFT: Final = AnswerForm(
    status=403,
    meaning="The key would allow more than the admin key.",
    examples={
        "more": {"reason": "forbidden", "detail": "scopes: your key does not have ingest"},
    },
)
_FOREIGN: Final = AnswerForm(
    status=404,
    meaning="There is no such key of the same brand and environment.",
    examples={"not_found": {"reason": "not_found", "detail": "there is no such key"}},
)
_MEANWHILE: Final = {
    "changed": {
        "reason": "changed",
        "detail": "key nq1Urtg6ciEv was changed meanwhile; try again",
    }
}


def _invalid(detail: str) -> AnswerForm:
    return AnswerForm(
        status=400,
        meaning="A field is wrong.",
        examples={"wrong_field": {"reason": "invalid", "detail": detail}},
    )


def key_endpoints(pages: KeyPages, writes: RememberedWrites) -> tuple[Endpoint, ...]:
    """Return the endpoints of keys.

    Args:
        pages: What answers them.
        writes: Where the answers to writes are remembered.
    """
    return (
        _list(pages),
        once(_create(pages), writes, without_secret),
        once(_rotate(pages), writes, without_secret),
        once(_revoke(pages), writes),
    )


def _list(pages: KeyPages) -> Endpoint:
    return Endpoint(
        name="list_keys",
        method="GET",
        path="/v1/keys",
        summary="List the keys of the brand",
        description="All keys of the same brand and environment, the revoked keys included, the "
        "newest last. Neither secrets nor their hashes are shown.",
        scope=Scope.ADMIN,
        handle=pages.listed,
        answers=(
            AnswerForm(
                status=200,
                meaning="The keys.",
                schema={
                    "title": "AccessKeys",
                    "type": "object",
                    "required": ["keys"],
                    "properties": {"keys": {"type": "array", "items": _KEY}},
                },
                examples={"one": {"keys": [SHOWN_KEY]}},
            ),
        ),
    )


def _create(pages: KeyPages) -> Endpoint:
    return Endpoint(
        name="create_key",
        method="POST",
        path="/v1/keys",
        summary="Make a key",
        description="The key is for the brand and the environment of the admin key. It gets only "
        "scopes, subjects and addresses that the admin key has itself, and as an admin key it "
        f"expires no later. It works at once. {_ONCE}",
        scope=Scope.ADMIN,
        handle=pages.create,
        body=_body(NewKey, {"scopes": ["ingest"], "name": "outbox of the casino"}),
        answers=(
            AnswerForm(
                status=201,
                meaning="The key was made.",
                schema=_KEY_WITH_TEXT,
                examples=_SHOWN_ONCE,
                headers=_NO_STORE,
            ),
            _invalid("name: expected at most 100 printable characters"),
            _GIFT,
            AnswerForm(
                status=409,
                meaning=f"The brand has {KEYS_MAX_COUNT} keys in this environment.",
                examples={
                    "too_many_keys": {
                        "reason": "too_many_keys",
                        "detail": f"there are {KEYS_MAX_COUNT} keys, ask the operator to remove "
                        "some",
                    }
                },
            ),
        ),
    )


def _rotate(pages: KeyPages) -> Endpoint:
    refused = {
        "reason": "not_possible",
        "detail": "key nq1Urtg6ciEv was revoked, so it cannot be rotated",
    }
    return Endpoint(
        name="rotate_key",
        method="POST",
        path="/v1/keys/{id}/rotate",
        places=_PLACES,
        summary="Give a key a new secret",
        description="The earlier secrets end after the overlap. The key must not allow more than "
        f"the admin key, because the answer lets its reader use the key. {_ONCE}",
        scope=Scope.ADMIN,
        handle=pages.rotate,
        body=_body(Rotation, {"overlap_s": 86400}, required=False),
        answers=(
            AnswerForm(
                status=200,
                meaning="The key has a new secret.",
                schema=_KEY_WITH_TEXT,
                examples=_SHOWN_ONCE,
                headers=_NO_STORE,
            ),
            _invalid(
                "overlap_s: expected for how many seconds the earlier secrets still hold, "
                "0 or more, got -1"
            ),
            _GIFT,
            _FOREIGN,
            AnswerForm(
                status=409,
                meaning="The key was changed at the same moment, was revoked, or has too many "
                "secrets that still hold.",
                examples={**_MEANWHILE, "not_possible": refused},
            ),
        ),
    )


def _revoke(pages: KeyPages) -> Endpoint:
    revoked = {**SHOWN_KEY, "state": "revoked", "revoked": "2026-12-01T08:00:00.000000Z"}
    return Endpoint(
        name="revoke_key",
        method="DELETE",
        path="/v1/keys/{id}",
        places=_PLACES,
        summary="Revoke a key",
        description="Every process refuses the key within a second, for ever. Any key of the brand "
        "and the environment can be revoked, the admin key itself included. A key that was revoked "
        "before is not changed.",
        scope=Scope.ADMIN,
        handle=pages.revoke,
        answers=(
            AnswerForm(
                status=200, meaning="The key is revoked.", schema=_KEY, examples={"key": revoked}
            ),
            _FOREIGN,
            AnswerForm(
                status=409,
                meaning="The key was changed at the same moment.",
                examples=_MEANWHILE,
            ),
        ),
    )


def _body(kind: type[msgspec.Struct], sample: object, *, required: bool = True) -> BodyForm:
    return BodyForm(
        required=required,
        media_types=JSON_TYPES,
        schema={"application/json": body_schema(kind, {Scope.__name__: SCOPE})},
        examples={"application/json": sample},
    )
