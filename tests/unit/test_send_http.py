"""The sender that posts, beside a server that answers as the test says. All sockets are real."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from consumer.errors import ConfigError, Unavailable
from consumer.tools.sample import http_connection, send_http
from consumer.tools.sample.generate import Intent, Sample
from consumer.tools.sample.http_connection import target_of, trusting_only
from consumer.tools.sample.send_http import HttpSender, request_of
from consumer.tools.sample.senders import make_sender
from tests.unit.test_config_http import PORT, configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def answer(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    """Write an answer."""
    lines = (b"HTTP/1.1 %d X" % status, b"content-length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


STORED = answer(200, b"{}")
DATA = Path(__file__).parents[1] / "data" / "tls"
KEY = "ck_live_0123456789ab_0123456789abcdefghijABCDEFGHIJ01"


def sample(
    body: bytes = b'{"a": 1}', kind: str | None = "CASINO", encoding: str | None = None
) -> Sample:
    """Return a sample of one player."""
    return Sample(body, kind, Intent.EVENT, content_encoding=encoding, ordering_key="p1")


class AnsweringServer:
    """Answers each request with the next answer, and with the last one after that.

    An empty answer cuts the connection. None lets the sender wait.
    """

    def __init__(self, *answers: bytes | None) -> None:
        self.requests: list[bytes] = []
        self.connections_count = 0
        self._answers = list(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        self.connections_count += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                (length,) = (
                    line.partition(b": ")[2]
                    for line in head.split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                self.requests.append(head + await reader.readexactly(int(length)))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer is None:
                    continue
                if not answer:
                    break
                writer.write(answer)
        writer.close()


@contextlib.asynccontextmanager
async def sender_to(
    server: AnsweringServer, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
) -> AsyncIterator[HttpSender]:
    """Run a server, and give the sender to it; with the TLS contexts of both."""
    ours, theirs = tls or (None, None)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=theirs)
    port = listener.sockets[0].getsockname()[1]
    scheme = "http" if tls is None else "https"
    sender = HttpSender(target_of(f"{scheme}://127.0.0.1:{port}/base/", ours), KEY)
    try:
        yield sender
    finally:
        await sender.close()
        listener.close()


async def test_each_sample_goes_to_the_path_of_its_type_with_the_key() -> None:
    """Behind the path of the URL, and over a connection that stays open."""
    server = AnsweringServer(STORED)
    async with sender_to(server) as sender:
        await sender.send([sample(), sample(kind="USER_UPDATE_V2", encoding="br")])
    first, second = server.requests
    assert first.startswith(b"POST /base/v1/integration/casino HTTP/1.1\r\n")
    assert f"\r\nauthorization: Bearer {KEY}\r\n".encode() in first
    assert first.endswith(b'\r\n\r\n{"a": 1}')
    assert second.startswith(b"PUT /base/v2/integration/user HTTP/1.1\r\n")
    assert b"\r\ncontent-encoding: br\r\n" in second
    assert server.connections_count == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("USER_TAG", b'{"type":"USER_TAG","data":{"a": 1}}'),
        ('A"\n', b'{"type":"A\\"\\n","data":{"a": 1}}'),
        (None, b'{"data":{"a": 1}}'),
    ],
)
def test_types_without_a_path_go_to_the_path_for_many(kind: str | None, body: bytes) -> None:
    """Unknown ones too, and messages whose type was forgotten."""
    assert request_of(sample(kind=kind)) == ("POST", "/v1/integration/events", body)


@pytest.mark.parametrize(
    "trouble",
    [
        answer(503, b"", b"retry-after: 0"),
        answer(429),
        answer(503, b"", b"retry-after: soon"),
        b"",
        b"no http\r\n\r\n",
    ],
)
async def test_what_was_not_answered_is_sent_again(
    trouble: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 503 and 429, a cut connection, and an answer that is none; in the same order."""
    monkeypatch.setattr(send_http, "PAUSE_S", 0.01)
    server = AnsweringServer(trouble, trouble, STORED)
    async with sender_to(server) as sender:
        await sender.send([sample(b"1"), sample(b"2")])
    assert [request[-1:] for request in server.requests] == [b"1", b"1", b"1", b"2"]


async def test_a_silent_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over another connection: an answer that comes late must not be taken for the next one."""
    monkeypatch.setattr(send_http, "PAUSE_S", 0.01)
    monkeypatch.setattr(http_connection, "ANSWER_TIMEOUT_S", 0.1)
    server = AnsweringServer(None, STORED)
    async with sender_to(server) as sender:
        await sender.send([sample()])
    assert (len(server.requests), server.connections_count) == (2, 2)


@pytest.mark.parametrize("status", [400, 409, 413, 415])
async def test_a_broken_sample_counts_as_sent(status: int) -> None:
    """It is a dead letter, or was refused for ever; to send it again would not help."""
    server = AnsweringServer(answer(status))
    async with sender_to(server) as sender:
        await sender.send([sample()])
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_a_refused_key_ends_the_sending(status: int) -> None:
    """With what the server says, and not after a minute."""
    server = AnsweringServer(answer(status, b'{"detail":"no such key"}'))
    async with sender_to(server) as sender:
        with pytest.raises(Unavailable, match=rf": {status} no such key"):
            await sender.send([sample()])


async def test_a_server_that_is_always_busy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its last answer."""
    monkeypatch.setattr(send_http, "PATIENCE_S", 0.2)
    busy = answer(503, b'{"detail":"full"}', b"retry-after: 0")
    async with sender_to(AnsweringServer(busy)) as sender:
        with pytest.raises(Unavailable, match=r"not answered within 0\.2 s: 503 full"):
            await sender.send([sample()])


async def test_events_of_several_players_share_the_connections() -> None:
    """Each player's are in order."""
    server = AnsweringServer(STORED)
    samples = [
        Sample(b"%02d" % number, "CASINO", Intent.EVENT, ordering_key=f"p{number % 30}")
        for number in range(90)
    ]
    async with sender_to(server) as sender:
        await sender.send(samples)
    sent = [int(request[-2:]) for request in server.requests]
    assert server.connections_count > 1
    for player in range(30):
        assert [number for number in sent if number % 30 == player] == [
            player,
            player + 30,
            player + 60,
        ]


async def test_an_absent_daemon_is_told_at_once() -> None:
    """Before any event is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sender = HttpSender(target_of(f"http://127.0.0.1:{port}"), KEY)
    with pytest.raises(Unavailable, match="does the server run"):
        await sender.open()


def presented() -> ssl.SSLContext:
    """Return a context of a server that has the certificate of the tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "cert.pem", DATA / "key.pem")
    return context


async def test_the_certificate_of_the_configuration_is_trusted() -> None:
    """Whatever names it has: the port is on this machine."""
    server = AnsweringServer(STORED)
    both = trusting_only(str(DATA / "cert.pem")), presented()
    async with sender_to(server, both) as sender:
        await sender.send([sample()])
    assert len(server.requests) == 1


async def test_another_certificate_is_not_trusted() -> None:
    """The key would go to whoever listens there."""
    server = AnsweringServer(STORED)
    async with sender_to(server, (ssl.create_default_context(), presented())) as sender:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await sender.open()
    assert server.requests == []


@pytest.mark.parametrize(
    ("key", "words"), [("", "needs an access key"), (KEY[:-1], "this is no access key")]
)
def test_a_key_that_can_be_no_key_is_refused_before_anything_is_sent(key: str, words: str) -> None:
    """A part that was not copied is the most usual mistake."""
    with pytest.raises(ConfigError, match=f"--key: .*{words}"):
        make_sender(configured(PORT), "api", key=key)


@pytest.mark.parametrize("url", ["ftp://h", "http://", "h:1"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """With the text."""
    with pytest.raises(ValueError, match=url):
        target_of(url)


def test_the_url_of_an_inherited_socket_has_to_be_given() -> None:
    """The configuration does not say at which port it listens."""
    inherited = configured(PORT.replace("[http]", "[http]\nbind = 'fd:3'"))
    with pytest.raises(ConfigError, match=r"--url: http\.bind is fd:3"):
        make_sender(inherited, "api", key="")
