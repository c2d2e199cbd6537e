"""What a daemon does when its operator changes the streams that it writes to, while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.eventually import eventually
from tests.support.samples import casino

if TYPE_CHECKING:
    from tests.support.scene import Scene

IDLE_WITHIN_S = 15
"""No message tells the daemon about the change. `/readyz` may be wrong for 30 s at most."""


async def test_deleted_stream_is_told_by_an_idle_daemon(scene: Scene) -> None:
    """It holds what comes meanwhile, and goes on by itself once the stream is there again."""
    scene.tables["sink"]["create_stream"] = False
    await scene.sink.make_stream(f"{scene.name}.>", duplicate_window=600)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sink.delete_stream()
        await daemon.says("sink", "does not exist: create it", within_s=IDLE_WITHIN_S)
        await scene.sources["nats"].send(casino())
        await daemon.says("lane nats", "does not exist")
        await scene.sink.make_stream(f"{scene.name}.>", duplicate_window=600)
        await eventually(scene.events_are(1), what="the event that was held", within_s=20)
        await daemon.is_ready()
        assert "stream was deleted and made anew" in daemon.log()


async def test_deleted_stream_is_made_anew_if_the_daemon_may(scene: Scene) -> None:
    """What it held is gone, so this is an error. Letters likewise."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sink.delete_stream()
        await scene.sink.delete_dead_letters()
        await eventually(
            lambda: daemon.log().count("stream was deleted and made anew") == 2,
            within_s=IDLE_WITHIN_S,
            what="an error for each stream",
        )
        assert '"level":"error"' in daemon.log()
        await daemon.is_ready()
        await scene.sources["nats"].send(casino())
        await scene.sources["nats"].send(b"{")
        await eventually(scene.events_are(1), what="an event in the new stream")
        await eventually(scene.letters_are(1), what="a letter in the new stream")


async def test_edited_window_holds_the_lanes(scene: Scene) -> None:
    """With a window of 1 s, the stream would store what is sent again, and it did."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sink.change_stream(duplicate_window=1)
        await daemon.says("sink", "duplicate_window is 1 s", within_s=IDLE_WITHIN_S)
        await scene.sources["nats"].send(casino())
        await daemon.says("lane nats", "duplicate_window is 1 s")
        await scene.sink.change_stream(duplicate_window=600)
        await eventually(scene.events_are(1), what="the event that was held", within_s=20)
        await daemon.is_ready()


async def test_lowered_limit_makes_letters_of_what_is_too_large(scene: Scene) -> None:
    """Behind a large event, the small ones waited for ever, and SIGTERM ended with exit code 1."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sink.change_stream(max_msg_size=4_000)
        source = scene.sources["nats"]
        for number in range(5):
            await source.send(casino(activity_id=f"large {number}", game_name="x" * 5_000))
        for number in range(50):
            await source.send(casino(activity_id=f"small {number}"))
        await eventually(scene.events_are(50), what="the small events", within_s=30)
        await eventually(scene.letters_are(5), what="the letters of the large ones")
        await scene.drained()
        assert await daemon.fates("nats") == {"forwarded": 50, "too_large": 5}
        daemon.terminate()
        assert await daemon.exit_code() == 0
