"""The catalogue as an AsyncAPI 3.0 document: what comes in and goes out, and where.

Responsible for channels, operations and messages. The payloads come from `json_schema.py`. The
messages of the stream over HTTP are in `asyncapi_stream.py`.
https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any, Final

from consumer.events.registry import CATALOGUE
from consumer.pipeline.route import HEADERS
from consumer.tools.schemas import json_schema
from consumer.tools.schemas.describe import families, subjects, summary

if TYPE_CHECKING:
    from consumer.events.base import EventType
    from consumer.tools.schemas.fields import Schema

Document = dict[str, Any]

SENT_HEADERS: Final[Document] = {
    "type": "object",
    "properties": {
        "type": {
            "type": "string",
            "description": "The message type, in any case. It is the property type of RabbitMQ, "
            "or the header type of Kafka and NATS.",
        },
    },
    "required": ["type"],
}
EVENT_HEADERS: Final[Document] = {
    "type": "object",
    "properties": {
        "Nats-Msg-Id": {
            "type": "string",
            "description": "The id of the message, which is the same for every copy of an event.",
            "pattern": "^[0-9a-f]{32}$",
        },
        **{name: {"type": "string", "const": value} for name, value in HEADERS.items()},
    },
    "required": ["Nats-Msg-Id", *HEADERS],
}


def document(prefix: str = "") -> Document:
    """Return the AsyncAPI document.

    Args:
        prefix: The sink's `subject_prefix`. An empty text means that there is no prefix.
    """
    before = f"{prefix}." if prefix else ""
    channels: Document = {}
    operations: Document = {}
    for event_type in CATALOGUE:
        channels[_sent(event_type)] = _incoming_channel(event_type)
        operations[f"receive.{event_type.name}"] = _operation(
            "receive", _sent(event_type), event_type
        )
    for event_type in CATALOGUE:
        for subject in subjects(event_type):
            channels[subject] = _subject_channel(event_type, subject, before + subject)
            operations[f"send.{subject}"] = _operation("send", subject, event_type)
    return {
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {
                name: message
                for event_type in CATALOGUE
                for name, message in (
                    (_sent(event_type), _incoming_message(event_type)),
                    (_event(event_type), _event_message(event_type)),
                )
            },
            "schemas": {
                name: payload_of(schema, event_type)
                for event_type in CATALOGUE
                for name, schema in (
                    (_sent(event_type), json_schema.incoming(event_type)),
                    (_event(event_type), json_schema.outgoing(event_type)),
                )
            },
        },
    }


def info() -> Document:
    """Return what a document says of this package."""
    package = metadata("consumer")
    tags = sorted({family for event_type in CATALOGUE for family in families(event_type)})
    return {
        "title": package["Name"],
        "version": package["Version"],
        "description": package["Summary"],
        "license": {"name": package["License-Expression"]},
        "tags": [{"name": family, "description": f"Subjects {family}.*"} for family in tags],
    }


def _incoming_channel(event_type: EventType) -> Document:
    return {
        # In AsyncAPI, null means that the address is not known.
        "address": None,
        "title": f"{event_type.name}, as sent",
        "description": "The queue, topic or subject that the listener's configuration names. "
        "All message types may share one.",
        "messages": {event_type.name: reference("messages", _sent(event_type))},
        "tags": tags_of(event_type),
    }


def _subject_channel(event_type: EventType, subject: str, address: str) -> Document:
    return {
        "address": address,
        "title": subject,
        "description": f"{event_type.name}: {summary(event_type.fields)}",
        "messages": {event_type.name: reference("messages", _event(event_type))},
        "tags": [{"name": subject.partition(".")[0]}],
    }


def _operation(action: str, channel: str, event_type: EventType) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary(event_type.fields),
        "tags": tags_of(event_type),
        "messages": [{"$ref": f"#/channels/{channel}/messages/{event_type.name}"}],
    }


def _incoming_message(event_type: EventType) -> Document:
    return {
        **_message(event_type, _sent(event_type), SENT_HEADERS, "application/json"),
        "title": f"{event_type.name}, as sent",
        "examples": [
            {
                "headers": {"type": event_type.name},
                "payload": json_schema.incoming(event_type)["examples"][0],
            }
        ],
    }


def _event_message(event_type: EventType) -> Document:
    return {
        **_message(event_type, _event(event_type), EVENT_HEADERS, HEADERS["Content-Type"]),
        "title": f"{event_type.name}, as put out",
        "examples": [{"payload": json_schema.outgoing(event_type)["examples"][0]}],
    }


def _message(event_type: EventType, name: str, headers: Document, content_type: str) -> Document:
    return {
        "name": event_type.name,
        "summary": summary(event_type.fields),
        "contentType": content_type,
        "headers": headers,
        "payload": reference("schemas", name),
        "tags": tags_of(event_type),
        "externalDocs": {"url": event_type.sources[0]},
    }


def payload_of(schema: Schema, event_type: EventType) -> Document:
    """Return a JSON Schema of a message type as a part of a document."""
    # A tool would take a schema with `$schema` and `$id` for a separate document. All other
    # keywords in it belong to draft-07, which is AsyncAPI's own dialect.
    inner = {
        name: part
        for name, part in json_schema.without_address(schema).items()
        if name != "$comment"
    }
    return {**inner, "externalDocs": {"url": event_type.sources[0]}}


def tags_of(event_type: EventType) -> list[Document]:
    """Return the families of the subjects of a message type, as tags."""
    return [{"name": family} for family in families(event_type)]


def reference(section: str, name: str) -> Document:
    """Return a reference to a component of the same document."""
    return {"$ref": f"#/components/{section}/{name}"}


def _sent(event_type: EventType) -> str:
    return f"{event_type.name}.sent"


def _event(event_type: EventType) -> str:
    return f"{event_type.name}.event"
