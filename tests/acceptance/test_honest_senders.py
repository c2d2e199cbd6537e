"""What honest senders send by themselves, through each real broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from consumer.events.registry import find
from consumer.tools.validation.cut import Record
from consumer.tools.validation.validator import Severity, Validator
from tests.support.eventually import eventually
from tests.support.honest import CASES, EVERYWHERE, FOUND, fits, is_told
from tests.support.http_daemon import post

if TYPE_CHECKING:
    from tests.support.honest import Case
    from tests.support.http_daemon import HttpScene
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


def _validated(case: Case) -> list[str]:
    """Return what `consumer validate` says of each message of a case: its error, or nothing."""
    known = find((case.message_type or "").strip('"'))
    if known is None:
        return []
    validator = Validator(
        known,
        message_type=case.message_type or "",
        content_encoding=case.content_encoding,
    )
    said: list[str] = []
    for line, body in enumerate(case.bodies, 1):
        remarks = validator.look(Record(line, line, body))
        errors = [one.message for one in remarks if one.severity is Severity.ERROR]
        said.append(errors[0] if errors else "")
    return said


async def test_every_case_that_is_posted_is_answered_in_the_words_of_validate(
    http_scene: HttpScene,
) -> None:
    """The path is the type. A type that has no path is the type of a line in a batch."""
    # What a header says to a broker's listener is no question here: the path says it.
    cases = [case for case in (*CASES, *FOUND) if case.transports == EVERYWHERE]
    http_scene.allow_large()
    # A brand for each case, because some cases use the same ids.
    keys = [await http_scene.key(brand=f"brand-{number}") for number, _ in enumerate(cases)]
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        for key, case in zip(keys, cases, strict=True):
            async with http_scene.client(key) as client:
                told = [
                    await post(client, body, case.message_type, case.content_encoding)
                    for body in case.bodies
                ]
            refused = [(one.reason, one.error) for one in told if one.reason]
            wanted = case.want["letters"]
            assert len(refused) == len(wanted), case.name
            assert all(is_told(one, *error) for one, error in zip(wanted, refused, strict=True)), (
                case.name
            )
            said = _validated(case)
            if said and case.want["duplicates"] == 0:
                assert [one.error for one in told] == said, case.name
    events = [wanted for case in cases for wanted in case.want["events"]]
    found = [json.loads(body) for body in await http_scene.sink.bodies()]
    assert [wanted for wanted in events if not any(fits(wanted, event) for event in found)] == []
    assert len(found) == len(events)
