"""Requests of which two programs could have two opinions: where they end, or for whom they are.

A proxy in front of the port may take the end of such a request for another place than we do. Then
one client's bytes become a part of another client's request:
https://portswigger.net/web-security/request-smuggling.
"""

from __future__ import annotations

from typing import Final

import pytest

from consumer.http.connections import CutOff
from tests.support.http_port import HEAD, one_answer, port, problem

CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n"
CHUNKS: Final = b"\r\n2\r\n{}\r\n0\r\n\r\n"
TWO: Final = b"Content-Length: 2\r\n\r\n{}"
REFUSED: Final = {
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
    "chunks and length": CHUNKED + b"Content-Length: 5\r\n" + CHUNKS,
    "length in a trailer": CHUNKED + b"\r\n0\r\nContent-Length: 3\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 2\r\n" + TWO,
    "list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\n{}",
    "length with a sign": HEAD + b"Content-Length: +2\r\n\r\n{}",
    "length in hex": HEAD + b"Content-Length: 0x2\r\n\r\n{}",
    "no length": HEAD + b"Content-Length:\r\n\r\n{}",
    "length with a space": HEAD + b"Content-Length: 1 2\r\n\r\n{}",
    "long length": HEAD + b"Content-Length: %s2\r\n\r\n{}" % (b"0" * 5000),
    "huge length": HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "line feeds": HEAD.replace(b"\r", b"") + TWO.replace(b"\r", b""),
    "line feed behind a header": HEAD + b"A: b\n" + TWO,
    "carriage return in a header": HEAD + b"A: b\rX: y\r\n" + TWO,
    "folded header": HEAD + b"A: b\r\n c\r\n" + TWO,
    "folded encoding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n" + CHUNKS,
    "space before the colon": HEAD + b"Content-Length : 2\r\n\r\n{}",
    "space before the first header": b"POST /a HTTP/1.1\r\n Host: x\r\n" + TWO,
    "no colon": HEAD + b"nonsense\r\n" + TWO,
    "no name": HEAD + b": b\r\n" + TWO,
    "name of other letters": HEAD + b"\xc3\xa9: b\r\n" + TWO,
    "NUL in a header": HEAD + b"A: b\0c\r\n" + TWO,
    "no host": b"POST /a HTTP/1.1\r\n" + TWO,
    "two hosts": HEAD + b"Host: y\r\n" + TWO,
    "encoding and chunks": HEAD + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS,
    "chunks and encoding": HEAD + b"Transfer-Encoding: chunked, gzip\r\n" + CHUNKS,
    "identity": HEAD + b"Transfer-Encoding: identity\r\n" + CHUNKS,
    "unknown encoding": HEAD + b"Transfer-Encoding: xchunked\r\n" + CHUNKS,
    "quoted encoding": HEAD + b'Transfer-Encoding: "chunked"\r\n' + CHUNKS,
    "encoding behind a control": HEAD + b"Transfer-Encoding: \x0bchunked\r\n" + CHUNKS,
    "empty encoding": HEAD + b"Transfer-Encoding:\r\n" + TWO,
    "two encodings": HEAD
    + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"
    + CHUNKS,
    "chunks twice": CHUNKED + b"Transfer-Encoding: chunked\r\n" + CHUNKS,
    "chunks over HTTP/1.0": CHUNKED.replace(b"/1.1", b"/1.0") + CHUNKS,
    "huge chunk": CHUNKED + b"\r\nFFFFFFFFFFFFFFFFF\r\n{}",
    "chunk with a sign": CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "chunk in C's hex": CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "space behind a chunk's size": CHUNKED + b"\r\n2 \r\n{}\r\n0\r\n\r\n",
    "line feed behind a chunk's size": CHUNKED + b"\r\n2\n{}\r\n0\r\n\r\n",
    "line feed in a chunk's extension": CHUNKED + b"\r\n2;a\n{}\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"\r\n2\r\n{}XX\r\n0\r\n\r\n",
    "NUL in the path": HEAD.replace(b"/a", b"/a\0") + TWO,
    "tab in the path": HEAD.replace(b"/a", b"/a\tb") + TWO,
    "other letters in the path": HEAD.replace(b"/a", b"/\xc3\xa9") + TWO,
    "broken escape": HEAD.replace(b"/a", b"/a%zz") + TWO,
    "cut escape": HEAD.replace(b"/a", b"/a?b=%2") + TWO,
    "fragment": HEAD.replace(b"/a", b"/a#b") + TWO,
    "no path": HEAD.replace(b"/a", b"a") + TWO,
    "host without a path": HEAD.replace(b"/a", b"http://x") + TWO,
    "login in the address": HEAD.replace(b"/a", b"http://u:p@x/a") + TWO,
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT with a path": HEAD.replace(b"POST", b"CONNECT") + TWO,
    "OPTIONS of everything": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/1.2": HEAD.replace(b"/1.1", b"/1.2") + TWO,
    "HTTP/2.0": HEAD.replace(b"/1.1", b"/2.0") + TWO,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an answer": b"HTTP/1.1 200 OK\r\n\r\n",
    "verb in lower case": HEAD.replace(b"POST", b"post") + TWO,
    "verb with a space before": b" " + HEAD + TWO,
}
TAKEN: Final = {
    "chunk extension": (CHUNKED + b'\r\n2;a="b"\r\n{}\r\n0\r\n\r\n', b"POST /a {}"),
    "zeros before a chunk's size": (CHUNKED + b"\r\n0002\r\n{}\r\n0\r\n\r\n", b"POST /a {}"),
    "upper case": (HEAD + b"TRANSFER-ENCODING: CHUNKED\r\n" + CHUNKS, b"POST /a {}"),
    "whole address": (HEAD.replace(b"/a", b"http://y/a?b=c") + TWO, b"POST /a {}"),
    "escapes": (HEAD.replace(b"/a", b"/%61%2F") + TWO, b"POST /%61%2F {}"),
    "two slashes": (HEAD.replace(b"/a", b"//y/a") + TWO, b"POST //y/a {}"),
    "empty lines before": (b"\r\n\r\n" + HEAD + TWO, b"POST /a {}"),
    "Latin-1 in a header": (HEAD + b"A: \xe9\r\n" + TWO, b"POST /a {}"),
    "wish for a WebSocket": (
        HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + TWO,
        b"POST /a {}",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_unclear_request_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """And the connection is closed, so that nothing behind it can be taken for a request."""
    async with port(monkeypatch) as here:
        assert problem(await here.ask(REFUSED[name])) == (400, "bad_request")
        assert here.shed_count(CutOff.MALFORMED) == 1


@pytest.mark.parametrize("name", TAKEN)
async def test_clear_request_is_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Everybody reads it in the same way, and the connection goes on."""
    sent, expected = TAKEN[name]
    async with port(monkeypatch) as here, here.connected(sent + HEAD + TWO) as client:
        assert await one_answer(client) == expected
        assert await one_answer(client) == b"POST /a {}"
