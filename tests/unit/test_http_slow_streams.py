"""Clients of streams that read slowly, or not at all, and what is held for them."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

import pytest

from consumer.http import stream as stream_module
from consumer.http.connections import CutOff
from consumer.http.stream import HELD_MAX_BYTES
from tests.support.eventually import eventually
from tests.support.http_port import SHORT_S, TLS, trusting
from tests.support.http_streams import (
    EVENTS,
    GET,
    Nowhere,
    Session,
    begun,
    each_form,
    next_chunk,
    pause,
    stream_port,
)

if TYPE_CHECKING:
    from consumer.http.settings import HttpTlsSettings

KILOBYTE: Final = 1024
MEGABYTE: Final = 1024 * KILOBYTE


class Pushing(Session):
    """Sends for ever, and waits for its client.

    Attributes:
        most_bytes: The most that was ever buffered.
    """

    most_bytes = 0

    async def work(self) -> None:
        """Send as fast as the client reads."""
        while True:
            self.outlet.send(b"x" * KILOBYTE)
            self.most_bytes = max(self.most_bytes, self.outlet.buffered_bytes)
            await self.outlet.drained()
            await asyncio.sleep(0)


@each_form
@pytest.mark.parametrize("tls", [None, TLS], ids=["plain", "tls"])
async def test_session_can_wait_for_a_slow_client(
    monkeypatch: pytest.MonkeyPatch, asked: bytes, tls: HttpTlsSettings | None
) -> None:
    """Little is buffered for it, and it is not cut off as long as it reads."""
    async with (
        stream_port(monkeypatch, lambda _: Pushing(), body_timeout_s=2 * SHORT_S, tls=tls) as there,
        there.streaming(asked, context=trusting() if tls else None) as (client, session),
    ):
        for _ in range(10):
            await pause(session, SHORT_S / 2)
            await client[0].readexactly(MEGABYTE)
        assert there.here.shed_count(CutOff.NOT_READING) == 0
        assert isinstance(session, Pushing)
        # Over TLS, a loaded machine may hand over every piece before the next is written.
        assert session.most_bytes or tls
        assert session.most_bytes < MEGABYTE / 4


@each_form
@pytest.mark.parametrize("tls", [None, TLS], ids=["plain", "tls"])
async def test_client_that_reads_nothing_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, asked: bytes, tls: HttpTlsSettings | None
) -> None:
    """If bytes have waited for it for so long."""
    async with (
        stream_port(monkeypatch, body_timeout_s=SHORT_S, tls=tls) as there,
        there.streaming(asked, context=trusting() if tls else None) as (client, session),
    ):
        client[1].transport.pause_reading()  # type: ignore[attr-defined]  # it is one of TCP
        await pause(session, 3 * SHORT_S)
        assert session.outlet.is_open  # nothing waits for it
        while there.here.shed_count(CutOff.NOT_READING) == 0:
            session.outlet.send(b"x" * MEGABYTE * (session.outlet.buffered_bytes < MEGABYTE))
            await pause(session, SHORT_S / 8)
        await session.ended.wait()
        await there.here.all_left()


@each_form
@pytest.mark.parametrize("tls", [None, TLS], ids=["plain", "tls"])
async def test_session_that_buffers_for_ever_is_ended(
    monkeypatch: pytest.MonkeyPatch, asked: bytes, tls: HttpTlsSettings | None
) -> None:
    """It has a bug, which must not take the memory of the process."""
    async with (
        stream_port(monkeypatch, tls=tls) as there,
        there.streaming(asked, context=trusting() if tls else None) as (_, session),
    ):
        for _ in range(4 * HELD_MAX_BYTES // MEGABYTE):
            session.outlet.send(b"x" * MEGABYTE)
            if session.outlet.is_open:
                assert session.outlet.buffered_bytes <= HELD_MAX_BYTES + 2 * MEGABYTE
        assert not session.outlet.is_open
        await eventually(session.ended.is_set)
        assert there.here.shed_count(CutOff.NOT_READING) == 1
        await there.here.all_left()


@each_form
async def test_client_that_does_not_read_its_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    """It got some seconds for it."""
    monkeypatch.setattr(stream_module, "CLOSE_S", SHORT_S)
    async with stream_port(monkeypatch) as there, there.streaming(asked) as (client, session):
        client[1].transport.pause_reading()  # type: ignore[attr-defined]  # it is one of TCP
        session.outlet.send(b"x" * 8 * MEGABYTE)
        session.outlet.close(4408, "too slow")
        await session.ended.wait()
        await there.here.all_left()


async def test_streams_do_not_wait_for_plain_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for a head or a body, nor for a further request."""
    async with (
        stream_port(
            monkeypatch, header_timeout_s=SHORT_S, body_timeout_s=SHORT_S, idle_timeout_s=SHORT_S
        ) as there,
        there.streaming(EVENTS) as (client, session),
    ):
        await pause(session, 4 * SHORT_S)
        session.outlet.send(b"data: a\n\n")
        assert await next_chunk(client) == b"data: a\n\n"


async def test_answer_before_a_stream_may_still_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the transport says of it reaches the stream, so `drained` ends."""
    plain = GET + b"\r\n"
    async with (
        stream_port(monkeypatch, lambda _: Pushing()) as there,
        there.here.connected(plain * 8 + EVENTS) as client,
    ):
        got = b""
        while len(got) < 2 * MEGABYTE:
            got += await client[0].readexactly(KILOBYTE)
        assert got.count(b"GET, no stream") == 8


async def test_system_holds_little_for_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a session would notice late that its client is slow."""
    monkeypatch.setattr(stream_module, "SYSTEM_HOLDS_BYTES", 8 * KILOBYTE)
    ours, theirs = socket.socketpair()
    session = Session()
    with ours, theirs:
        stream = begun(session, transport=Nowhere({"socket": ours}))
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 16 * KILOBYTE
    stream.connection_lost(None)
    await session.ended.wait()
