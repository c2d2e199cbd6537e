"""A stream as a WebSocket: its handshake, its messages and its end. All clients use sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from websockets.asyncio.client import connect

from consumer.access.key import Scope
from consumer.http import stream as stream_module
from consumer.http.answer import Problem
from consumer.http.connections import CutOff
from tests.support.eventually import eventually
from tests.support.http_port import NEVER_S, SHORT_S, TLS, one_answer, rest, trusting
from tests.support.http_streams import (
    CLOSE,
    EVENTS,
    GET,
    KEY,
    ORIGIN,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    VERSION,
    WISH,
    Session,
    close_code,
    frame,
    next_frame,
    pause,
    stream_port,
)

if TYPE_CHECKING:
    from consumer.http.request import Request
    from tests.support.http_port import Client

NORMAL: Final = (1000).to_bytes(2, "big")


def with_headers(*lines: bytes) -> bytes:
    """Return a handshake with further headers."""
    return UPGRADE[:-2] + b"\r\n".join(lines) + b"\r\n\r\n"


def problem(got: bytes) -> tuple[int, str]:
    """Return the status and the reason of an answer."""
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head, got
    return int(head.split()[1]), msgspec.json.decode(body)["reason"]


async def echoes(client: Client, sent: bytes, text: bytes) -> None:
    """Send bytes, and read back the message that they are."""
    client[1].write(sent)
    assert await next_frame(client) == (TEXT, b"<" + text + b">")


async def test_messages_go_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that knows the protocol better than we do finds nothing wrong."""
    async with stream_port(monkeypatch) as there:
        url = f"ws://127.0.0.1:{there.here.number}/stream"
        headers = {"x-api-key": "good", "x-request-id": "mine"}
        async with connect(url, additional_headers=headers) as client:
            assert client.response is not None
            assert client.response.headers["x-request-id"] == "mine"
            assert "sec-websocket-extensions" not in client.response.headers
            for size_count in (0, 1, 123, 124, 125, 65_533, 65_534, 65_536):
                await client.send("x" * size_count)
                assert await client.recv() == f"<{'x' * size_count}>"
        assert client.close_code == 1000
        await there.here.all_left()
        assert there.here.shed_count(CutOff.FRAMES) == 0


async def test_length_of_a_message_has_its_shortest_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the standard demands."""
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, session):
        for size_bytes in (0, 125, 126, 65_535, 65_536, 1_000_000):
            session.outlet.send(b"x" * size_bytes)
            assert await next_frame(client) == (TEXT, b"x" * size_bytes)


async def test_messages_go_both_ways_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the end as well."""
    async with (
        stream_port(monkeypatch, tls=TLS) as there,
        there.streaming(UPGRADE, context=trusting()) as (client, session),
    ):
        await echoes(client, frame(TEXT, b"a" * 60_000), b"a" * 60_000)
        session.outlet.close(1012, "come back")
        assert await close_code(client) == (1012, "come back")
        client[1].write(frame(CLOSE, b""))
        await there.here.all_left()


@pytest.mark.parametrize("offered", ["consumer.v1", "other, consumer.v1", None])
async def test_subprotocol_is_taken_if_it_is_offered(
    monkeypatch: pytest.MonkeyPatch, offered: str | None
) -> None:
    """A client may offer none."""
    lines = [f"Sec-WebSocket-Protocol: {offered}".encode()] if offered else [b"A: b"]
    async with stream_port(monkeypatch) as there, there.here.connected(with_headers(*lines)) as it:
        head = (await it[0].readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 101")
        assert (b"sec-websocket-protocol: consumer.v1\r\n" in head) == (offered is not None)


@pytest.mark.parametrize(
    ("asked", "status", "reason"),
    [
        (UPGRADE.replace(b"X-Api-Key: good\r\n", b""), 401, "unauthorized"),
        (UPGRADE.replace(b"good", b"wrong"), 401, "unauthorized"),
        (UPGRADE.replace(b"/stream", b"/other"), 404, "not_found"),
        (with_headers(b"Sec-WebSocket-Protocol: consumer.v2"), 400, "websocket"),
        (with_headers(b"Sec-WebSocket-Protocol: ,;"), 400, "websocket"),
        (GET + WISH + VERSION + b"\r\n", 400, "websocket"),
        (GET + WISH + KEY + b"\r\n", 400, "websocket"),
        (UPGRADE.replace(b"13", b"8"), 400, "websocket"),
        (UPGRADE.replace(b"MDEy", b"MDE"), 400, "websocket"),
        (with_headers(KEY[:-2]), 400, "websocket"),
        (with_headers(b"Cookie: a=b"), 403, "origin"),
        (with_headers(b"Cookie: a=b", b"Origin: https://evil.example.com"), 403, "origin"),
    ],
)
async def test_wrong_handshake_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, asked: bytes, status: int, reason: str
) -> None:
    """It has no session, and its connection is closed."""
    if status == 404:
        asked = asked[:-2] + b"Connection: close\r\n\r\n"
    async with stream_port(monkeypatch) as there:
        assert problem(await there.here.ask(asked)) == (status, reason)
        assert there.sessions == []


async def test_missing_subprotocol_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody has to look it up."""
    async with stream_port(monkeypatch) as there:
        got = await there.here.ask(with_headers(b"Sec-WebSocket-Protocol: graphql-ws"))
        assert b"expected the subprotocol consumer.v1, or none" in got


async def test_page_of_an_allowed_origin_may_have_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a client without cookies may have any origin, because it had to know the key."""
    async with stream_port(monkeypatch) as there:
        for lines in ([b"Cookie: a=b", b"Origin: " + ORIGIN.encode()], [b"Origin: https://o"]):
            async with there.streaming(with_headers(*lines)) as (client, _):
                await echoes(client, frame(TEXT, b"a"), b"a")


async def test_scope_is_checked_before_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key may do something else."""
    async with stream_port(monkeypatch, scope=Scope.ADMIN) as there:
        assert problem(await there.here.ask(UPGRADE)) == (403, "forbidden")


@pytest.mark.parametrize("asked", [UPGRADE, EVENTS])
async def test_endpoint_may_refuse_a_stream(monkeypatch: pytest.MonkeyPatch, asked: bytes) -> None:
    """The client gets its problem, as over plain HTTP."""

    def refuse(_: Request) -> Session:
        raise Problem(410, "cursor_expired", "too old")

    async with stream_port(monkeypatch, refuse) as there, there.here.connected(asked) as client:
        head = await client[0].readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 410")


@pytest.mark.parametrize(
    "asked",
    [
        GET + b"\r\n",
        GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        GET + b"Upgrade: websocket\r\n\r\n",
        GET + WISH + KEY + VERSION + b"Content-Length: 2\r\n\r\n{}",
    ],
)
async def test_other_request_is_plain(monkeypatch: pytest.MonkeyPatch, asked: bytes) -> None:
    """The connection stays open for the next request."""
    async with stream_port(monkeypatch) as there, there.here.connected(asked * 2) as client:
        assert [await one_answer(client) for _ in range(2)] == [b"GET, no stream"] * 2
        assert there.sessions == []


async def test_request_with_chunks_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its body would be taken for frames. Nobody reads it, so the connection is closed."""
    asked = GET + WISH + KEY + VERSION + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    async with stream_port(monkeypatch) as there:
        assert (await there.here.ask(asked)).endswith(b"GET, no stream")
        assert there.sessions == []


async def test_bytes_behind_the_handshake_are_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are cut, and if another request is answered before."""
    sent = GET + b"\r\n" + UPGRADE + frame(TEXT, b"a") + frame(TEXT, b"b" * 40_000)
    async with stream_port(monkeypatch) as there:
        for at in (len(sent), len(GET) + 2 + len(UPGRADE) + 3, len(GET) + 20, 50_000):
            async with there.here.connected(sent[:at]) as client:
                await asyncio.sleep(0)
                client[1].write(sent[at:])
                assert await one_answer(client) == b"GET, no stream"
                await client[0].readuntil(b"\r\n\r\n")
                assert await next_frame(client) == (TEXT, b"<a>")
                assert len((await next_frame(client))[1]) == 40_002


async def test_websocket_waits_for_the_answer_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """For any time: the client waits for us."""
    sent = GET + b"\r\n" + UPGRADE + frame(TEXT, b"a")
    async with (
        stream_port(monkeypatch, header_timeout_s=SHORT_S, idle_timeout_s=2 * SHORT_S) as there,
        there.here.connected() as client,
    ):
        there.may_answer.clear()
        client[1].write(sent)
        await pause(Session(), 3 * SHORT_S)
        there.may_answer.set()
        assert await one_answer(client) == b"GET, no stream"
        await client[0].readuntil(b"\r\n\r\n")
        assert await next_frame(client) == (TEXT, b"<a>")


@pytest.mark.parametrize("size_bytes", [0, 5, 65_536])
async def test_fragments_are_one_message(monkeypatch: pytest.MonkeyPatch, size_bytes: int) -> None:
    """A character may be cut, and pings may come between."""
    text = ("é" * (size_bytes // 2)).encode()
    parts = [text[:3], text[3:4], text[4:]]
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, session):
        client[1].write(frame(TEXT, parts[0], is_last=False) + frame(PING, b"1"))
        client[1].write(frame(0, parts[1], is_last=False) + frame(PING, b"2"))
        assert await next_frame(client) == (PONG, b"1")
        assert await next_frame(client) == (PONG, b"2")
        assert session.received_texts == []
        await echoes(client, frame(0, parts[2]), text)


async def test_session_closes_behind_what_it_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its code, and a reason that is not too long. Then it sends nothing."""
    monkeypatch.setattr(stream_module, "CLOSE_S", NEVER_S)
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, session):
        session.outlet.send(b"last")
        session.outlet.close(4408, "é" * 100)
        session.outlet.send(b"too late")
        session.outlet.close(1000, "")
        client[1].write(frame(TEXT, b"unheard") + frame(CLOSE, NORMAL))
        assert await next_frame(client) == (TEXT, b"last")
        assert await close_code(client) == (4408, "é" * 61)
        assert await rest(client) == b""
        assert session.received_texts == []
        assert not session.outlet.is_open


@pytest.mark.parametrize("payload", [b"", NORMAL + b"bye"])
async def test_client_that_closes_gets_its_close_back(
    monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    """Then the server closes the connection. The session is cancelled."""
    monkeypatch.setattr(stream_module, "CLOSE_S", NEVER_S)
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, session):
        client[1].write(frame(TEXT, b"last") + frame(CLOSE, payload) + frame(TEXT, b"unheard"))
        assert await next_frame(client) == (TEXT, b"<last>")
        assert await next_frame(client) == (CLOSE, payload)
        assert await rest(client) == b""
        await eventually(session.ended.is_set)
        assert session.was_cancelled
        assert there.here.shed_count(CutOff.FRAMES) == 0


async def test_session_may_close_when_its_client_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The close frame of the client arrived with the message that the session answers so."""

    def close(session: Session, _: bytes) -> None:
        session.outlet.close(4000, "done")

    monkeypatch.setattr(Session, "received", close)
    async with stream_port(monkeypatch) as there, there.streaming(UPGRADE) as (client, _):
        client[1].write(frame(TEXT, b"last") + frame(CLOSE, NORMAL))
        assert await next_frame(client) == (CLOSE, NORMAL)
        assert await rest(client) == b""
