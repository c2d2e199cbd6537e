"""What honest senders send by themselves, through each real broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.support.eventually import eventually
from tests.support.honest import CASES, FOUND, fits, is_told

if TYPE_CHECKING:
    from tests.support.scene import Scene


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_every_case_becomes_what_is_right(scene: Scene, source: str) -> None:
    """Each transport carries type and content encoding in its own way."""
    cases = [case for case in (*CASES, *FOUND) if source in case.transports]
    events = [wanted for case in cases for wanted in case.want["events"]]
    letters = [wanted for case in cases for wanted in case.want["letters"]]
    # Half of the cases are refused, and rightly so.
    scene.tables["dead_letters"]["max_share"] = 1.0
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for case in cases:
            for body in case.bodies:
                await scene.sources[source].send(
                    body,
                    case.message_type,
                    headers=case.headers,
                    content_encoding=case.content_encoding,
                )
        await eventually(scene.events_are(len(events)), what="every event")
        await scene.drained()
    found = [json.loads(body) for body in await scene.sink.bodies()]
    assert [wanted for wanted in events if not any(fits(wanted, event) for event in found)] == []
    assert len(found) == len(events)
    told = [letter.headers or {} for letter in await scene.sink.letters()]
    errors = [(one["Dead-Reason"], unquote(one["Dead-Error"])) for one in told]
    assert [wanted for wanted in letters if not any(is_told(wanted, *one) for one in errors)] == []
    assert [one for one in errors if not any(is_told(wanted, *one) for wanted in letters)] == []
