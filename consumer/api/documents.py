"""Serves the documents that are made from the table of endpoints."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from consumer.api.openapi import document
from consumer.http.answer import Answer
from consumer.http.endpoint import AnswerForm, Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.http.request import Request


def with_documents(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return the endpoints together with those that describe them."""
    table: list[Endpoint] = []
    written: list[bytes] = []

    async def openapi(_: Request) -> Answer:
        if not written:
            # To make it takes 0.15 s, for which no event should wait.
            written.append(await asyncio.to_thread(_openapi_of, table))
        return Answer(200, written[0])

    table += endpoints
    table.append(
        Endpoint(
            name="openapi",
            method="GET",
            path="/openapi.json",
            summary="Describe this API",
            description="This document: OpenAPI 3.1.",
            needs_key=False,
            handle=openapi,
            answers=(
                AnswerForm(
                    status=200,
                    meaning="The document.",
                    schema={"type": "object"},
                    examples={"begin": {"openapi": "3.1.0", "info": {}, "paths": {}}},
                ),
            ),
        )
    )
    return tuple(table)


def _openapi_of(endpoints: Iterable[Endpoint]) -> bytes:
    return msgspec.json.encode(document(endpoints))
