"""Senders over HTTP that post each body again until the answer is 200, as a brand's back office.

Their own client: a few lines over a socket are far cheaper than the server under test, so that it
is the server that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

ANSWER_DEADLINE_S: Final = 30.0
PAUSE_S: Final = 0.05
"""Before a body is posted again. `Retry-After` would make the tests too slow."""
ONE_PATH: Final = "/v1/integration/casino"
MANY_PATH: Final = "/v1/integration/events"


class NoAnswer(Exception):
    """The connection ended, or nothing came in time."""


class Client:
    """One connection after another to one port.

    Args:
        port: of 127.0.0.1.
        key: the text of the key.
    """

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, body: bytes, path: str = ONE_PATH) -> tuple[int, bytes]:
        """Post once; return the status and the answer's body.

        Raises:
            NoAnswer: there is none. The next post opens a new connection.
        """
        kind = "application/json" if path == ONE_PATH else "application/x-ndjson"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {self._key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                return await self._exchange(head.encode() + body)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise NoAnswer from error

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        reader = self._reader
        assert reader is not None
        self._writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), answer

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


class Senders:
    """Clients that share a list of bodies and post each until it has its 200.

    Args:
        port: of the daemon, or of a proxy before it.
        keys: the clients take turns in having them.
        clients_count: so many post at once.

    Attributes:
        waiting: the bodies that no client has taken yet, the next one last.
        done: the bodies that have their 200.
        answers: the number of answers with each status; 0: no answer.
        took_s: of each answer with 200, by the client's key, with the time at which it came.
    """

    def __init__(self, port: int, keys: list[str], clients_count: int = 50) -> None:
        self._port = port
        self._keys = keys
        self._clients_count = clients_count
        self._tasks: list[asyncio.Task[None]] = []
        self.waiting: list[bytes] = []
        self.done: list[bytes] = []
        self.answers: Counter[int] = Counter()
        self.took_s: dict[str, list[tuple[float, float]]] = {key: [] for key in keys}

    async def __aenter__(self) -> Self:
        for number in range(self._clients_count):
            key = self._keys[number % len(self._keys)]
            self._tasks.append(asyncio.create_task(self._run(key), name="sender"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks)

    async def _run(self, key: str) -> None:
        client = Client(self._port, key)
        try:
            while True:
                if self.waiting:
                    await self._send(client, key, self.waiting.pop())
                else:
                    await asyncio.sleep(PAUSE_S)
        finally:
            client.close()

    async def _send(self, client: Client, key: str, body: bytes) -> None:
        while True:
            began_s = time.monotonic()
            try:
                status, _ = await client.post(body)
            except NoAnswer:
                status = 0
            self.answers[status] += 1
            if status == 200:
                now_s = time.monotonic()
                self.took_s[key].append((now_s, now_s - began_s))
                self.done.append(body)
                return
            await asyncio.sleep(PAUSE_S)


def share_s(times_s: list[float], share: float) -> float:
    """Return the time below which this share of the times lies."""
    return sorted(times_s)[int(len(times_s) * share)]


def seconds(times_s: list[float], began_s: float) -> Iterator[int]:
    """Yield how many of the times lie in each whole second from the beginning on."""
    counted = Counter(int(time_s - began_s) for time_s in times_s)
    yield from (counted[second] for second in range(max(counted, default=-1) + 1))
