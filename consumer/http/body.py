"""Reads the body of a request, within a limit, and within the memory that all bodies may take.

Responsible for how much may be read. `connection.py` is responsible for how long that may take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.http.answer import Problem
from consumer.http.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

ALL_BODIES_BYTES: Final = 64 * 1024 * 1024
"""The largest size of all bodies that are being read at the same time. A body that arrived in
one piece is not counted."""


class BodyTooLarge(Problem):
    """The body is over the limit. The rest that the client sends has to be thrown away."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(413, "too_large", f"body: expected at most {limit_bytes} bytes")


class BodyBusy(Problem):
    """The bodies that are being read at the same time leave no memory for this body."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "busy",
            "too many bodies are being received; send again",
            headers={"retry-after": "1"},
        )


class Bodies:
    """Reads all bodies of a port. Each key gets a share of the memory: see `Shares`."""

    def __init__(self, total_bytes: int = ALL_BODIES_BYTES) -> None:
        self._shares = Shares(total_bytes)

    async def read(
        self,
        receive: Callable[[], Awaitable[Mapping[str, object]]],
        declared_bytes: int | None,
        holder: str,
        limit_bytes: int,
    ) -> bytes:
        """Read a whole body.

        Args:
            receive: The `receive` of ASGI.
            declared_bytes: The `Content-Length`, in bytes. None if the request has no such header.
            holder: Who gets the share of the memory: a key's id or an address.
            limit_bytes: The largest size, in bytes.

        Raises:
            BodyTooLarge: The body is larger. With a `Content-Length`, nothing of it was read.
            BodyBusy: There is no memory for the body now.
            Problem: The client went away before the end.
        """
        if declared_bytes is not None and declared_bytes > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        message = await receive()
        body = _part(message)
        if message.get("more_body"):
            return await self._read_on(receive, body, holder, limit_bytes)
        if len(body) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        return body

    async def _read_on(
        self,
        receive: Callable[[], Awaitable[Mapping[str, object]]],
        part: bytes,
        holder: str,
        limit_bytes: int,
    ) -> bytes:
        parts: list[bytes] = []
        held_bytes = 0
        more = True
        try:
            while True:
                if held_bytes + len(part) > limit_bytes:
                    raise BodyTooLarge(limit_bytes)
                if not self._shares.has_room(holder, len(part)):
                    raise BodyBusy
                self._shares.take(holder, len(part))
                held_bytes += len(part)
                parts.append(part)
                if not more:
                    return b"".join(parts)
                message = await receive()
                part, more = _part(message), bool(message.get("more_body"))
        finally:
            self._shares.give_back(holder, held_bytes)


def _part(message: Mapping[str, object]) -> bytes:
    if message["type"] == "http.disconnect":
        raise Problem(400, "cut_off", "the client went away before the end of the body")
    body = message.get("body", b"")
    return body if isinstance(body, bytes) else b""
