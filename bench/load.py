"""A load generator for the public port: a process of its own that is far cheaper than the server.

Each connection posts, waits for the whole answer, and posts again. Bodies are made from a template,
so that making them costs little.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, cast

import msgspec
import uvloop

from bench.meter import SPAWN
from tests.support.samples import casino

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

NUMBER: Final = "@NUMBER@"
BEFORE, AFTER = casino(activity_id=NUMBER).split(NUMBER.encode())
END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length: "


class Load(msgspec.Struct, frozen=True):
    """What to post.

    Attributes:
        port: The port on 127.0.0.1.
        key: The text of the key.
        name: The beginning of every id. Each run has another name, so its events are new.
        count: The number of events.
        connections_count: The number of connections that post at the same time.
        lines_count: The number of events in one request. With 0, each request has a single event,
            and goes to the path of its type.
        first_number: The number in the id of the first event.
        pause_s: The pause of each connection between two posts, in seconds.
    """

    port: int
    key: str
    name: str
    count: int
    connections_count: int
    lines_count: int = 0
    first_number: int = 0
    pause_s: float = 0.0


class Posted(msgspec.Struct):
    """What was answered, and what it cost.

    Attributes:
        took_s: How long each answer took, in seconds.
        statuses: The number of answers with each status.
        wall_s: The time from the first request to the last answer, in seconds.
        cpu_s: The CPU time of this process, in seconds.
    """

    took_s: list[float]
    statuses: dict[str, int]
    wall_s: float = 0.0
    cpu_s: float = 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._post()

    def _post(self) -> None:
        request = self._run.next_request()
        assert self._transport is not None
        if request is None:
            self._transport.close()
            return
        self._sent_s = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(END)
        if not end:
            return
        at = head.find(LENGTH) + len(LENGTH)
        if len(body) < int(head[at:].partition(b"\r")[0]):
            return
        self._buffer = b""
        self._run.answered(head[9:12].decode(), time.perf_counter() - self._sent_s)
        if self._run.load.pause_s:
            asyncio.get_running_loop().call_later(self._run.load.pause_s, self._post)
        else:
            self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.left(exc)


class _Run:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.posted = Posted([], {})
        self._next = load.first_number
        self._open_count = load.connections_count
        self._ended = asyncio.get_running_loop().create_future()
        path = "events" if load.lines_count else "casino"
        kind = "application/x-ndjson" if load.lines_count else "application/json"
        self._head = (
            f"POST /v1/integration/{path} HTTP/1.1\r\nHost: bench\r\nX-Api-Key: {load.key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: "
        ).encode()

    def next_request(self) -> bytes | None:
        """Return the next request, or nothing if all are sent."""
        first, name = self._next, self.load.name.encode()
        if first >= self.load.first_number + self.load.count:
            return None
        if not self.load.lines_count:
            self._next += 1
            body = b"%b%b-%d%b" % (BEFORE, name, first, AFTER)
        else:
            self._next += self.load.lines_count
            lines = (
                b'{"type":"CASINO","data":%b%b-%d%b}' % (BEFORE, name, number, AFTER)
                for number in range(first, self._next)
            )
            body = b"\n".join(lines)
        return b"%b%d%b%b" % (self._head, len(body), END, body)

    def answered(self, status: str, took_s: float) -> None:
        """Count an answer."""
        self.posted.took_s.append(took_s)
        self.posted.statuses[status] = self.posted.statuses.get(status, 0) + 1

    def left(self, error: Exception | None) -> None:
        """Count a connection that has ended."""
        self._open_count -= 1
        if error is not None:
            self.answered("lost", 0.0)
        if not self._open_count:
            self._ended.set_result(None)

    async def run(self) -> Posted:
        """Post all."""
        loop = asyncio.get_running_loop()
        began_s = time.perf_counter()
        for _ in range(self.load.connections_count):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.load.port)
        await self._ended
        self.posted.wall_s = time.perf_counter() - began_s
        self.posted.cpu_s = time.process_time()
        return self.posted


async def _run(load: Load) -> Posted:
    return await _Run(load).run()


def _run_process(load: Load, results: Connection) -> None:
    results.send(msgspec.to_builtins(uvloop.run(_run(load))))


async def posted(load: Load) -> Posted:
    """Run a load in a process of its own, and return what came of it."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_run_process, args=(load, theirs))
    process.start()
    theirs.close()
    result: object = await asyncio.to_thread(ours.recv)
    process.join()
    return msgspec.convert(result, Posted)
