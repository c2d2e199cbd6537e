"""Every message type through every real broker: what the vendor's pages show, sent twice."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from consumer.events import timestamp
from consumer.events.registry import find
from consumer.tools.schemas import json_schema
from tests.support.eventually import eventually
from tests.support.vendor import EXAMPLES

if TYPE_CHECKING:
    from tests.support.scene import Scene

SPELLINGS = {"Autocompleted": "AutoCompleted", "win": "Win"}
"""Deciding values come out as the vendor spells them."""


def same(sent: Any, found: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Tell whether two values mean the same: in numbers, in ids and in times."""
    if isinstance(sent, dict) and isinstance(found, dict):
        return sent.keys() == found.keys() and all(same(sent[key], found[key]) for key in sent)
    if isinstance(sent, list) and isinstance(found, list):
        return len(sent) == len(found) and all(map(same, sent, found))
    if isinstance(sent, (bool, dict, list)) or sent is None:
        return bool(sent == found)
    if isinstance(sent, str):
        return found in (sent, SPELLINGS.get(sent), strict_time(sent))
    return Decimal(str(sent)) == Decimal(str(found))


def strict_time(text: str) -> str | None:
    """Return a time in strict form; None: it is none."""
    try:
        return timestamp.parse(text).exact
    except ValueError:
        return None


def fits_its_schema(event: dict[str, Any]) -> bool:
    """Tell whether an event is what `consumer schema` says of its type."""
    event_type = find(event["source"].rpartition("/")[2])
    assert event_type is not None
    return bool(Draft202012Validator(json_schema.outgoing(event_type)).is_valid(event))


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_every_example_comes_out_once_where_it_belongs(scene: Scene, source: str) -> None:
    """Sent twice, the second time as another service of the brand's would write it."""
    sender = scene.sources[source]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for example in EXAMPLES:
            await sender.send(json.dumps(example.body).encode(), example.message_type)
            again = json.dumps(example.body, sort_keys=True, indent=1).encode()
            await sender.send(again, example.message_type)
        await eventually(scene.events_are(len(EXAMPLES)), what="every example")
        await scene.drained()
        assert await scene.sink.dead_count() == 0
        assert (await daemon.books())["duplicates"] == len(EXAMPLES)
    found = [(msg.subject, json.loads(msg.data)) for msg in await scene.sink.events()]
    expected = {(f"{scene.name}.{one.subject}", one.id): one.body for one in EXAMPLES}
    data = {(subject, event["id"]): event["data"] for subject, event in found}
    assert len(found) == len(data)
    assert data.keys() == expected.keys()
    assert not [key for key, body in expected.items() if not same(body, data[key])]
    assert not [event["id"] for _, event in found if not fits_its_schema(event)]
