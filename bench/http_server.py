"""What one request costs the server of the public port, beside uvicorn without any limit.

    python -m bench.http_server [requests [connections]]

Each server runs in a process of its own and answers POSTs of 600 bytes over connections that are
kept. The servers take turns, and the last line compares the medians of their CPU times. Compare
figures of one run only: who asks shares the machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from consumer.http.server import Server
from consumer.http.settings import HttpSettings
from consumer.operations.http import listening_socket
from consumer.operations.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from multiprocessing.connection import Connection

SPAWN: Final = multiprocessing.get_context("spawn")
TURNS_COUNT: Final = 7
BODY: Final = b"x" * 600
REQUEST: Final = (
    b"POST /v1/integration/casino HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: */*\r\n"
    b"User-Agent: bench/1\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer ck_live_000000000000_00000000000000000000000000000000000000\r\n"
    b"Content-Length: 600\r\n\r\n" + BODY
)
ANSWER: Final = b'{"status":"stored","id":"6f96","type":"game.bet"}'
HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(ANSWER)),
    (b"x-request-id", b"00000000-1"),
]


async def application(
    _scope: object,
    receive: Callable[[], Awaitable[MutableMapping[str, object]]],
    send: Callable[[MutableMapping[str, object]], Awaitable[None]],
) -> None:
    """Read the body, and answer."""
    assert (await receive())["body"] == BODY
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


async def ours(told: Connection) -> None:
    """Serve with limits."""
    settings = HttpSettings(
        bind="127.0.0.1:0", max_connections_count=10_000, max_connections_per_address_count=10_000
    )
    server = Server(settings, application, Metrics())
    server.take()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.run(), name="server")
        await asyncio.sleep(0)
        await asked(told, server.port)
        running.cancel()


async def bare(told: Connection) -> None:
    """Serve with uvicorn alone."""
    config = uvicorn.Config(
        application,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    state = ServerState()
    state.default_headers = [(b"date", b"Thu, 26 Nov 2026 15:00:00 GMT")]
    listener = listening_socket("127.0.0.1:0")
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpToolsProtocol(config, state, {}), sock=listener, backlog=1024
    )
    await asked(told, listener.getsockname()[1])
    server.close()


async def asked(told: Connection, port: int) -> None:
    """Tell the port, and the CPU time whenever it is asked for, until that ends."""
    told.send(port)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, told.recv):
        told.send(time.process_time())


WAYS: Final = {"bare": bare, "ours": ours}


def serve(name: str, told: Connection) -> None:
    """Run one of the servers."""
    uvloop.run(WAYS[name](told))


class Asker(asyncio.Protocol):
    """Asks again as soon as it is answered.

    Attributes:
        ended: The event that is set behind the last answer.
    """

    def __init__(self, count: int) -> None:
        self.ended = asyncio.Event()
        self._left_count = count
        self._got = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP
        """Ask first."""
        self._transport = transport
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Ask again."""
        self._got += data
        if not self._got.endswith(ANSWER):
            return
        assert self._got.startswith(b"HTTP/1.1 200")
        self._got = b""
        self._left_count -= 1
        if self._left_count:
            self._transport.write(REQUEST)
        else:
            self._transport.close()
            self.ended.set()


async def ask(port: int, count: int, connections_count: int) -> None:
    """Ask over all connections at once."""
    loop = asyncio.get_running_loop()
    askers = [Asker(count // connections_count) for _ in range(connections_count)]
    for asker in askers:
        await loop.create_connection(partial(_same, asker), "127.0.0.1", port)
    for asker in askers:
        await asker.ended.wait()


def _same(asker: Asker) -> Asker:
    return asker


def main(count: int, connections_count: int) -> None:
    """Let the servers take turns, and print a line each."""
    servers = {}
    for name in WAYS:
        here, there = SPAWN.Pipe()
        SPAWN.Process(target=serve, args=(name, there), daemon=True).start()
        servers[name] = here, here.recv()
    cpu_us: dict[str, list[float]] = {name: [] for name in WAYS}
    wall_s: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(TURNS_COUNT + 1):
        for name, (told, port) in servers.items():
            told.send(True)
            before_s, began_s = told.recv(), time.perf_counter()
            uvloop.run(ask(port, count, connections_count))
            took_s = time.perf_counter() - began_s
            told.send(True)
            if turn:  # the first one warms up
                cpu_us[name].append((told.recv() - before_s) / count * 1e6)
                wall_s[name].append(took_s)
            else:
                told.recv()
    medians_us = {name: statistics.median(each) for name, each in cpu_us.items()}
    for name, median_us in medians_us.items():
        spread = f"{min(cpu_us[name]):.1f} to {max(cpu_us[name]):.1f}"
        rate = count / statistics.median(wall_s[name])
        print(f"{name:6} {rate:8,.0f}/s {median_us:6.1f} us CPU each ({spread})")
    for told, _ in servers.values():
        told.send(False)
    print(f"ratio  {medians_us['ours'] / medians_us['bare']:.3f}")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    main(int(given.get(1, 64_000)), int(given.get(2, 64)))
