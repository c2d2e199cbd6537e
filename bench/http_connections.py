"""What hostile connections leave behind in the process of the public port.

    python -m bench.http_connections [connections]

Connections of eight kinds come in turn, some hundred at a time, and each is given up by its client.
A line for each quarter shows the memory of the server's process and the CPU time for a connection.
The memory should be flat from the second line on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from bench.http_server import ANSWER, HEADERS, REQUEST
from consumer.http.server import Server
from consumer.http.settings import HttpSettings
from consumer.operations.log import LogSettings, configure
from consumer.operations.metrics import Metrics

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from consumer.http.application import Receive, Send
    from consumer.http.cycle import AsgiEvent

SPAWN: Final = multiprocessing.get_context("spawn")
AT_ONCE_COUNT: Final = 200
READ_S: Final = 0.2
QUARTERS_COUNT: Final = 4
HEAD: Final = b"POST /a HTTP/1.1\r\nHost: x\r\n"
KINDS: Final = (
    b"",
    HEAD,
    HEAD + b"Content-Length: 600\r\n\r\n{",
    HEAD + b"X-A: " + b"a" * (1 << 20),
    HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000,
    REQUEST,
)


async def application(_scope: AsgiEvent, receive: Receive, send: Send) -> None:
    """Throw the body away, and answer."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def held_bytes() -> int:
    """Return the memory of this process."""
    pages_count = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages_count * os.sysconf("SC_PAGE_SIZE")


async def serve(told: Connection) -> None:
    """Serve, and tell CPU time and memory whenever it is asked for, until that ends."""
    server = Server(
        HttpSettings(bind="127.0.0.1:0", max_connections_per_address_count=150),
        application,
        Metrics(),
    )
    server.take()
    told.send(server.port)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.run(), name="server")
        while await loop.run_in_executor(None, told.recv):
            told.send((time.process_time(), held_bytes()))
        running.cancel()


def run(told: Connection) -> None:
    """Run the server in a process of its own."""
    configure(LogSettings())
    uvloop.run(serve(told))


async def attack(port: int, sent: bytes) -> None:
    """Connect, send, read for a moment, and go away without a word."""
    with contextlib.suppress(OSError, TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            async with asyncio.timeout(READ_S):
                await reader.read()
        finally:
            writer.transport.abort()


async def attack_all(port: int, count: int) -> None:
    """Attack with all kinds in turn."""
    for _ in range(count // AT_ONCE_COUNT):
        async with asyncio.TaskGroup() as group:
            for sent in itertools.islice(itertools.cycle(KINDS), AT_ONCE_COUNT):
                group.create_task(attack(port, sent), name="attack")


def main(count: int) -> None:
    """Print a line for each quarter."""
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=run, args=(there,))
    process.start()
    port = here.recv()
    each_count = count // QUARTERS_COUNT
    for quarter in range(QUARTERS_COUNT):
        here.send(True)
        before_s, _ = here.recv()
        uvloop.run(attack_all(port, each_count))
        here.send(True)
        after_s, memory_bytes = here.recv()
        each_us = (after_s - before_s) / each_count * 1e6
        print(
            f"{each_count * (quarter + 1):8,} {memory_bytes / 2**20:7.1f} MiB {each_us:7.0f} us CPU"
        )
    here.send(False)
    process.join()


if __name__ == "__main__":
    main(int(dict(enumerate(sys.argv)).get(1, 20_000)))
