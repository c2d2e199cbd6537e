"""Serves the documents that are made from the code: the API, and the messages of the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.api.openapi import document
from consumer.api.page_endpoints import page_endpoints
from consumer.http.answer import JSON
from consumer.http.endpoint import AnswerForm, Endpoint
from consumer.http.page import COPY, ETAG
from consumer.http.unchanging import Unchanging
from consumer.tools.schemas.asyncapi_stream import stream_document

if TYPE_CHECKING:
    from collections.abc import Callable


def with_documents(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return the endpoints together with those that describe them."""
    table: list[Endpoint] = []
    table += endpoints
    table.append(
        _document(
            "openapi",
            "Describe this API",
            "This document: OpenAPI 3.1.",
            lambda: msgspec.json.encode(document(table)),
            {"openapi": "3.1.0", "info": {}, "paths": {}},
        )
    )
    table.append(
        _document(
            "asyncapi",
            "Describe the messages of the stream",
            "What goes over `/v1/stream`, in both directions: AsyncAPI 3.0.",
            lambda: msgspec.json.encode(stream_document()),
            {"asyncapi": "3.0.0", "info": {}, "channels": {}},
        )
    )
    table += page_endpoints()
    return tuple(table)


def _document(
    name: str, summary: str, description: str, make: Callable[[], bytes], begin: dict[str, object]
) -> Endpoint:
    return Endpoint(
        name=name,
        method="GET",
        path=f"/{name}.json",
        summary=summary,
        description=description,
        needs_key=False,
        handle=Unchanging(make, JSON),
        answers=(
            AnswerForm(
                status=200,
                meaning="The document.",
                schema={"type": "object", "additionalProperties": True},
                examples={"begin": begin},
                headers=ETAG,
            ),
            COPY,
        ),
    )
