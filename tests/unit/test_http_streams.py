"""What a WebSocket and Server-Sent Events have in common: who is let go, and who is told what."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from consumer.http import connections as connections_module, stream as stream_module
from consumer.http.connection import PublicConnection
from consumer.http.connections import CutOff
from consumer.http.cycle import AnsweringCycle
from tests.support.eventually import eventually
from tests.support.http_port import NEVER_S, POST, SHORT_S, rest
from tests.support.http_streams import (
    EVENTS,
    UPGRADE,
    Session,
    begun,
    close_code,
    each_form,
    next_chunk,
    next_frame,
    pause,
    stream_port,
)

if TYPE_CHECKING:
    from tests.support.http_port import Client


class Failing(Session):
    """Has a bug."""

    async def work(self) -> None:
        """Fail."""
        raise ZeroDivisionError


class Ending(Session):
    """Ends by itself."""

    async def work(self) -> None:
        """Send something, and end."""
        self.outlet.send(b"last")


class Draining(Session):
    """Ends when its client has read."""

    async def work(self) -> None:
        """Wait for the client."""
        await self.outlet.drained()


async def message(client: Client, asked: bytes) -> bytes:
    """Read one message, over either form."""
    if asked == EVENTS:
        return await next_chunk(client)
    return (await next_frame(client))[1]


@each_form
@pytest.mark.parametrize("ends", ["abort", "eof"])
async def test_client_that_goes_ends_its_session(
    monkeypatch: pytest.MonkeyPatch, asked: bytes, ends: str
) -> None:
    """At once: nothing is sent for nobody."""
    async with stream_port(monkeypatch) as there, there.streaming(asked) as (client, session):
        if ends == "abort":
            client[1].transport.abort()
        else:
            client[1].write_eof()
        async with asyncio.timeout(1):
            await session.ended.wait()
        assert session.was_cancelled
        assert not session.outlet.is_open
        session.outlet.send(b"nobody reads this")
        await session.outlet.drained()
        assert session.outlet.buffered_bytes == 0
        await there.here.all_left()


@each_form
async def test_clients_that_go_at_once_leave_no_session_behind(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """Whether they go before or after their stream has begun."""
    async with stream_port(monkeypatch) as there:
        for _ in range(20):
            async with there.here.connected(asked):
                await asyncio.sleep(0)
        await there.here.all_left()
        await eventually(lambda: all(session.ended.is_set() for session in there.sessions))


async def test_every_session_that_is_made_also_runs() -> None:
    """Even if its client goes before its first step: it has to give back what it was given."""
    session = Session()
    begun(session).connection_lost(None)
    async with asyncio.timeout(1):
        await session.ended.wait()
    assert session.was_cancelled


async def test_session_waits_for_what_was_sent_before_its_stream() -> None:
    """The transport tells only once that it has too much to send."""
    session = Draining()
    stream = begun(session, is_full=True)
    await pause(session, SHORT_S)
    assert not session.ended.is_set()
    stream.resume_writing()
    await pause(session, SHORT_S)
    assert session.ended.is_set()


async def test_client_that_goes_before_its_stream_has_no_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was checked for a while whether the stream may begin."""
    async with stream_port(monkeypatch) as there:
        there.may_begin.clear()
        async with there.here.connected(EVENTS):
            await eventually(lambda: there.checked_count == 1)
        await there.here.all_left()
        there.may_begin.set()
        await eventually(lambda: there.answered_count(400) == 1)
        assert there.sessions == []


@each_form
async def test_connection_that_read_the_request_is_gone(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """It does not need the garbage collector for that: there may be thousands of streams."""
    async with stream_port(monkeypatch) as there:
        gc.collect()
        gc.disable()
        try:
            async with there.streaming(asked), there.streaming(EVENTS + asked):
                kept = (PublicConnection, AnsweringCycle)
                left = [each for each in gc.get_objects() if isinstance(each, kept)]
                assert left == []
        finally:
            gc.enable()


@each_form
async def test_bug_of_a_session_is_logged(monkeypatch: pytest.MonkeyPatch, asked: bytes) -> None:
    """And its stream is closed."""
    monkeypatch.setattr(stream_module, "CLOSE_S", SHORT_S)
    with capture_logs() as logs:
        async with (
            stream_port(monkeypatch, lambda _: Failing()) as there,
            there.streaming(asked) as (client, _),
        ):
            ended = await rest(client)
            assert (b"\x03\xf3this is a bug" if asked == UPGRADE else b"0\r\n\r\n") in ended
    (logged,) = (one for one in logs if one["event"] == "stream failed")
    assert logged["log_level"] == "error"
    assert isinstance(logged["exc_info"], ZeroDivisionError)


@each_form
async def test_stream_is_counted_when_it_begins(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """As a request that was answered. How long the stream lasts does not count."""
    async with stream_port(monkeypatch) as there, there.streaming(asked):
        assert there.answered_count(101 if asked == UPGRADE else 200) == 1


async def test_bug_in_one_session_does_not_end_a_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others are told all the same."""
    broken = [True, False]
    told = Session.shut_down

    def shut_down(session: Session) -> None:
        if broken.pop(0):
            raise ZeroDivisionError
        told(session)

    monkeypatch.setattr(Session, "shut_down", shut_down)
    async with stream_port(monkeypatch) as there, contextlib.AsyncExitStack() as stack:
        clients = [(await stack.enter_async_context(there.streaming(UPGRADE)))[0] for _ in "ab"]
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: errors.append(what))
        async with asyncio.TaskGroup() as group:
            group.create_task(there.here.server.drain(4 * SHORT_S), name="drain")
            assert await close_code(clients[1]) == (1012, "come back")
        assert len(errors) == 1


@each_form
async def test_session_that_ends_closes_its_stream(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """Behind what it sent."""
    async with (
        stream_port(monkeypatch, lambda _: Ending()) as there,
        there.streaming(asked) as (client, _),
    ):
        assert await message(client, asked) == b"last"
        if asked == EVENTS:
            assert await rest(client) == b"0\r\n\r\n"
        else:
            assert await close_code(client) == (1000, "")


@each_form
async def test_drain_tells_each_session_once(monkeypatch: pytest.MonkeyPatch, asked: bytes) -> None:
    """It ends when all streams have ended."""
    monkeypatch.setattr(connections_module, "LAST_REQUESTS_S", SHORT_S)
    waiting = Session()
    async with stream_port(monkeypatch) as there, contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(there.streaming(asked)) for _ in range(3)]
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(there.here.server.drain(NEVER_S), name="drain")
            for client, _ in opened:
                assert await message(client, asked) == b"shutdown\n\n"
            await pause(waiting, 2 * SHORT_S)  # meanwhile the drain looks again at all connections
            for client, _ in opened:
                client[1].close()
            await drained
        assert [session.shut_down_count for _, session in opened] == [1, 1, 1]


@each_form
async def test_drain_cuts_off_who_does_not_go(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """When its time is over."""
    monkeypatch.setattr(Session, "shut_down", lambda _: None)
    async with stream_port(monkeypatch) as there, there.streaming(asked) as (_, session):
        await there.here.server.drain(SHORT_S)
        await there.here.all_left()
        await eventually(session.ended.is_set)
        assert session.was_cancelled


async def test_stream_that_begins_during_a_drain_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its request was on its way. Sessions that were told before are not told again."""
    monkeypatch.setattr(connections_module, "LAST_REQUESTS_S", NEVER_S)
    async with stream_port(monkeypatch) as there, there.here.connected() as client:
        await eventually(lambda: there.here.open_count == 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(there.here.server.drain(NEVER_S), name="drain")
            await asyncio.sleep(0)  # the drain has begun
            client[1].write(UPGRADE)
            await client[0].readuntil(b"\r\n\r\n")
            assert await close_code(client) == (1012, "come back")
            client[1].close()


@each_form
async def test_end_of_the_server_ends_all_streams(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """No task is left behind."""
    async with contextlib.AsyncExitStack() as stack:
        async with stream_port(monkeypatch) as there:
            client, session = await stack.enter_async_context(there.streaming(asked))
        assert session.was_cancelled
        assert await rest(client) == b""


@each_form
async def test_stream_counts_as_a_connection(monkeypatch: pytest.MonkeyPatch, asked: bytes) -> None:
    """Of its address, and of all. It does not make room for a newcomer."""
    async with (
        stream_port(
            monkeypatch, max_connections_count=3, max_connections_per_address_count=2
        ) as there,
        contextlib.AsyncExitStack() as stack,
    ):
        for address in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
            await stack.enter_async_context(there.streaming(asked, address=address))
        assert there.here.open_count == 3
        assert await there.here.ask(POST) == b""
        assert there.here.shed_count(CutOff.ADDRESS_CONNECTIONS) == 1
        async with there.here.connected(POST, address="127.0.0.3") as client:
            assert await rest(client) == b""
        assert there.here.shed_count(CutOff.CONNECTIONS) == 1
        assert there.here.open_count == 3
