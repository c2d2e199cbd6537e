"""The AsyncAPI document of the stream: right by the official schema, and as the contract says."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest
from jsonschema import Draft202012Validator

from consumer.events.registry import CATALOGUE
from consumer.readers import messages
from consumer.readers.cursor import Cursor, CursorExpired
from consumer.readers.messages import StreamError, Subscribe, Unsubscribe
from consumer.readers.socket import SUBSCRIPTIONS_MAX_COUNT
from consumer.tools.schemas.asyncapi_stream import stream_document
from tests.unit.test_asyncapi import official, references, resolved

WHOLE: Final = stream_document()
MESSAGES: Final = WHOLE["components"]["messages"]
CURSOR: Final = Cursor(1, 2)
FIELDS: Final = {
    "subscribe": {"op", "id", "subjects", "user", "after", "since"},
    "unsubscribe": {"op", "id"},
    "subscribed": {"op", "id", "cursor", "caught_up"},
    "caught_up": {"op", "id", "cursor"},
    "unsubscribed": {"op", "id"},
    "heartbeat": {"op", "cursor"},
    "error": {"op", "id", "reason", "temporary", "message", "earliest"},
    "shutdown": {"op"},
}


def test_document_fits_the_official_schema() -> None:
    """Generators and portals read it."""
    official().validate(WHOLE)


def test_every_reference_leads_somewhere() -> None:
    """The official schema does not look."""
    assert all(resolved(WHOLE, reference) for reference in references(WHOLE))


def test_each_message_of_the_contract_is_there_with_its_fields() -> None:
    """In its direction."""
    described = {name: set(MESSAGES[name]["payload"]["properties"]) for name in FIELDS}
    assert described == FIELDS
    actions = {name: operation["action"] for name, operation in WHOLE["operations"].items()}
    received = {name for name, action in actions.items() if action == "receive"}
    assert received == {"subscribe", "unsubscribe"}
    sent = {name for name, action in actions.items() if action == "send"}
    over_sse = {"event", "cursor_expired", *FIELDS} - received - {"unsubscribed"}
    assert sent == {*FIELDS, "event", *(f"sse.{name}" for name in over_sse)} - received


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("subscribed", messages.subscribed("a", CURSOR, caught_up=True)),
        ("caught_up", messages.caught_up("a", CURSOR)),
        ("unsubscribed", messages.unsubscribed("a")),
        ("heartbeat", messages.heartbeat(CURSOR)),
        ("error", StreamError("forbidden_subject", "no", name="a").message()),
        ("error", StreamError("unavailable", "later", temporary=True).message()),
        ("cursor_expired", messages.expired("a", CursorExpired("gone", CURSOR))),
        ("shutdown", messages.SHUTDOWN),
    ],
)
def test_what_the_server_sends_fits(name: str, sent: bytes) -> None:
    """Written by its own code, and without a field that is not described."""
    payload = MESSAGES[name]["payload"]
    Draft202012Validator({**payload, "additionalProperties": False}).validate(json.loads(sent))


@pytest.mark.parametrize("kind", [Subscribe, Unsubscribe])
def test_what_the_server_takes_is_described(kind: type[Subscribe | Unsubscribe]) -> None:
    """Each field, and each limit."""
    payload = MESSAGES[str(kind.__struct_config__.tag)]["payload"]
    fields = msgspec.structs.fields(kind)
    assert {"op", *(field.name for field in fields)} == set(payload["properties"])
    assert payload["required"] == ["op", *(field.name for field in fields if field.required)]
    assert (
        f"at most {SUBSCRIPTIONS_MAX_COUNT} subs" in WHOLE["channels"]["websocket"]["description"]
    )


@pytest.mark.parametrize("name", MESSAGES)
def test_example_fits_its_payload(name: str) -> None:
    """A portal shows them side by side."""
    message: dict[str, Any] = MESSAGES[name]
    validator = Draft202012Validator({**message["payload"], "components": WHOLE["components"]})
    [example] = message["examples"]
    validator.validate(example["payload"])
    assert not validator.is_valid({**example["payload"], "op": "another"})


def test_each_subject_is_in_the_message_of_one_type() -> None:
    """A reader sees by it what is in the event."""
    found = [
        (subject, name)
        for name, message in MESSAGES.items()
        if name.startswith("event.")
        for subject in message["payload"]["properties"]["subject"]["enum"]
    ]
    assert len(found) == len({subject for subject, _ in found})
    assert set(found) == {
        (subject, f"event.{event_type.name}")
        for event_type in CATALOGUE
        for subject in event_type.subjects.values()
    }
