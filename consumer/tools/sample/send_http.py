"""Posts samples to the public port of a daemon, as a brand would."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

from consumer.errors import Unavailable
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.tools.sample.http_connection import HttpConnection, HttpReply, HttpTarget
from consumer.tools.sample.sender import SampleSender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.tools.sample.generate import Sample

CONNECTIONS_COUNT: Final = 16
PATIENCE_S: Final = 60.0
"""How long a sender sends a batch again and again. It is longer than for brokers, because a key may
have a rate, and a daemon that is busy asks its senders to wait."""
PAUSE_S: Final = 1.0
PAUSE_MAX_S: Final = 5.0
LATER: Final = frozenset({408, 429, 500, 502, 503, 504})
"""The answers after which the same request is sent again."""
REFUSED: Final = frozenset({400, 409, 413, 415})
"""The answers to an event that is broken."""


class HttpSender(SampleSender):
    """Posts each sample to the path of its type, over several connections.

    Samples of one player go over one connection, each after the answer to the one before, so that
    they stay in order. What was not answered, or was answered with 503, is sent again.

    Args:
        target: The public port.
        key: The text of an access key.
        connections_count: The number of connections. With one, all samples stay in order.
    """

    def __init__(
        self, target: HttpTarget, key: str, connections_count: int = CONNECTIONS_COUNT
    ) -> None:
        self._target = target
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._connections = [HttpConnection(target, headers) for _ in range(connections_count)]
        self._why = "no answer"
        self._refusal = ""

    async def open(self) -> None:
        """Ask something that needs no key. See `SampleSender.open`."""
        try:
            await self._connections[0].ask("GET", "/openapi.json", b"", {})
        except OSError as error:
            why = str(error) or "no answer in time"
            raise Unavailable(f"{self._target.authority}: {why}: is this its port?") from error

    async def send(self, samples: Sequence[Sample]) -> None:
        """See `SampleSender.send`."""
        turns: list[list[Sample]] = [[] for _ in self._connections]
        for sample in samples:
            turns[crc32((sample.ordering_key or "").encode()) % len(turns)].append(sample)
        try:
            async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
                for connection, turn in zip(self._connections, turns, strict=True):
                    group.create_task(self._send_in_turn(connection, turn), name="post")
        except TimeoutError as error:
            raise Unavailable(
                f"{self._target.authority}: not answered within {PATIENCE_S:g} s: {self._why}"
            ) from error
        if self._refusal:
            raise Unavailable(f"{self._target.authority}: {self._refusal}")

    async def _send_in_turn(self, connection: HttpConnection, samples: Sequence[Sample]) -> None:
        for sample in samples:
            while not self._refusal and not await self._is_answered(connection, sample):
                pass

    async def _is_answered(self, connection: HttpConnection, sample: Sample) -> bool:
        """Post a sample. If it has to be sent again, wait, and return False."""
        method, path, body = request_of(sample)
        encoding = sample.content_encoding
        headers = {} if encoding is None else {"content-encoding": encoding}
        try:
            reply = await connection.ask(method, path, body, headers)
        except (OSError, Unavailable) as error:
            self._why = str(error) or "no answer in time"
            await asyncio.sleep(PAUSE_S)
            return False
        if reply.status in LATER:
            self._why = _told(reply)
            await asyncio.sleep(_pause_s(reply))
            return False
        if reply.status not in {200, *REFUSED}:
            self._refusal = _told(reply)  # of the key, or because this is no port of ours
        return True

    async def close(self) -> None:
        """See `SampleSender.close`."""
        for connection in self._connections:
            connection.close()


def request_of(sample: Sample) -> tuple[str, str, bytes]:
    """Return the verb, the path and the body with which a brand posts a sample.

    A type without a path of its own, and a message without a type, go to the path for many events,
    as a single line.
    """
    found = PATHS.get(sample.message_type or "")
    if found is not None:
        return (*found, sample.body)
    name = msgspec.json.encode(sample.message_type)
    kind = b"" if sample.message_type is None else b'"type":' + name + b","
    return "POST", MANY_PATH, b"{" + kind + b'"data":' + sample.body + b"}"


def _pause_s(reply: HttpReply) -> float:
    """Return how long the server asks to wait, in seconds, but no longer than makes sense here."""
    try:
        return min(PAUSE_MAX_S, max(0.0, float(reply.headers.get("retry-after", PAUSE_S))))
    except ValueError:  # a date, which our own daemon never sends
        return PAUSE_S


class _ToldProblem(msgspec.Struct):
    """The part of a problem document that is meant for people."""

    detail: str = ""


def _told(reply: HttpReply) -> str:
    try:
        detail = msgspec.json.decode(reply.body, type=_ToldProblem).detail
    except msgspec.DecodeError:
        detail = ""
    return f"{reply.status} {detail}".rstrip()
