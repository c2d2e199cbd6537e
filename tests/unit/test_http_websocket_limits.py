"""What the client of a WebSocket can hold, and for how long. All clients use real sockets."""

from __future__ import annotations

from typing import Final

import pytest

from consumer.http import stream as stream_module
from consumer.http.connections import CutOff
from consumer.http.stream import IGNORED_MAX_BYTES
from consumer.http.websocket import FRAMES_MAX_COUNT, MESSAGE_MAX_BYTES
from tests.support.eventually import eventually
from tests.support.http_port import NEVER_S, SHORT_S, rest
from tests.support.http_streams import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    close_code,
    frame,
    next_frame,
    pause,
    send_for_ever,
    stream_port,
)

MEGABYTE: Final = 1024 * 1024
HALF: Final = b"x" * (MESSAGE_MAX_BYTES // 2)
TOO_LARGE: Final = b"x" * (MESSAGE_MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x01a", 1002),  # not masked
        (frame(BINARY, b"a"), 1003),
        (frame(BINARY, b"a", is_last=False) + frame(0, b"b"), 1003),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xc3", is_last=False) + frame(0, b"("), 1007),
        (frame(TEXT, TOO_LARGE), 1009),
        (frame(TEXT, TOO_LARGE)[:14], 1009),  # at once, from its length
        (b"\x81\xff" + b"\x7f" * 8, 1009),
        (frame(TEXT, HALF, is_last=False) + frame(0, HALF, is_last=False) + frame(0, b"x"), 1009),
        (frame(0, b"a"), 1002),
        (frame(TEXT, b"a", is_last=False) + frame(TEXT, b"b"), 1002),
        (frame(3, b"a"), 1002),
        (bytes((frame(TEXT, b"a")[0] | 0x40,)) + frame(TEXT, b"a")[1:], 1002),  # compressed
        (frame(PING, b"a" * 126), 1002),
        (frame(PING, b"a", is_last=False), 1002),
        (frame(CLOSE, b"a"), 1002),
        (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
        (frame(CLOSE, (1000).to_bytes(2, "big") + b"\xff"), 1007),
        (frame(TEXT, b"", is_last=False) + frame(0, b"", is_last=False) * 2_000, 1008),
        (frame(PING, b"") * 2_000, 1008),
    ],
)
async def test_client_that_breaks_a_rule_is_let_go(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, code: int
) -> None:
    """It is told why, what came before counts, and its session is cancelled."""
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, session):
        client[1].write(frame(TEXT, b"good") + sent + frame(TEXT, b"unheard"))
        assert await next_frame(client) == (TEXT, b"<good>")
        assert (await close_code(client))[0] == code
        assert await rest(client) == b""
        await eventually(session.ended.is_set)
        assert session.was_cancelled
        assert session.received_texts == [b"good"]
        assert there.here.shed_count(CutOff.FRAMES) == 1


async def test_client_that_was_let_go_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds its connection, or goes on sending."""
    monkeypatch.setattr(stream_module, "CLOSE_S", SHORT_S)
    async with (
        stream_port(monkeypatch) as there,
        there.streaming(UPGRADE) as (client, _),
        there.streaming(UPGRADE) as (_, other),
    ):
        client[1].write(frame(BINARY, b"a"))
        other.outlet.close(1012, "come back")
        await there.here.all_left()


async def test_client_that_was_let_go_may_send_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it sends is thrown away."""
    monkeypatch.setattr(stream_module, "CLOSE_S", NEVER_S)
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, _):
        client[1].write(frame(BINARY, b"a"))
        assert (await close_code(client))[0] == 1003
        with pytest.raises(ConnectionError):
            await send_for_ever(client, b"x" * (IGNORED_MAX_BYTES // 8))
        assert there.here.shed_count(CutOff.PIPELINED) == 1
        await there.here.all_left()


async def test_silent_client_gets_a_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it answers, it may stay for ever."""
    async with (
        stream_port(monkeypatch, idle_timeout_s=SHORT_S) as there,
        there.streaming(UPGRADE) as (client, _),
    ):
        for _ in range(5):
            assert await next_frame(client) == (PING, b"")
            client[1].write(frame(PONG, b""))
        assert there.here.shed_count(CutOff.SILENT) == 0


async def test_client_that_answers_no_ping_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if messages go to it: the system takes them, although nobody is there."""
    async with (
        stream_port(monkeypatch, idle_timeout_s=SHORT_S) as there,
        there.streaming(UPGRADE) as (client, session),
    ):
        while there.here.shed_count(CutOff.SILENT) == 0:
            session.outlet.send(b"news")
            await pause(session, SHORT_S / 8)
        assert b"\x89\x00" in await rest(client)
        await session.ended.wait()
        await there.here.all_left()


async def test_client_is_not_silent_before_it_can_see_its_ping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ping waits behind what the client still has to read."""
    async with (
        stream_port(monkeypatch, idle_timeout_s=SHORT_S) as there,
        there.streaming(UPGRADE) as (client, session),
    ):
        session.outlet.send(b"x" * 8 * MEGABYTE)
        await pause(session, 3 * SHORT_S)
        assert there.here.shed_count(CutOff.SILENT) == 0
        assert (await next_frame(client))[0] == TEXT
        assert await next_frame(client) == (PING, b"")


@pytest.mark.parametrize("sent", [frame(TEXT, b"a"), frame(PING, b"a"), frame(TEXT, b"a")[:3]])
async def test_client_that_says_anything_is_there(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """It gets no ping."""
    async with (
        stream_port(monkeypatch, idle_timeout_s=4 * SHORT_S) as there,
        there.streaming(UPGRADE) as (client, session),
    ):
        for at in range(6):
            client[1].write(sent[at % len(sent) :][:1] if len(sent) == 3 else sent)
            await pause(session, SHORT_S)
        assert there.here.shed_count(CutOff.SILENT) == 0


async def test_pings_of_a_client_that_does_not_read_hold_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the newest is answered, once the client reads again."""
    pings = b"".join(frame(PING, b"%03d" % number + b"x" * 100) for number in range(900))
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, session):
        while session.outlet.buffered_bytes < 2 * MEGABYTE:
            session.outlet.send(b"x" * MEGABYTE)
        held_bytes = session.outlet.buffered_bytes
        client[1].write(pings + frame(TEXT, b"end"))
        await eventually(lambda: session.received_texts)
        assert session.outlet.buffered_bytes <= held_bytes + len(frame(TEXT, b"<end>"))
        while (found := await next_frame(client))[0] != PONG:
            pass
        assert found[1].startswith(b"899")
        assert FRAMES_MAX_COUNT > 900
