"""Describes the callbacks of the dialects as endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.deliveries.origin import Environment
from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint
from consumer.wallet.dialects.registry import dialect_class
from consumer.wallet.endpoints import JSON, schema_of
from consumer.wallet.settings import NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.http.answer import Answer
    from consumer.http.endpoint import Handle
    from consumer.http.request import Request
    from consumer.wallet.dialects.base import DialectCall
    from consumer.wallet.dialects.callbacks import DialectCallbacks
    from consumer.wallet.settings import WalletSettings

PLACES: Final[Mapping[str, Mapping[str, object]]] = {
    "provider": {"type": "string", "description": "the provider's name in `[wallet.providers]`"},
    "brand": {"type": "string", "description": "the name of the brand"},
    "environment": {"enum": [each.value for each in Environment]},
}
DOCUMENT: Final = {"type": "object"}
MEANINGS: Final = {
    200: "Carried out, or refused: the document says which.",
    500: "Nobody knows what became of the call.",
    503: "Nobody knows what became of the call. Send it again.",
}
AWAY_STATUS: Final = 503


def dialect_endpoints(callbacks: DialectCallbacks, settings: WalletSettings) -> Iterator[Endpoint]:
    """Yield the endpoints of each dialect that a provider speaks."""
    spoken = {provider.dialect for provider in settings.providers.values()} - {NATIVE}
    for name in sorted(spoken):
        for call in dialect_class(name).calls():
            yield _endpoint(callbacks, name, call)


def _endpoint(callbacks: DialectCallbacks, name: str, call: DialectCall) -> Endpoint:
    end = call.path.replace("/", "_").lower()
    return Endpoint(
        name=f"wallet_{name}_{end}",
        method=call.method,
        path=f"/v1/wallet/{{provider}}/{{brand}}/{{environment}}/{call.path}",
        summary=f"{call.summary} ({name})",
        description=dialect_class(name).rules,
        handle=_handle(callbacks, name, call),
        needs_key=False,
        is_signed=True,
        places=PLACES,
        query=call.body if call.method == "GET" else None,
        body=None if call.method == "GET" else _body(call),
        answers=tuple(_answers(name)),
    )


def _handle(callbacks: DialectCallbacks, name: str, call: DialectCall) -> Handle:
    async def answer(request: Request) -> Answer:
        return await callbacks.answer(name, call, request)

    return answer


def _body(call: DialectCall) -> BodyForm:
    schema = {**schema_of(call.body), "additionalProperties": True}
    return BodyForm(media_types=(JSON,), schema={JSON: schema}, examples={JSON: call.example})


def _answers(name: str) -> Iterator[AnswerForm]:
    for status, example in dialect_class(name).answers.items():
        yield AnswerForm(
            status=status,
            meaning=MEANINGS.get(status, "Refused. Nothing moved."),
            media_type=JSON,
            schema=DOCUMENT,
            examples={"usual": example},
            headers=RETRY if status == AWAY_STATUS else {},
        )
