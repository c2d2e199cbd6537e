"""What brands get wrong, through each real broker: one dead letter each, and nothing stuck."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from consumer.events.registry import find
from consumer.pipeline.route import HEADER_BYTES
from consumer.tools.validation.cut import Record
from consumer.tools.validation.validator import Validator
from tests.support.corpus import BROKEN, ODD
from tests.support.eventually import eventually
from tests.support.http_daemon import Told, post
from tests.support.samples import casino

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from tests.support.http_daemon import HttpScene
    from tests.support.scene import Scene

SERVER_MAX_BYTES = 8 * 1024 * 1024
"""`max_payload` of the server in tests."""
LARGE = casino(activity_id="large", game_name="x" * 8_400_000)
"""A good event that is over the server's 8 MiB."""


async def letters_by_source(scene: Scene) -> dict[str, list[Msg]]:
    """Return the dead letters of each listener."""
    found: dict[str, list[Msg]] = {name: [] for name in scene.sources}
    for letter in await scene.sink.letters():
        found[(letter.headers or {})["Dead-Listener"]].append(letter)
    return found


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_each_broken_delivery_is_one_letter_and_the_next_event_passes(
    scene: Scene, source: str
) -> None:
    """With its exact reason and its own bytes, however often it is sent."""
    sender = scene.sources[source]
    scene.tables["dead_letters"]["max_share"] = 1.0  # half of these are broken
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for _ in range(2):
            for index, (message_type, body, _) in enumerate(BROKEN.values()):
                await sender.send(body, message_type)
                await sender.send(casino(activity_id=f"good-{index}"))
        await eventually(scene.events_are(len(BROKEN)), what="the good ones")
        await scene.drained()
    letters = (await letters_by_source(scene))[source]
    found = {(letter.data, (letter.headers or {})["Dead-Reason"]) for letter in letters}
    assert found == {(body, reason) for _, body, reason in BROKEN.values()}
    assert len(letters) == len(found)
    assert await scene.sink.count() == len(BROKEN)


async def test_each_broken_event_that_is_posted_is_told_in_the_words_of_validate(
    http_scene: HttpScene,
) -> None:
    """And is one letter, however often it is posted. The good events between them are stored."""
    http_scene.allow_large()
    rows = list(BROKEN.values())
    key = await http_scene.key()
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        async with http_scene.client(key) as client:
            for number, (message_type, body, reason) in enumerate(rows * 2):
                # First the good event: never are more than half of the events broken.
                good = casino(activity_id=f"good-{number % len(rows)}")
                assert await post(client, good) == Told(200)
                told = await post(client, body, message_type)
                assert told.reason == reason
                said = _validated(message_type, body)
                assert said is None or told == Told(400, reason, said)
    letters = await http_scene.sink.letters()
    found = {(letter.data, (letter.headers or {})["Dead-Reason"]) for letter in letters}
    assert found == {(body, reason) for _, body, reason in BROKEN.values()}
    assert len(letters) == len(found)
    assert await http_scene.sink.count() == len(BROKEN)


def _validated(message_type: str | None, body: bytes) -> str | None:
    """Return the first error that `consumer validate` finds. It needs a type that is known."""
    event_type = find(message_type or "")
    if event_type is None:
        return None
    return Validator(event_type).look(Record(1, 1, body))[0].message


async def test_the_header_names_the_content_encoding_of_what_is_posted(
    http_scene: HttpScene,
) -> None:
    """An encoding that cannot be undone is one letter. The body is not guessed."""
    key = await http_scene.key()
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        async with http_scene.client(key) as client:
            told = await post(client, casino(), content_encoding="br")
            assert (told.status, told.reason) == (400, "unsupported_encoding")
            packed = gzip.compress(casino())
            assert await post(client, packed, content_encoding="gzip") == Told(200)
            cut = await post(client, packed[:-9], content_encoding="gzip")
            assert (cut.status, cut.reason) == (400, "malformed")
    assert await http_scene.sink.count() == 1
    assert {letter.data for letter in await http_scene.sink.letters()} == {casino(), packed[:-9]}


async def test_what_only_looks_broken_is_stored_if_it_is_posted(http_scene: HttpScene) -> None:
    """No honest sender is refused."""
    http_scene.allow_large()
    key = await http_scene.key()
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        async with http_scene.client(key) as client:
            for name, (_, body, _) in ODD.items():
                assert (await post(client, body)).status == 200, name
    found = {
        event["id"]: event["data"] for event in map(json.loads, await http_scene.sink.bodies())
    }
    expected = {activity_id: data for activity_id, _, data in ODD.values()}
    assert found == {name: {**found[name], **data} for name, data in expected.items()}
    assert await http_scene.sink.dead_count() == 0


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_what_only_looks_broken_is_a_correct_event(scene: Scene, source: str) -> None:
    """No honest sender is refused."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for _, body, _ in ODD.values():
            await scene.sources[source].send(body)
        await eventually(scene.events_are(len(ODD)), what="all of them")
        await scene.drained()
    found = {event["id"]: event["data"] for event in map(json.loads, await scene.sink.bodies())}
    expected = {activity_id: data for activity_id, _, data in ODD.values()}
    assert found == {name: {**found[name], **data} for name, data in expected.items()}
    assert await scene.sink.dead_count() == 0


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_event_at_the_servers_limit_passes_and_one_byte_more_is_a_letter(
    scene: Scene, source: str
) -> None:
    """The server would close the connection on it, and fail everything in flight with it."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sources[source].send(casino(activity_id="size", game_name=""))
        await eventually(scene.events_are(1), what="the one that is measured")
        room = SERVER_MAX_BYTES - HEADER_BYTES - len((await scene.sink.bodies())[0])
        for name, size in (("fits", room), ("over", room + 1)):
            await scene.sources[source].send(casino(activity_id=name, game_name="x" * size))
        await eventually(scene.events_are(2), what="the one that fits")
        await eventually(scene.sink.dead_count, what="the letter")
        await scene.drained()
    assert set(await scene.sink.ids()) == {"size", "fits"}
    (letter,) = await scene.sink.letters()
    assert (letter.headers or {})["Dead-Reason"] == "too_large"


@pytest.mark.parametrize("source", ["rabbitmq", "kafka"])
async def test_hostile_headers_reach_the_letter_as_harmless_text(scene: Scene, source: str) -> None:
    """No header of a sender decides anything at the sink; a NATS source obeys some itself."""
    hostile = {
        "Nats-Msg-Id": "same",
        "Nats-Rollup": "all",
        "x-note": "naïve %0d%0a",
        "y" * 200: "z",
    }
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for number in range(3):
            await scene.sources[source].send(casino(activity_id=f"h{number}"), headers=hostile)
            await scene.sources[source].send(b"{" + b" " * number, headers=hostile)
        await eventually(scene.events_are(3), what="the good ones")
        await scene.drained()
    assert await scene.sink.dead_count() == 3
    headers = (await scene.sink.letters())[0].headers or {}
    assert headers["Original-Nats-Rollup"] == "all"
    assert headers["Nats-Msg-Id"] != "same"


@pytest.mark.parametrize("source", ["rabbitmq", "kafka"])
async def test_event_over_the_servers_limit_is_kept_in_the_object_store(
    scene: Scene, source: str
) -> None:
    """Its letter points at it, and the event behind it passes."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sources[source].send(LARGE)
        await scene.sources[source].send(casino())
        await eventually(scene.events_are(1), what="the good one")
        await scene.drained()
    (letter,) = await scene.sink.letters()
    headers = letter.headers or {}
    assert headers["Dead-Reason"] == "too_large"
    assert await scene.sink.large_body(headers["Dead-Body-Object"]) == LARGE


async def test_conflict_is_a_letter_and_a_resend_is_not(scene: Scene) -> None:
    """Across two brokers of one brand, one after the other."""
    rabbitmq, kafka = scene.sources["rabbitmq"], scene.sources["kafka"]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await rabbitmq.send(casino())
        await eventually(scene.events_are(1), what="the first")
        await kafka.send(casino(amount="12.30", balance_after=1))
        await kafka.send(casino(amount=99))
        await scene.drained()
        books = await daemon.books()
    assert (books["forwarded"], books["duplicates"], books["dead_letters"]) == (1, 1, 1)
    assert [(one.headers or {})["Dead-Reason"] for one in await scene.sink.letters()] == [
        "conflict"
    ]
