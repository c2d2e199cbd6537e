"""What brands get wrong, through each real broker: one dead letter each, and nothing stuck."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from consumer.pipeline.route import HEADER_BYTES
from tests.support.corpus import BROKEN, ODD
from tests.support.eventually import eventually
from tests.support.samples import casino

if TYPE_CHECKING:
    from nats.aio.msg import Msg

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
