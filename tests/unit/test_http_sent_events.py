"""A stream as Server-Sent Events: its head, its events and its end. All clients use sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.http.connections import CutOff
from consumer.http.stream import IGNORED_MAX_BYTES
from tests.support.eventually import eventually
from tests.support.http_port import TLS, one_answer, rest, trusting
from tests.support.http_streams import EVENTS, GET, ORIGIN, next_chunk, send_for_ever, stream_port

if TYPE_CHECKING:
    from tests.support.http_port import Client


def of_version_1_0(asked: bytes) -> bytes:
    """Return a request of an old client or proxy."""
    return asked.replace(b"HTTP/1.1", b"HTTP/1.0")


async def head_of(client: Client) -> dict[str, str]:
    """Read the head of an answer, and return its headers."""
    first, *lines, _, _ = (await client[0].readuntil(b"\r\n\r\n")).decode().split("\r\n")
    assert first == "HTTP/1.1 200 OK"
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("is_chunked", [True, False])
async def test_head_keeps_proxies_from_holding_events_back(
    monkeypatch: pytest.MonkeyPatch, *, is_chunked: bool
) -> None:
    """And lets a page of an allowed origin read them."""
    more = f"X-Request-Id: mine\r\nOrigin: {ORIGIN}\r\n\r\n".encode()
    asked = EVENTS[:-2] + more
    async with (
        stream_port(monkeypatch) as there,
        there.here.connected(asked if is_chunked else of_version_1_0(asked)) as client,
    ):
        headers = await head_of(client)
        assert headers.pop("date")
        assert headers.pop("access-control-expose-headers")
        assert headers == {
            "content-type": "text/event-stream",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            "x-request-id": "mine",
            "access-control-allow-origin": ORIGIN,
            "vary": "Origin",
            "connection": "close",
        } | ({"transfer-encoding": "chunked"} if is_chunked else {})


@pytest.mark.parametrize("tls", [None, TLS], ids=["plain", "tls"])
async def test_event_is_one_chunk(monkeypatch: pytest.MonkeyPatch, tls: object) -> None:
    """A proxy may hand on each chunk as it comes. No part of an event is lost, or is its end."""
    context = trusting() if tls else None
    async with (
        stream_port(monkeypatch, tls=tls) as there,
        there.streaming(EVENTS, context=context) as (client, session),
    ):
        session.outlet.send(b"data: ", b"", b"a\n", b"\n")
        session.outlet.send()
        session.outlet.send(b"", b"")
        session.outlet.send(b"x" * 100_000)
        session.outlet.close(1012, "come back")
        session.outlet.send(b"too late")
        assert await next_chunk(client) == b"data: a\n\n"
        assert await next_chunk(client) == b"x" * 100_000
        assert await next_chunk(client) == b""
        assert await rest(client) == b""
        client[1].close()
        await there.here.all_left()


async def test_old_client_gets_no_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the connection is the end of the stream."""
    async with (
        stream_port(monkeypatch) as there,
        there.streaming(of_version_1_0(EVENTS)) as (client, session),
    ):
        session.outlet.send(b"data: ", b"a\n\n")
        session.outlet.close(1012, "come back")
        assert await rest(client) == b"data: a\n\n"


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream;charset=utf-8", True),
        ("text/html, text/event-stream;q=0.9", True),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
    ],
)
async def test_events_are_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch, accept: str, *, is_stream: bool
) -> None:
    """Most clients accept anything, and would wait for the end of a stream."""
    asked = GET + f"Accept: {accept}\r\n\r\n".encode()
    async with stream_port(monkeypatch) as there, there.here.connected(asked) as client:
        if is_stream:
            assert (await head_of(client))["content-type"] == "text/event-stream"
        else:
            assert await one_answer(client) == b"GET, no stream"


async def test_head_request_has_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is answered by the endpoint, and its connection stays open."""
    asked = EVENTS.replace(b"GET", b"HEAD", 1)
    async with stream_port(monkeypatch) as there, there.here.connected(asked) as client:
        head = await client[0].readuntil(b"\r\n\r\n")
        assert b"content-length: 15\r\n" in head
        client[1].write(GET + b"\r\n")
        assert await one_answer(client) == b"GET, no stream"
        assert there.sessions == []


@pytest.mark.parametrize("is_together", [True, False])
async def test_request_behind_a_stream_is_not_answered(
    monkeypatch: pytest.MonkeyPatch, *, is_together: bool
) -> None:
    """The stream goes on."""
    behind = (GET + b"\r\n") * 3
    asked = GET + b"\r\n" + EVENTS
    async with (
        stream_port(monkeypatch) as there,
        there.here.connected(asked + behind * is_together) as client,
    ):
        assert await one_answer(client) == b"GET, no stream"
        await head_of(client)
        client[1].write(behind)
        await eventually(lambda: hasattr(there.sessions[0], "outlet"))
        there.sessions[0].outlet.send(b"data: a\n\n")
        there.sessions[0].outlet.close(1000, "")
        assert await rest(client) == b"9\r\ndata: a\n\n\r\n0\r\n\r\n"
        assert len(there.sessions) == 1


async def test_client_may_send_only_so_much_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is thrown away, and then the client is cut off."""
    async with stream_port(monkeypatch) as there, there.streaming(EVENTS) as (client, session):
        with pytest.raises(ConnectionError):
            await send_for_ever(client, b"x" * (IGNORED_MAX_BYTES // 8))
        await eventually(session.ended.is_set)
        assert there.here.shed_count(CutOff.PIPELINED) == 1
