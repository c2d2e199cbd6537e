"""What a client can hold at the public port, and for how long. All clients use real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from consumer.http import connection
from consumer.http.connection import LINGER_MAX_BYTES, PIPELINED_MAX_COUNT
from consumer.http.connections import CutOff
from consumer.http.head import HEAD_MAX_BYTES, TARGET_MAX_BYTES
from tests.support.eventually import eventually
from tests.support.http_port import (
    HEAD,
    POST,
    SHORT_S,
    EchoApplication,
    answer,
    one_answer,
    port,
    problem,
    rest,
    whole_body,
)

if TYPE_CHECKING:
    from consumer.http.application import Receive, Send
    from consumer.http.cycle import AsgiEvent
    from tests.support.http_port import Client

HALF_HEAD: Final = HEAD + b"X-A: "
HALF_BODY: Final = HEAD + b"Content-Length: 600\r\n\r\n{"
CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE: Final = 1024 * 1024


def get(path: str) -> bytes:
    """Return a request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.mark.parametrize("sent", [b"", POST, b"\r\n\r\n"], ids=["nothing", "a request", "lines"])
async def test_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Without a word, because no request has begun."""
    async with port(monkeypatch, idle_timeout_s=SHORT_S) as here:
        got = await here.ask(sent)
        assert got.count(b"HTTP/1.1") == (1 if sent == POST else 0)
        assert here.shed_count(CutOff.SLOW) == 0


@pytest.mark.parametrize("sent", [HALF_HEAD, POST + HALF_HEAD])
async def test_head_that_never_ends_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """Also if a byte comes now and then, and if another request was answered before."""
    async with port(monkeypatch, header_timeout_s=SHORT_S) as here, here.connected(sent) as client:
        if sent.startswith(POST):
            await one_answer(client)
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(rest(client), name="rest")
            while not ended.done():
                await asyncio.wait({ended}, timeout=SHORT_S / 4)
                client[1].write(b"a")
        assert problem(ended.result()) == (408, "timeout")
        assert here.shed_count(CutOff.SLOW) == 1


@pytest.mark.parametrize("sent", [HALF_BODY, CHUNKED, CHUNKED + b"2\r\n{}\r\n0\r\nX-A: "])
async def test_body_that_never_ends_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """And the application is told that the client is gone."""
    async with port(monkeypatch, body_timeout_s=SHORT_S) as here:
        assert problem(await here.ask(sent)) == (408, "timeout")
        assert here.shed_count(CutOff.SLOW) == 1


async def test_application_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it works, no deadline counts, also not for a request that begins behind."""
    application = EchoApplication()
    application.may_answer.clear()
    short = {"header_timeout_s": SHORT_S, "body_timeout_s": SHORT_S, "idle_timeout_s": SHORT_S}
    async with (
        port(monkeypatch, application, **short) as here,
        here.connected(POST + HEAD) as client,
    ):
        assert await here.ask(b"") == b""  # so much time has gone by
        application.may_answer.set()
        assert await one_answer(client) == b"POST /a {}"
        assert problem(await rest(client)) == (408, "timeout")


async def test_body_behind_a_slow_answer_gets_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """We do not read it before that."""
    application = EchoApplication()
    application.may_answer.clear()
    short = {"body_timeout_s": SHORT_S, "idle_timeout_s": SHORT_S}
    async with (
        port(monkeypatch, application, **short) as here,
        here.connected(POST + HALF_BODY) as client,
    ):
        await here.ask(b"")  # so much time has gone by
        application.may_answer.set()
        client[1].write(b"x" * 599)
        assert await one_answer(client) == b"POST /a {}"
        assert await one_answer(client) == b"POST /a {" + b"x" * 599


async def test_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for more than the buffers of the system hold."""

    async def flood(_scope: AsgiEvent, receive: Receive, send: Send) -> None:
        await whole_body(receive)
        await answer(send, b"x" * 32 * MEGABYTE)

    async with port(monkeypatch, flood, body_timeout_s=SHORT_S) as here, here.connected(POST):
        await eventually(lambda: here.shed_count(CutOff.NOT_READING) == 1)
        await here.all_left()


async def test_client_that_reads_late_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it has read, nothing is held against it."""

    async def flood(_scope: AsgiEvent, receive: Receive, send: Send) -> None:
        await whole_body(receive)
        await answer(send, b"x" * 32 * MEGABYTE)

    limits = {"body_timeout_s": 4 * SHORT_S, "idle_timeout_s": 6 * SHORT_S}
    async with port(monkeypatch, flood, **limits) as here, here.connected(POST) as client:
        await one_answer(client)
        assert await rest(client) == b""  # it was idle
        assert here.shed_count(CutOff.NOT_READING) == 0


async def test_refused_client_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads its answer, and goes on holding its connection."""
    monkeypatch.setattr(connection, "LINGER_S", SHORT_S)
    async with port(monkeypatch) as here, here.connected(b"nonsense\r\n\r\n") as client:
        assert problem(await rest(client)) == (400, "bad_request")
        await here.all_left()


async def test_last_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks for the end of the connection, and does not read what is left in buffers."""

    async def flood(_scope: AsgiEvent, receive: Receive, send: Send) -> None:
        await whole_body(receive)
        await answer(send, b"x" * 32 * MEGABYTE)

    close = HEAD + b"Connection: close\r\n\r\n"
    async with port(monkeypatch, flood, body_timeout_s=SHORT_S) as here, here.connected(close):
        await eventually(lambda: here.open_count == 1)
        await here.all_left()


async def test_pipelined_requests_are_answered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as may wait, in one write."""
    asked = [f"/{number}" for number in range(PIPELINED_MAX_COUNT + 1)]
    async with port(monkeypatch) as here, here.connected(b"".join(map(get, asked))) as client:
        assert [await one_answer(client) for _ in asked] == [
            f"GET {each} ".encode() for each in asked
        ]
        client[1].write(POST)
        assert await one_answer(client) == b"POST /a {}"


async def test_more_pipelined_requests_close_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And no more than the limit are kept in memory."""
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application) as here:
        assert await here.ask(get("/") * 100_000) == b""
        assert here.shed_count(CutOff.PIPELINED) == 1
        assert len(application.seen) <= 1


async def send(client: Client, size_bytes: int, within_s: float | None = None) -> None:
    """Send a part of a body."""
    async with asyncio.timeout(within_s):
        for _ in range(size_bytes // MEGABYTE):
            client[1].write(b"x" * MEGABYTE)
            await client[1].drain()


def head_of(size_bytes: int) -> bytes:
    """Return a request whose first line and headers have about this size."""
    lines = b"".join(
        b"X-%04d: %b\r\n" % (number, b"a" * 200) for number in range(size_bytes // 210)
    )
    return HEAD + lines + b"\r\n"


async def test_large_head_is_taken_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head just under the limit, in one piece and in many."""
    sent = head_of(HEAD_MAX_BYTES - 1024)
    async with port(monkeypatch) as here, here.connected(sent) as client:
        await one_answer(client)
        for at in range(0, len(sent), 1000):
            client[1].write(sent[at : at + 1000])
            await asyncio.sleep(0)
        assert await one_answer(client) == b"POST /a "


@pytest.mark.parametrize(
    "sent",
    [
        head_of(HEAD_MAX_BYTES + 1024),
        HALF_HEAD + b"a" * MEGABYTE,
        HALF_HEAD + b"a" * MEGABYTE + b"\r\n\r\n",
        HEAD + b"a" * MEGABYTE,
        HEAD + b"a:\r\n" * 20_000,
        get("/" + "a" * TARGET_MAX_BYTES),
        b"GET /" + b"a" * MEGABYTE,
        CHUNKED + b"0\r\nX-A: " + b"a" * MEGABYTE,
        CHUNKED + b"0\r\n" + b"X-A: a\r\n" * 100_000,
        CHUNKED + b"2;" + b"a" * MEGABYTE,
    ],
    ids=[
        *("whole", "one value", "one whole value", "one name", "many", "address", "half address"),
        *("trailer", "trailers", "chunk extension"),
    ],
)
async def test_head_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """And the answer arrives, although the client is still sending."""
    async with port(monkeypatch) as here:
        assert problem(await here.ask(sent)) == (431, "headers_too_large")
        assert here.shed_count(CutOff.HEADERS) == 1


async def test_large_head_in_pieces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No piece is large."""
    sent = head_of(HEAD_MAX_BYTES + 2048)
    async with port(monkeypatch) as here, here.connected() as client:
        for at in range(0, len(sent), 1000):
            client[1].write(sent[at : at + 1000])
            await client[1].drain()
            await asyncio.sleep(0)
        assert problem(await rest(client)) == (431, "headers_too_large")


async def test_refused_client_may_send_on_only_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it sends is thrown away, up to a limit."""
    async with port(monkeypatch) as here, here.connected(b"nonsense\r\n\r\n") as client:
        assert problem(await rest(client))[0] == 400
        with pytest.raises(ConnectionError):
            await send(client, 10 * LINGER_MAX_BYTES)
        await here.all_left()


async def test_trailer_is_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy looks at the headers only, and would let a key or an address pass in a trailer."""
    application = EchoApplication()
    async with port(monkeypatch, application) as here:
        sent = CHUNKED + b"2\r\n{}\r\n0\r\nX-Api-Key: k\r\n\r\n"
        async with here.connected(POST + sent) as client:
            assert [await one_answer(client) for _ in range(2)] == [b"POST /a {}"] * 2
        names = [name for name, _ in application.seen[1]["headers"]]
        assert names == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("is_first", [True, False])
async def test_body_that_nobody_reads_is_held_up(
    monkeypatch: pytest.MonkeyPatch, *, is_first: bool
) -> None:
    """The client cannot send more than the buffers of the system hold, and some."""
    seen: list[AsgiEvent] = []
    may_answer = asyncio.Event()

    async def deaf(_scope: AsgiEvent, receive: Receive, send: Send) -> None:
        await may_answer.wait()
        seen.append(await receive())
        await answer(send, b"")

    head = HEAD + b"Content-Length: 104857600\r\n\r\n"
    async with (
        port(monkeypatch, deaf) as here,
        here.connected(head if is_first else POST + head) as client,
    ):
        with pytest.raises(TimeoutError):
            await send(client, 100 * MEGABYTE, within_s=SHORT_S)
        may_answer.set()
        await one_answer(client)
        await eventually(lambda: len(seen) == (1 if is_first else 2))
        assert len(seen[-1]["body"]) < MEGABYTE


async def test_large_chunk_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes in many pieces. The end comes in pieces of their own, which bring no body."""
    body = b"x" * MEGABYTE
    async with port(monkeypatch) as here, here.connected(CHUNKED) as client:
        client[1].write(b"%x\r\n%b\r\n" % (len(body), body))
        for end in (b"0", b"\r\n", b"\r\n"):
            await here.ask(POST.replace(b"Host", b"Connection: close\r\nHost"))
            client[1].write(end)
        assert await one_answer(client) == b"POST /a " + body


async def test_early_answer_and_the_rest_of_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application may answer, throw away what still comes, and end then."""

    async def early(_scope: AsgiEvent, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"2"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}", "more_body": True})
        await whole_body(receive)
        await send({"type": "http.response.body"})

    sent = HEAD + b"Content-Length: 4194304\r\n\r\n" + b"x" * 4 * MEGABYTE
    async with port(monkeypatch, early) as here:
        got = await here.ask(sent)
        assert got.startswith(b"HTTP/1.1 413")
        assert got.endswith(b"\r\n\r\n{}")


async def test_body_may_end_behind_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next request is answered. If the body never ends, nothing is sent behind the answer."""

    async def early(scope: AsgiEvent, _receive: Receive, send: Send) -> None:
        await answer(send, scope["raw_path"])

    async with (
        port(monkeypatch, early, body_timeout_s=SHORT_S) as here,
        here.connected(HALF_BODY) as client,
        here.connected(HALF_BODY) as other,
    ):
        assert await one_answer(client) == await one_answer(other) == b"/a"
        client[1].write(b"x" * 599)
        assert await rest(other) == b""  # so much time has gone by
        client[1].write(get("/b"))
        assert await one_answer(client) == b"/b"


@pytest.mark.parametrize("starts", [True, False])
async def test_bug_of_the_application_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, *, starts: bool
) -> None:
    """Unless its answer has begun: then the connection is closed before the end of the answer."""

    async def fail(_scope: AsgiEvent, _receive: Receive, send: Send) -> None:
        if starts:
            headers = [(b"content-length", b"9")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})

    async with port(monkeypatch, fail) as here:
        got = await here.ask(POST)
        if starts:
            assert got.endswith(b"\r\n\r\n")
        else:
            assert problem(got) == (500, "internal")


async def test_client_that_sends_too_much_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong length, the rest of the body is no request. It would send again for ever."""
    application = EchoApplication()
    application.may_answer.clear()
    async with port(monkeypatch, application) as here, here.connected(POST + b'"rest"}') as client:
        await eventually(lambda: here.shed_count(CutOff.MALFORMED) == 1)
        application.may_answer.set()
        assert await one_answer(client) == b"POST /a {}"
        assert await rest(client) == b""


@pytest.mark.parametrize(
    "rest_of_it",
    [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
)
async def test_last_request_may_ask_for_another_protocol(
    monkeypatch: pytest.MonkeyPatch, rest_of_it: bytes
) -> None:
    """It is answered, and nothing behind it is."""
    wish = b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n"
    async with port(monkeypatch) as here:
        got = await here.ask(HEAD + wish + rest_of_it + POST)
        assert got.endswith(b"\r\n\r\nPOST /a {}")
        assert got.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "rest_of_it",
    [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
)
async def test_other_protocol_is_ignored(
    monkeypatch: pytest.MonkeyPatch, rest_of_it: bytes
) -> None:
    """Java's client asks for HTTP/2 with its first request, which may have a body."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    sent = (HEAD + wish + rest_of_it) * 2 + POST
    async with port(monkeypatch) as here, here.connected(sent) as client:
        assert [await one_answer(client) for _ in range(3)] == [b"POST /a {}"] * 3
