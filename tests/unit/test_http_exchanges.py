"""Which requests need no task, and that their answers and their order are those of the others."""

from __future__ import annotations

import asyncio
import gc
import re
from typing import TYPE_CHECKING, Final

import pytest

from consumer.http.connections import CutOff
from consumer.http.cycle import AnsweringCycle, WholeCycle
from tests.support.eventually import eventually
from tests.support.http_port import HEAD, POST, SHORT_S, EchoApplication, one_answer, port, rest
from tests.support.http_streams import send_for_ever

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
EXPECTING: Final = POST.replace(b"Host", b"Expect: 100-continue\r\nHost")
OTHER: Final = POST.replace(b"/a", b"/b")
PATH: Final = re.compile(rb"POST (/[ab]) HTTP")


@pytest.mark.parametrize(
    ("slices", "at_once_count"),
    [
        ([POST], 1),
        ([CHUNKED], 1),
        ([POST, POST, POST], 3),
        ([POST[:20], POST[20:]], 1),  # its head ends in the slice that has the body
        ([POST[:-2], POST[-2:]], 0),
        ([POST[:-1], POST[-1:]], 0),
        ([OTHER], 0),
        ([EXPECTING], 0),
        ([POST + POST], 0),  # the second waits for the first, in the order of tasks
        ([POST + POST, POST], 1),
        ([POST + OTHER + POST[:10], POST[10:]], 1),
        ([b"\r\n" + POST, POST], 2),
    ],
)
async def test_whole_request_needs_no_task(
    monkeypatch: pytest.MonkeyPatch, slices: Sequence[bytes], at_once_count: int
) -> None:
    """And each request is answered once, in order, however it arrives."""
    application = EchoApplication()
    sent = b"".join(slices)
    async with port(monkeypatch, application) as here, here.connected() as client:
        answers: list[bytes] = []
        for number, one in enumerate(slices, 1):
            client[1].write(one)
            if sent == EXPECTING:
                await client[0].readuntil(b"100 Continue\r\n\r\n")
            whole_count = b"".join(slices[:number]).count(b"{}")
            answers += [await one_answer(client) for _ in range(whole_count - len(answers))]
            await here.ask(b"\0")  # so the port has parsed what was sent before
    assert answers == [b"POST " + path + b" {}" for path in PATH.findall(sent)]
    assert application.at_once_count == at_once_count


async def test_request_behind_an_open_one_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers keep the order of the requests."""
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application) as here, here.connected(POST) as client:
        await eventually(lambda: application.seen)
        client[1].write(OTHER + POST)
        await here.ask(b"\0")  # so the port has parsed what was sent before
        assert len(application.seen) == 1
        application.may_answer.set()
        assert [await one_answer(client) for _ in range(3)] == [
            b"POST /a {}",
            b"POST /b {}",
            b"POST /a {}",
        ]
    assert application.at_once_count == 1


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_connection_is_closed_behind_the_answer(
    monkeypatch: pytest.MonkeyPatch, version: bytes
) -> None:
    """If the client asks for it, or speaks an old HTTP."""
    sent = POST.replace(b"1.1", version).replace(b"Host", b"Connection: close\r\nHost")
    application = EchoApplication()
    async with port(monkeypatch, application) as here:
        got = await here.ask(sent)
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in got
    assert got.endswith(b"\r\n\r\nPOST /a {}")
    assert application.at_once_count == 1


async def test_answer_to_a_client_that_has_gone_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The port serves on."""
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application) as here:
        async with here.connected(POST):
            await eventually(lambda: application.seen)
        await here.all_left()
        application.may_answer.set()
        async with here.connected(POST) as client:
            assert await one_answer(client) == b"POST /a {}"


async def test_second_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for the answer to the next request."""
    application = EchoApplication(answers_count=2)
    async with port(monkeypatch, application) as here, here.connected(POST) as client:
        assert await one_answer(client) == b"POST /a {}"
        client[1].write(OTHER)
        assert await one_answer(client) == b"POST /b {}"


async def test_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task waits for it, so no more than the buffers of the system hold is answered."""
    body = b"x" * 30_000
    sent = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    application = EchoApplication()
    async with (
        port(monkeypatch, application, body_timeout_s=5 * SHORT_S) as here,
        here.connected() as client,
    ):
        with pytest.raises(ConnectionError):
            await send_for_ever(client, sent)
        await here.all_left()
        assert here.shed_count(CutOff.NOT_READING) + here.shed_count(CutOff.PIPELINED) == 1
        assert application.at_once_count < len(application.seen)


async def test_open_request_is_answered_during_a_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the connection is closed behind the answer."""
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application) as here, here.connected(POST) as client:
        await eventually(lambda: application.seen)
        async with asyncio.TaskGroup() as group:
            group.create_task(here.server.drain(10), name="drain")
            await asyncio.sleep(0)  # the drain has begun
            application.may_answer.set()
            got = await rest(client)
    assert b"\r\nconnection: close\r\n" in got
    assert application.at_once_count == 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_answered_requests_leave_no_garbage(
    monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    """Objects that hold each other would wait for the garbage collector, which takes CPU time."""
    application = EchoApplication(at_once=at_once)
    async with port(monkeypatch, application) as here, here.connected() as client:
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                client[1].write(POST)
                await one_answer(client)
            left_count = sum(
                isinstance(each, (AnsweringCycle, WholeCycle)) for each in gc.get_objects()
            )
        finally:
            gc.enable()
        assert left_count <= 1  # the connection has the last one
