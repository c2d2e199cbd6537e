"""Checks the first line and the headers of a request, after the parser.

The parser (llhttp) refuses most of what two programs could read in two ways: two lengths, a length
beside chunks, bare line feeds, folded lines, spaces before a colon. The rest is refused here: a
proxy in front of this port could have another opinion of where such a request ends.
tests/unit/test_http_malformed.py has a list of all that has to be refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""

HEAD_MAX_BYTES: Final = 32 * 1024
"""The largest size of a request's first line and headers."""
TARGET_MAX_BYTES: Final = 8 * 1024
"""The largest size of what is asked for in the first line."""
SEPARATORS_BYTES: Final = 4
"""What a header has beside its name and value: a colon, a space and a line break."""
LENGTH_MAX_DIGITS: Final = 19
"""The longest Content-Length. The parser allows any number of zeros in front, but Python refuses to
read a number with more than 4,300 digits."""
VERSIONS: Final = ("1.1", "1.0")

_is_odd: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})|#").search
_is_url: Final = re.compile(rb"https?://[^/?@]+(/.*)", re.IGNORECASE).fullmatch


def malformed(why: str = "it is no valid HTTP") -> Problem:
    """Return the answer to a request that cannot be read."""
    return Problem(400, "bad_request", f"the request cannot be read: {why}")


def too_large(what: str = "the headers are", limit_bytes: int = HEAD_MAX_BYTES) -> Problem:
    """Return the answer to a request whose head is too large."""
    text = f"{what} too large, expected at most {limit_bytes} bytes"
    return Problem(431, "headers_too_large", text)


def check_size(target: bytes, headers: Headers) -> None:
    """Refuse a whole head that is too large.

    Raises:
        Problem: The head is too large.
    """
    fields = sum(len(name) + len(value) + SEPARATORS_BYTES for name, value in headers)
    if len(target) + fields > HEAD_MAX_BYTES:
        raise too_large()


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """Return the path and the query of what is asked for in the first line, as they were sent.

    Raises:
        Problem: The address is too large, or two programs could read it in two ways.
    """
    if len(target) > TARGET_MAX_BYTES:
        raise too_large("the address is", TARGET_MAX_BYTES)
    if (b"%" in target or b"#" in target) and _is_odd(target):
        raise malformed("the address is not encoded as addresses are")
    if target[:1] != b"/":
        target = _without_host(target)
    path, _, query = target.partition(b"?")
    return path, query


def _without_host(target: bytes) -> bytes:
    """Return the path and the query of a whole URL, which a client may send to a proxy."""
    found = _is_url(target)
    if found is None:
        raise malformed("expected a path")
    return found[1]


def check_headers(version: str, headers: Headers) -> None:
    """Refuse what another program could read in another way.

    Args:
        version: The version of HTTP, such as `1.1`.
        headers: All headers.

    Raises:
        Problem: Two programs could read the headers in two ways.
    """
    by_name = dict(headers)
    if len(by_name.get(b"content-length", b"")) > LENGTH_MAX_DIGITS:
        raise malformed("the Content-Length has too many digits")
    if len(by_name) == len(headers) and version == "1.1":
        # By far the most requests: no header stands twice.
        if b"host" in by_name and b"transfer-encoding" not in by_name:
            return
    elif version not in VERSIONS:
        raise malformed("it has another version of HTTP")
    hosts_count = sum(name == b"host" for name, _ in headers)
    if hosts_count > 1 or (not hosts_count and version == "1.1"):
        # https://www.rfc-editor.org/rfc/rfc9112#section-3.2
        raise malformed("expected one Host")
    if b"transfer-encoding" in by_name and not _is_chunked(version, headers):
        raise malformed("expected Transfer-Encoding: chunked or none")


def _is_chunked(version: str, headers: Headers) -> bool:
    """Tell whether the body comes in chunks, and nothing else is said about it.

    A proxy of HTTP/1.0 knows no chunks, and would take them for the next request.
    """
    found = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    return found == [b"chunked"] and version == "1.1"


def without_upgrade(method: bytes, version: str, target: bytes, headers: Headers) -> bytes:
    """Return the text of a head again, without the wish for another protocol.

    A server may take such a request as if it had not asked, and Java's client asks for HTTP/2 with
    its first request.

    Raises:
        Problem: The request asks for a tunnel.
    """
    if method == b"CONNECT":
        raise malformed("there is no CONNECT")
    first = b"%b %b HTTP/%b" % (method, target, version.encode())
    lines = [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join([first, *lines, b"", b""])


def scope_of(
    fixed: Mapping[str, object],
    method: bytes,
    version: str,
    path: bytes,
    query: bytes,
    headers: Headers,
) -> dict[str, object]:
    """Return what the application gets to know of a request: the scope of ASGI.

    See https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope.

    Args:
        fixed: What is the same for all requests of a connection.
        method: The verb.
        version: The version of HTTP, such as `1.1`.
        path: The path, as it was sent.
        query: The query, as it was sent, without the question mark.
        headers: All headers.
    """
    text = path.decode("latin-1")  # the parser lets nothing pass but ASCII
    return {
        **fixed,
        "http_version": version,
        "method": method.decode(),
        "path": unquote(text) if "%" in text else text,
        "raw_path": path,
        "query_string": query,
        "headers": headers,
        "state": {},
    }
