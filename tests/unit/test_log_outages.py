"""What the log says of something that is away: once for each reason, and how bad it is."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import structlog
from structlog.testing import capture_logs

from consumer.app import App
from consumer.cancel import end_tasks
from consumer.config.load import build
from consumer.errors import ListenerUnavailable, Unavailable
from consumer.listeners.registry import kinds
from consumer.operations.health import Health
from consumer.operations.log import LogSettings, configure
from consumer.operations.outage import REASONS_MAX_COUNT, Outage
from consumer.parts.base import Part
from consumer.parts.keep_open import KeptOpen
from consumer.parts.patience import Patience
from consumer.tools.embedded.servers import free_port
from tests.support.eventually import eventually
from tests.support.jumping_time import pass_time
from tests.support.memory_sink import jump
from tests.support.source_memory import MemoryListener
from tests.support.supervised import Supervised

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import pytest

    from consumer.operations.caveat import Caveat


class Asked(Part):
    """A part that is open, and whose checks fail for a reason or do not fail."""

    why = ""

    async def open(self) -> list[Caveat]:
        """See `Part.open`."""
        return []

    async def check(self) -> None:
        """See `Part.check`."""
        if self.why:
            raise Unavailable(self.why)

    async def close(self) -> None:
        """See `Part.close`."""


class Refused(MemoryListener):
    """Its password is wrong."""

    async def open(self) -> None:
        """See `Listener.open`."""
        raise ListenerUnavailable("login refused", reason="refused")


def logged_in(scenario: Coroutine[None, None, None]) -> list[tuple[str, str]]:
    """Run it in a time that jumps; return level and text of each line."""
    with capture_logs() as logs:
        jump(scenario)
    return [(line["log_level"], line["event"]) for line in logs]


def test_part_whose_check_fails_and_works_again_is_connected() -> None:
    """Its connection stays the same, so no opening says that it is back."""

    async def scenario() -> None:
        part, health = Asked(), Health()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(KeptOpen("store", part, health).run(), name="kept open")
            await pass_time(10)
            part.why = "read-only"
            await pass_time(10)
            part.why = ""
            await pass_time(10)
            assert health.ready
            await end_tasks([running])

    assert logged_in(scenario()) == [
        ("info", "connected"),
        ("warning", "part not available"),
        ("info", "connected"),
    ]


def test_listener_that_is_refused_is_one_error() -> None:
    """However often it tries: nobody mends a password faster for more lines."""

    async def scenario() -> None:
        one = Supervised(Refused)
        async with one.running():
            await eventually(one.made_count(10))

    assert logged_in(scenario()) == [("error", "listener lost")]


def test_listener_that_is_away_is_one_warning_and_back_a_line() -> None:
    """It needs nobody."""

    async def scenario() -> None:
        one = Supervised()
        one.queue.reachable = False
        async with one.running():
            await eventually(one.made_count(10))
            one.queue.reachable = True
            await eventually(lambda: not one.why_down())

    assert logged_in(scenario()) == [("warning", "listener lost"), ("info", "listening")]


def test_reason_is_logged_again_after_the_outage_and_only_then() -> None:
    """Two reasons that take turns are two lines."""
    outage = Outage()
    with capture_logs() as logs:
        for why in ("a", "b", "a", "b"):
            outage.report(structlog.get_logger(), "lost", Unavailable(why))
        assert outage.over()
        assert not outage.over()
        outage.report(structlog.get_logger(), "lost", Unavailable("a"))
    assert [line["why"] for line in logs] == ["a", "b", "a"]


def test_memory_of_reasons_is_bounded() -> None:
    """A server may write a new number into each of its refusals."""
    outage = Outage()
    for number in range(10 * REASONS_MAX_COUNT):
        outage.report(structlog.get_logger(), "lost", Unavailable(str(number)))
    assert len(vars(outage)["_told"]) <= REASONS_MAX_COUNT


def test_lane_that_is_refused_says_so_once_also_in_an_outage() -> None:
    """A server that comes back without our permissions ends no outage."""

    async def scenario() -> None:
        patience = Patience("in", Health(), lambda _: None)
        await patience.wait("publish", "no answer")
        await patience.wait("publish", "permissions violation", refused=True)
        await patience.wait("publish", "permissions violation", refused=True)
        patience.relieved("publish")

    assert logged_in(scenario()) == [
        ("warning", "holding"),
        ("error", "holding"),
        ("info", "going on"),
    ]


async def test_drain_that_took_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in flight comes again. An ordinary end is no error."""

    async def late(*_: object) -> bool:
        return False

    with capture_logs() as logs:
        await run_and_stop()
        monkeypatch.setattr(App, "_drain", late)
        await run_and_stop()
    assert [line["log_level"] for line in logs if line["event"] == "stopped"] == ["info", "error"]


async def run_and_stop() -> None:
    """Run a daemon without brokers, and stop it."""
    nowhere = f"nats://127.0.0.1:{free_port()}"
    tables: dict[str, object] = {
        "brand": "brand-a",
        "listeners": {"in": {"kind": "nats", "url": nowhere, "subject": "in.>"}},
        "dedupe": {"store": "memory"},
        "sink": {"url": nowhere},
        "operations": {"bind": f"127.0.0.1:{free_port()}"},
    }
    app = App(build(tables, kinds()), kinds())
    app.stop()
    async with asyncio.timeout(20):
        await app.run()


def test_chatter_about_tls_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """It came twice with each loss, and says nothing to an operator. Other warnings stay."""
    configure(LogSettings(format="json"))
    asyncio_log = logging.getLogger("asyncio")
    asyncio_log.warning("returning true from eof_received() has no effect when using ssl")
    asyncio_log.warning("Executing %s took %.3f seconds", "a task", 5.0)
    text = capsys.readouterr().err
    logging.basicConfig(force=True)
    assert "eof_received" not in text
    assert "a task took 5.000 seconds" in text
