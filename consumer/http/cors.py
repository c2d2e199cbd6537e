"""Lets web pages of listed origins read answers: https://fetch.spec.whatwg.org/#http-cors-protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.http.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ALLOWED_HEADERS: Final = (
    "authorization, content-type, content-encoding, idempotency-key, x-api-key, x-request-id"
)
EXPOSED_HEADERS: Final = (
    "idempotent-replayed, ratelimit, ratelimit-policy, retry-after, x-request-id"
)
MAX_AGE_S: Final = 600
NOTHING: Final[Mapping[str, str]] = {}


class Cors:
    """The origins whose pages may read answers.

    Args:
        origins: Origins such as `https://console.example.com`, compared as they are.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)

    def preflight(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Answer | None:
        """Return the answer to a browser that asks before it sends; None if it does not ask."""
        if method != "OPTIONS" or not self._origins:
            return None
        sent = {name: value.decode("latin-1") for name, value in headers}
        if sent.get(b"origin") not in self._origins:
            return None
        if b"access-control-request-method" not in sent:
            return None
        allowed = {
            "access-control-allow-methods": "GET, POST, PUT, DELETE",
            "access-control-allow-headers": ALLOWED_HEADERS,
            "access-control-max-age": str(MAX_AGE_S),
        }
        return Answer(200, content_type="text/plain", headers=allowed)

    def allows(self, origin: str | None) -> bool:
        """Tell whether pages of this origin may read answers."""
        return origin in self._origins

    def headers(self, origin: str | None) -> Mapping[str, str]:
        """Return the further headers of an answer to a page of this origin."""
        if not self._origins:
            return NOTHING
        if origin not in self._origins:
            return {"vary": "Origin"}
        return {
            "access-control-allow-origin": origin or "",
            "access-control-expose-headers": EXPOSED_HEADERS,
            "vary": "Origin",
        }
