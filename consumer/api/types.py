"""The catalogue of message types over HTTP: all types in short, and the schemas of one type.

`consumer schema` prints the same schemas.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events.registry import CATALOGUE, find
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import AnswerForm, Endpoint
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.options.check import no_such
from consumer.stores.base import DedupeSettings
from consumer.tools.schemas import json_schema
from consumer.tools.schemas.describe import families, subjects, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.deliveries.origin import Environment
    from consumer.events.base import EventType
    from consumer.http.request import Request

COMPARED_MAX_CHARACTERS: Final = 40
"""A longer name is not compared with the names of the catalogue, because that takes time."""
NO_TYPE: Final = AnswerForm(
    status=404,
    meaning="There is no such message type.",
    examples={
        "not_found": {
            "reason": "not_found",
            "detail": "there is no such message type; did you mean CASINO?",
        }
    },
)
PLACES: Final = {
    "message_type": {
        "title": "MessageTypeName",
        "type": "string",
        "enum": [event_type.name for event_type in CATALOGUE],
        "description": "the message type; upper and lower case are the same",
    }
}
"""The variable part of the paths of one type."""
_TYPE: Final = {
    "title": "MessageType",
    "type": "object",
    "required": [
        "type",
        "aliases",
        "summary",
        "families",
        "method",
        "path",
        "subjects",
        "identified_by",
        "deciding",
        "window_s",
    ],
    "properties": {
        "type": {"type": "string", "description": "the name of the message type"},
        "aliases": {"type": "array", "items": {"type": "string"}, "description": "its other names"},
        "summary": {"type": "string"},
        "families": {
            "type": "array",
            "items": {"type": "string"},
            "description": "the first words of its subjects",
        },
        "method": {"type": "string", "description": "the verb with which it is posted"},
        "path": {
            "type": "string",
            "description": f"where it is posted; {MANY_PATH} if it has no path of its own",
        },
        "subjects": {
            "type": "array",
            "items": {"type": "string"},
            "description": "the subjects of its events, without the operator's prefix",
        },
        "identified_by": {
            "type": "array",
            "items": {"type": "string"},
            "description": "what makes two events of a brand the same event, in words",
        },
        "deciding": {
            "type": "array",
            "items": {"type": "string"},
            "description": "the fields in which two events with one identity must not differ",
        },
        "window_s": {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "how long an identity is remembered in each environment, in seconds",
        },
    },
}
_SCHEMAS: Final = {
    "title": "TypeSchemas",
    "type": "object",
    "required": ["type", "sent", "event"],
    "properties": {
        "type": {"type": "string", "description": "the name of the message type"},
        "sent": {
            "type": "object",
            "additionalProperties": True,
            "description": "the JSON Schema of what is posted",
        },
        "event": {
            "type": "object",
            "additionalProperties": True,
            "description": "the JSON Schema of the event that comes out",
        },
    },
}


def type_of(name: str) -> EventType:
    """Return the message type that a path names, in upper or lower case.

    Raises:
        Problem: 404. It suggests the nearest name.
    """
    event_type = find(name)
    if event_type is None:
        names = [event_type.name for event_type in CATALOGUE]
        detail = no_such("message type", name.upper()[:COMPARED_MAX_CHARACTERS], names)
        raise Problem(404, "not_found", detail)
    return event_type


class TypePages:
    """Answers requests for the catalogue.

    Args:
        dedupe: The settings that say how long identities are remembered, by environment.
        strict: If true, the schema of what is sent is that of a strict listener.
    """

    def __init__(self, dedupe: Mapping[Environment, DedupeSettings], *, strict: bool) -> None:
        self._dedupe = dedupe
        self._strict = strict
        self._listed: Answer | None = None
        self._schemas: dict[str, Answer] = {}

    async def listed(self, _: Request) -> Answer:
        """Return all types in short."""
        if self._listed is None:
            windows = {each.value: dedupe for each, dedupe in self._dedupe.items()}
            types = [_in_short(event_type, windows) for event_type in CATALOGUE]
            self._listed = Answer(200, msgspec.json.encode({"types": types}))
        return self._listed

    async def schemas(self, request: Request) -> Answer:
        """Return both schemas of one type."""
        event_type = type_of(request.parameters["message_type"])
        answer = self._schemas.get(event_type.name)
        if answer is None:
            # To make them takes up to 10 ms, for which no event should wait.
            body = await asyncio.to_thread(_schemas, event_type, strict=self._strict)
            answer = self._schemas[event_type.name] = Answer(200, body)
        return answer


def _in_short(event_type: EventType, dedupe: Mapping[str, DedupeSettings]) -> dict[str, object]:
    method, path = PATHS.get(event_type.name, ("POST", MANY_PATH))
    return {
        "type": event_type.name,
        "aliases": event_type.aliases,
        "summary": summary(event_type.fields),
        "families": families(event_type),
        "method": method,
        "path": path,
        "subjects": subjects(event_type),
        "identified_by": event_type.identified_by,
        "deciding": event_type.deciding,
        "window_s": {
            name: settings.window_of_s(*event_type.names) for name, settings in dedupe.items()
        },
    }


def _schemas(event_type: EventType, *, strict: bool) -> bytes:
    return msgspec.json.encode(
        {
            "type": event_type.name,
            "sent": json_schema.incoming(event_type, strict=strict),
            "event": json_schema.outgoing(event_type),
        }
    )


def type_endpoints(pages: TypePages) -> tuple[Endpoint, ...]:
    """Return the endpoints of the catalogue.

    Args:
        pages: What answers them.
    """
    casino = _in_short(type_of("CASINO"), {"live": DedupeSettings()})
    return (
        Endpoint(
            name="list_types",
            method="GET",
            path="/v1/types",
            summary="List the message types",
            description="All message types that there are, in short.",
            needs_key=False,
            handle=pages.listed,
            answers=(
                AnswerForm(
                    status=200,
                    meaning="The types.",
                    schema={
                        "title": "MessageTypes",
                        "type": "object",
                        "required": ["types"],
                        "properties": {"types": {"type": "array", "items": _TYPE}},
                    },
                    examples={"casino": {"types": [casino]}},
                ),
            ),
        ),
        Endpoint(
            name="show_type_schema",
            method="GET",
            path="/v1/types/{message_type}/schema",
            places=PLACES,
            summary="Describe a message type as JSON Schema",
            description="The schema of what is posted, and the schema of the event that comes out "
            "of it. The name of the type may be in upper or lower case.",
            needs_key=False,
            handle=pages.schemas,
            answers=(
                AnswerForm(
                    status=200,
                    meaning="Both schemas.",
                    schema=_SCHEMAS,
                    examples={
                        "begin": {
                            "type": "CASINO",
                            "sent": {"$schema": json_schema.DIALECT, "title": "CASINO, as sent"},
                            "event": {
                                "$schema": json_schema.DIALECT,
                                "title": "CASINO, as put out",
                            },
                        }
                    },
                ),
                NO_TYPE,
            ),
        ),
    )
