"""What one push of a message to one reader costs, beside a bare push of uvicorn.

    python -m bench.stream_push [rounds [readers]]

Each server runs in a process of its own, and sends a message of 400 bytes to all readers in each
round. The servers take turns, and the last line compares the medians of their CPU times. Compare
figures of one run only: who reads shares the machine.

- `bare` is an application of ASGI over uvicorn's `ws="websockets-sansio"`.
- `websocket` and `events` are our outlets.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from consumer.http.answer import Answer
from consumer.http.application import HttpApplication
from consumer.http.client_address import ClientAddress
from consumer.http.cors import Cors
from consumer.http.endpoint import Endpoint
from consumer.http.outlet import Outlet, StreamSession
from consumer.http.server import Server
from consumer.http.settings import HttpSettings
from consumer.operations.http import listening_socket
from consumer.operations.metrics import Metrics
from tests.support.http_application import OpenGate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from multiprocessing.connection import Connection

    from consumer.http.request import Request

    Send = Callable[[MutableMapping[str, object]], Awaitable[None]]
    PushAll = Callable[[], Awaitable[None]]

SPAWN: Final = multiprocessing.get_context("spawn")
TURNS_COUNT: Final = 9
PARTS: Final = (b'{"op": "event", "id": "a", "cursor": "1.2", ', b'"event": "' + 344 * b"x" + b'"}')
TEXT: Final = b"".join(PARTS)
UPGRADE: Final = (
    b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
EVENTS: Final = b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
ASKED: Final = {"bare": UPGRADE, "websocket": UPGRADE, "events": EVENTS}


class Session(StreamSession):
    """A reader that is sent what the bench sends to all."""

    def __init__(self, outlets: list[Outlet]) -> None:
        self._outlets = outlets

    async def run(self, outlet: Outlet) -> None:
        """Be there."""
        self._outlets.append(outlet)
        await asyncio.Event().wait()

    def received(self, text: bytes) -> None:
        """Take nothing."""

    def shut_down(self) -> None:
        """Do nothing."""


async def refuse(_: Request) -> Answer:
    """Answer a request for no stream."""
    return Answer(406)


async def ours(told: Connection) -> None:
    """Push through our outlets."""
    outlets: list[Outlet] = []
    endpoint = Endpoint(
        name="stream",
        method="GET",
        path="/v1/stream",
        summary="",
        handle=refuse,
        needs_key=False,
        open_stream=lambda _: Session(outlets),
    )
    metrics = Metrics()
    gate = OpenGate()
    application = HttpApplication([endpoint], gate, ClientAddress(()), Cors(()), metrics)  # type: ignore[arg-type]  # a stand-in
    settings = HttpSettings(bind="127.0.0.1:0", max_connections_per_address_count=2000)
    server = Server(settings, application, metrics, application.whole, application.stream_paths)

    async def push_all() -> None:
        for outlet in outlets:
            outlet.send(*PARTS)
        await asyncio.sleep(0)

    server.take()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(), name="server")
        await pushing(told, server.port, push_all)


async def bare(told: Connection) -> None:
    """Push through uvicorn alone."""
    sends: list[Send] = []

    async def application(
        _scope: object, receive: Callable[[], Awaitable[object]], send: Send
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        sends.append(send)
        await receive()

    async def push_all() -> None:
        for send in sends:
            await send({"type": "websocket.send", "text": text})
        await asyncio.sleep(0)

    text = TEXT.decode()
    config = uvicorn.Config(
        application, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False
    )
    listener = listening_socket("127.0.0.1:0")
    state = ServerState()
    await asyncio.get_running_loop().create_server(
        lambda: HttpToolsProtocol(config, state, {}), sock=listener, backlog=1024
    )
    await pushing(told, listener.getsockname()[1], push_all)


async def pushing(told: Connection, port: int, push_all: PushAll) -> None:
    """Tell the port. Then push as many rounds as are asked for, and tell the CPU time."""
    told.send(port)
    loop = asyncio.get_running_loop()
    while True:
        count = await loop.run_in_executor(None, told.recv)
        began_s = time.process_time()
        for _ in range(count):
            await push_all()
        told.send(time.process_time() - began_s)


def serve(name: str, told: Connection) -> None:
    """Run one of the servers."""
    uvloop.run(bare(told) if name == "bare" else ours(told))


class Reader(asyncio.Protocol):
    """Asks for a stream, and counts what comes.

    Attributes:
        begun: The event that is set by the answer.
        got: The event that is set once as much came as is wanted.
        wanted_bytes: The size of what still has to come.
    """

    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        self.begun = asyncio.Event()
        self.got = asyncio.Event()
        self.wanted_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP
        """Ask."""
        transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        """Count."""
        assert self.begun.is_set() or data.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), data
        self.begun.set()
        self.wanted_bytes -= len(data)
        if self.wanted_bytes <= 0:
            self.got.set()


async def readers_of(port: int, asked: bytes, count: int) -> list[Reader]:
    """Connect all readers of a server."""
    loop = asyncio.get_running_loop()
    readers = []
    for _ in range(count):
        _, reader = await loop.create_connection(lambda: Reader(asked), "127.0.0.1", port)
        await reader.begun.wait()
        readers.append(reader)
    return readers


async def measured_s(told: Connection, rounds_count: int, readers: list[Reader]) -> float:
    """Return the CPU time of a turn of a server, once its readers have all that it sent."""
    for reader in readers:
        reader.wanted_bytes = rounds_count * len(TEXT)
        reader.got.clear()
    told.send(rounds_count)
    took_s = await asyncio.get_running_loop().run_in_executor(None, told.recv)
    for reader in readers:
        await reader.got.wait()
    return float(took_s)


async def main(rounds_count: int, readers_count: int) -> None:
    """Let the servers take turns, and print a line each."""
    servers, processes = {}, []
    for name, asked in ASKED.items():
        here, there = SPAWN.Pipe()
        process = SPAWN.Process(target=serve, args=(name, there), daemon=True)
        process.start()
        processes.append(process)
        servers[name] = here, await readers_of(here.recv(), asked, readers_count)
    cpu_us: dict[str, list[float]] = {name: [] for name in servers}
    for turn in range(TURNS_COUNT + 1):
        for name, (told, readers) in servers.items():
            took_s = await measured_s(told, rounds_count, readers)
            if turn:  # the first one warms up
                cpu_us[name].append(took_s / rounds_count / readers_count * 1e6)
    medians_us = {name: statistics.median(each) for name, each in cpu_us.items()}
    for name, median_us in medians_us.items():
        spread = f"{min(cpu_us[name]):.2f} to {max(cpu_us[name]):.2f}"
        print(f"{name:10} {median_us:6.2f} us CPU each push ({spread})")
    for process in processes:
        process.kill()
    print(f"ratio      {medians_us['websocket'] / medians_us['bare']:.3f}")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    uvloop.run(main(int(given.get(1, 200)), int(given.get(2, 100))))
