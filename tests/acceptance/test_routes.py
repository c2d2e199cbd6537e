"""`[routes]` and content encodings, seen from outside: what lies where in a real stream."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from typing import TYPE_CHECKING

import zstandard

from tests.support.eventually import eventually
from tests.support.mixed import Mix
from tests.support.samples import casino, payment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scene import Scene

COUNT = 3000
ROUTES = {
    "game.bet": ["casino.bets", "audit.money.game"],
    "wallet.*": ["wallet.*", "kyc.*"],
}


async def by_subject(scene: Scene) -> dict[str, set[str]]:
    """Return the message ids on each subject, without the test's prefix; each there once."""
    events = await scene.sink.events()
    found = [(msg.subject, (msg.headers or {})["Nats-Msg-Id"]) for msg in events]
    assert len(set(found)) == len(found)
    names = {subject for subject, _ in found}
    assert all(name.startswith(f"{scene.name}.") for name in names)
    return {
        name.partition(".")[2]: {number for subject, number in found if subject == name}
        for name in names
    }


async def test_events_are_on_every_subject_of_their_routes(scene: Scene) -> None:
    """Renamed, on a second subject, behind the prefix; in a stream that the daemon made."""
    scene.tables["routes"] = ROUTES
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for source in scene.sources.values():
            await source.send(casino(activity_id=scene.name))
            await source.send(payment(payment_id=scene.name), "PAYMENT")
        await scene.drained()
        await eventually(scene.events_are(4), what="four outputs stored")
        subjects = {name: len(ids) for name, ids in (await by_subject(scene)).items()}
        names = ("casino.bets", "audit.money.game", "wallet.deposit_approved")
        assert subjects == dict.fromkeys((*names, "kyc.deposit_approved"), 1)
        types = {json.loads(msg.data)["type"] for msg in await scene.sink.events()}
        assert types == {"game.bet", "wallet.deposit_approved"}
        assert await daemon.metric("forwarded", 'subject="game.bet"') == 1
        assert (await daemon.books())["duplicates"] == 4


async def test_kill_9_and_other_routes_lose_and_double_no_output(scene: Scene) -> None:
    """The second start knows the same subjects in another order, and the stream as it is."""
    mix = Mix(COUNT, seed=5, name=scene.name, broken=0)
    await scene.send(mix)
    scene.tables["routes"] = ROUTES
    with scene.daemon() as daemon:
        await eventually(scene.events_are(COUNT // 2), within_s=60, what="some stored")
        daemon.kill()
    scene.tables["routes"] = {
        "game.*": ["audit.money.game"],
        "game.bet": ROUTES["game.bet"][::-1],
    }
    with scene.daemon():
        await scene.drained()
    subjects = await by_subject(scene)
    assert {name: len(ids) for name, ids in subjects.items()} == {
        "casino.bets": len(mix.ids),
        "audit.money.game": len(mix.ids),
    }
    assert not subjects["casino.bets"] & subjects["audit.money.game"]
    assert set(Counter(await scene.sink.ids()).values()) == {2}


async def test_stream_without_a_target_is_not_fit(scene: Scene) -> None:
    """Where the daemon may not change it; it says which subject is missing."""
    scene.tables["routes"] = {"game.bet": "casino.bets"}
    scene.tables["sink"]["create_stream"] = False
    with scene.daemon() as daemon:
        await daemon.says("sink", "does not exist")
        await scene.sink.make_stream(f"{scene.name}.game.*", duplicate_window=600)
        await daemon.says("sink", f"{scene.name}.casino.bets")


async def test_encoded_bodies_are_read_from_every_broker(scene: Scene) -> None:
    """Each by another encoding; what is no gzip becomes a letter with the bytes as they came."""
    encoders: dict[str, Callable[[bytes], bytes]]
    encoders = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for (name, encode), source in zip(encoders.items(), scene.sources.values(), strict=True):
            body = encode(casino(activity_id=f"{scene.name}-{name}"))
            await source.send(body, content_encoding=name)
            await source.send(b"{}" + name.encode(), content_encoding="gzip")
        await scene.drained()
        assert await scene.sink.ids() == dict.fromkeys((f"{scene.name}-{n}" for n in encoders), 1)
        letters = await scene.sink.letters()
        assert {letter.data for letter in letters} == {b"{}" + n.encode() for n in encoders}
        encodings = {(letter.headers or {})["Dead-Content-Encoding"] for letter in letters}
        assert encodings == {"gzip"}
