"""The endpoints as an OpenAPI 3.1 document, with an example of every answer and error.

Responsible for paths and answers. The schemas of events come from `tools/schemas`.
https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import metadata
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.access.key import Scope
from consumer.api.named import SCHEMAS_AT, named, referring
from consumer.api.problems import PROBLEM_SCHEMA, common_problems
from consumer.events.registry import CATALOGUE
from consumer.http.answer import PROBLEM
from consumer.tools.schemas import example, json_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from consumer.http.endpoint import AnswerForm, BodyForm, Endpoint
    from consumer.tools.schemas.asyncapi import Document

NULL: Final = {"type": "null"}
TAGS: Final = {
    Scope.INGEST: "Posting events",
    Scope.EVENTS_READ: "Reading events",
    Scope.DEAD_LETTERS_READ: "Dead letters",
    Scope.DEAD_LETTERS_REPLAY: "Dead letters",
    Scope.WALLET: "Wallet",
    Scope.WALLET_OPERATOR: "Wallet",
    Scope.ADMIN: "Keys",
}
WITH_ANY_KEY: Final = "For every key"
CALLBACKS: Final = "Callbacks of games"
WITHOUT_KEY: Final = "Without a key"
HEADINGS: Final = {
    "Posting events": "Events come in: one at a time, or many.",
    "Reading events": "Events come out: live, or from the past.",
    "Dead letters": "Events that were rejected, and what is done about them.",
    "Wallet": "Players' money, for a brand: accounts, sessions, deposits, bonuses and games.",
    CALLBACKS: "What games ask the wallet, signed by their provider: docs/wallet.md.",
    "Keys": "The keys of a brand, for its admin keys.",
    WITH_ANY_KEY: "What the holder of any key may ask.",
    WITHOUT_KEY: "What everybody may ask.",
}
"""Explains each heading."""
REQUEST_ID: Final[Document] = {
    "X-Request-Id": {
        "description": "The id of the request, which logs and dead letters show. It is the id that "
        "the request had, if that is sane.",
        "schema": {"type": "string"},
    }
}
IDEMPOTENCY_KEY: Final[Document] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text of your own for this write, such as a UUID. If you send the same "
    "request with the same text again within 24 hours, you get the first answer again, and nothing "
    "is written a second time.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,128}$"},
}
FIELD_ERROR: Final[Document] = {
    "type": "object",
    "required": ["field", "expected", "found"],
    "properties": {
        "field": {"type": "string", "description": "the path of the field, such as bets[1].odds"},
        "expected": {"type": "string", "description": "the expected value, in words"},
        "found": {
            "type": ["string", "null"],
            "description": "the value that was sent; null if the field is missing",
        },
        "note": {"type": "string", "description": "what may be wrong"},
    },
}


def document(endpoints: Iterable[Endpoint]) -> Document:
    """Return the OpenAPI document of these endpoints."""
    endpoints = list(endpoints)
    paths: Document = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    headings = {_tag(endpoint) for endpoint in endpoints}
    package = metadata("consumer")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": package["Name"],
            "version": package["Version"],
            "description": package["Summary"],
            "license": {
                "name": package["License-Expression"],
                "identifier": package["License-Expression"],
            },
            "contact": {"name": "The operator, who gave you your key"},
        },
        "tags": [
            {"name": name, "description": meaning}
            for name, meaning in HEADINGS.items()
            if name in headings
        ],
        "paths": paths,
        "components": {
            "schemas": {
                **dict(named(PROBLEM_SCHEMA)),
                "FieldError": FIELD_ERROR,
                **{
                    name: schema
                    for endpoint in endpoints
                    for whole in _schemas(endpoint)
                    for name, schema in named(whole)
                },
                **{
                    event_type.name: json_schema.for_clients(event_type) for event_type in CATALOGUE
                },
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "signature": {"type": "apiKey", "in": "header", "name": "X-Signature"},
            },
        },
    }


def _operation(endpoint: Endpoint) -> Document:
    operation: Document = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [_tag(endpoint)],
        "description": _description(endpoint),
        "security": _security(endpoint),
        "responses": _answers(endpoint),
    }
    parameters = [*_path_parameters(endpoint), *_query_parameters(endpoint.query)]
    if endpoint.takes_idempotency_key:
        parameters.append(IDEMPOTENCY_KEY)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = _body(endpoint.body)
    return operation


def _security(endpoint: Endpoint) -> list[Document]:
    """Return the ways in which a caller may prove who it is. Empty: it need not."""
    if endpoint.is_signed:
        return [{"signature": []}]
    return [{"bearer": []}, {"apiKey": []}] if endpoint.needs_key else []


def _tag(endpoint: Endpoint) -> str:
    """Return the heading under which pages show an endpoint."""
    if endpoint.scope is not None:
        return TAGS[endpoint.scope]
    if endpoint.is_signed:
        return CALLBACKS
    return WITH_ANY_KEY if endpoint.needs_key else WITHOUT_KEY


def _schemas(endpoint: Endpoint) -> Iterator[object]:
    """Yield all schemas of an endpoint."""
    yield from endpoint.places.values()
    if endpoint.body is not None:
        yield from endpoint.body.schema.values()
    yield from (form.schema for form in endpoint.answers)


def _path_parameters(endpoint: Endpoint) -> Iterator[Document]:
    for part in endpoint.path.split("/"):
        if part[:1] == "{":
            schema = endpoint.places[part[1:-1]]
            yield {
                "name": part[1:-1],
                "in": "path",
                "required": True,
                "description": schema["description"],
                "schema": referring(schema),
            }


def _query_parameters(query: type[msgspec.Struct] | None) -> Iterator[Document]:
    if query is None:
        return
    _, components = msgspec.json.schema_components([query])
    whole: Document = components[query.__name__]
    for name, field in whole["properties"].items():
        # No query can have a parameter that is null.
        value = next((one for one in field.get("anyOf", ()) if one != NULL), field)
        schema = {name: rule for name, rule in value.items() if rule not in (None, [], ())}
        yield {
            "name": name,
            "in": "query",
            "required": name in whole["required"],
            "description": schema.pop("description"),
            "schema": schema,
        }


def _description(endpoint: Endpoint) -> str:
    needed = f"Needs a key with the scope `{endpoint.scope}`." if endpoint.scope else ""
    return f"{endpoint.description} {needed}".strip()


def _body(body: BodyForm) -> Document:
    return {
        "required": body.required,
        "content": {
            media_type: {"schema": referring(schema), **_body_examples(media_type, schema, body)}
            for media_type, schema in body.schema.items()
        },
    }


def _body_examples(media_type: str, schema: Mapping[str, object], body: BodyForm) -> Document:
    if media_type in body.examples:
        return {"example": body.examples[media_type]}
    name = str(schema.get("$ref", "")).removeprefix(SCHEMAS_AT)
    for event_type in CATALOGUE:
        if event_type.name == name:
            return {"example": example.sent(event_type)}
    return {}


def _answers(endpoint: Endpoint) -> Document:
    forms: dict[int, list[AnswerForm]] = {}
    for form in (*endpoint.answers, *common_problems(endpoint)):
        forms.setdefault(form.status, []).append(form)
    return {str(status): _answer(status, forms[status]) for status in sorted(forms)}


def _answer(status: int, forms: list[AnswerForm]) -> Document:
    headers = {
        name: {"description": meaning, "schema": {"type": "string"}}
        for form in forms
        for name, meaning in form.headers.items()
    }
    return {
        "description": " ".join(form.meaning for form in forms),
        "headers": REQUEST_ID | headers,
        "content": _content(status, forms),
    }


def _content(status: int, forms: list[AnswerForm]) -> Document:
    if any(form.media_type is None for form in forms):
        return {}
    described = {
        str(form.media_type): {"schema": referring(form.schema), **_examples(form.examples)}
        for form in forms
        if form.schema is not None
    }
    if described:
        return described
    problems = {
        name: _problem(status, one) for form in forms for name, one in form.examples.items()
    }
    return {PROBLEM: {"schema": referring(PROBLEM_SCHEMA), **_examples(problems)}}


def _examples(examples: Mapping[str, object]) -> Document:
    return {"examples": {name: {"value": one} for name, one in examples.items()}}


def _problem(status: int, facts: Mapping[str, object] | str) -> Document:
    if isinstance(facts, str):
        raise TypeError("an example of a problem is an object")  # a bug of ours
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "request_id": "4f1c2a9e-1b",
        **facts,
    }
