"""Senders over HTTP that post each body again until the answer is 200, as a brand's back office.

Their own client: a few lines over a socket are far cheaper than the server under test, so that it
is the server that is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

from consumer.cancel import end_tasks
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

ANSWER_DEADLINE_S: Final = 30.0
PAUSE_S: Final = 0.05
"""Before a body is posted again. `Retry-After` would make the tests too slow."""
ONE_PATH: Final = "/v1/integration/casino"
MANY_PATH: Final = "/v1/integration/events"


class NoAnswer(Exception):
    """The connection ended, or nothing came in time.

    Attributes:
        cut_off: True if the request was written to a connection that was open.
    """

    def __init__(self, *, cut_off: bool) -> None:
        super().__init__()
        self.cut_off = cut_off


class Client:
    """One connection after another to one port.

    Args:
        port: of 127.0.0.1.
        key: the text of the key.
        address: the address of this machine from which it connects.
    """

    def __init__(self, port: int, key: str, address: str = "127.0.0.1") -> None:
        self._port = port
        self._key = key
        self._address = (address, 0)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, body: bytes, path: str = ONE_PATH) -> tuple[int, bytes]:
        """Post once; return the status and the answer's body.

        Raises:
            NoAnswer: there is none. The next post opens a new connection.

        Cancelling: the connection is closed.
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
            cut_off = self._writer is not None
            self.close()
            raise NoAnswer(cut_off=cut_off) from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=self._address
            )
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
        pause_s: before a body is posted again.
        path: to which all bodies are posted.

    Attributes:
        waiting: the bodies that no client has taken yet, the next one last.
        done: the bodies that have their 200.
        answers: the number of answers with each status; 0: no answer.
        good: by key, each answer with 200: the time at which it came, and the time that it took.
        cut_off_count: the number of requests that were written and not answered.
        refused_s: the time that each answer with 503 took.
    """

    def __init__(
        self,
        port: int,
        keys: list[str],
        clients_count: int = 50,
        pause_s: float = PAUSE_S,
        path: str = ONE_PATH,
    ) -> None:
        self._path = path
        self._clients = [
            (key, Client(port, key))
            for key, _ in zip(itertools.cycle(keys), range(clients_count), strict=False)
        ]
        self._pause_s = pause_s
        self._running: asyncio.Task[None] | None = None
        self.waiting: list[bytes] = []
        self.done: list[bytes] = []
        self.answers: Counter[int] = Counter()
        self.good: dict[str, list[tuple[float, float]]] = {key: [] for key in keys}
        self.cut_off_count = 0
        self.refused_s: list[float] = []

    async def __aenter__(self) -> Self:
        self._running = asyncio.get_running_loop().create_task(self._run_all(), name="senders")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._running is not None:
            await end_tasks([self._running])

    async def all_done(self, count: int, within_s: float = 25.0) -> None:
        """Wait until so many bodies have their 200."""
        await eventually(
            lambda: len(self.done) >= count, within_s=within_s, what=f"{count} answered with 200"
        )

    async def _run_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for key, client in self._clients:
                group.create_task(self._run(key, client), name="sender")

    async def _run(self, key: str, client: Client) -> None:
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
                status, _ = await client.post(body, self._path)
            except NoAnswer as error:
                status = 0
                self.cut_off_count += error.cut_off
            took_s = time.monotonic() - began_s
            self.answers[status] += 1
            if status == HTTPStatus.OK:
                self.good[key].append((began_s + took_s, took_s))
                self.done.append(body)
                return
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                self.refused_s.append(took_s)
            await asyncio.sleep(self._pause_s)


def share_s(times_s: Iterable[float], share: float) -> float:
    """Return the time below which this share of the times lies."""
    ordered = sorted(times_s)
    return ordered[int(len(ordered) * share)]
