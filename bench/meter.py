"""Measures from outside how long a daemon makes honest events and `/livez` wait: for `bombs.py`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import secrets
import statistics
import time
from typing import TYPE_CHECKING, Final

import msgspec
import nats

from tests.support.eventually import eventually
from tests.support.vendor import LOGIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from nats.aio.msg import Msg

SPAWN: Final = multiprocessing.get_context("spawn")
EVERY_S: Final = 0.02
LAST_S: Final = 10.0
"""So long the last honest events may be on their way after the end."""


class Measured(msgspec.Struct):
    """What a meter found.

    Attributes:
        delays_s: from publishing each honest event to its arrival.
        missing_s: since publishing each that never arrived.
        livez_s: the time of each answer of `/livez`.
    """

    delays_s: list[float]
    missing_s: list[float]
    livez_s: list[float]

    @property
    def shown(self) -> str:
        """Longest and median delay, and longest answer, in ms. What never arrived counts too."""
        delays_s = self.delays_s + self.missing_s
        missing = f", {len(self.missing_s)} MISSING" if self.missing_s else ""
        shown = (max(delays_s), statistics.median(delays_s), max(self.livez_s))
        return "".join(f"{1000 * each:8.1f}" for each in shown) + missing


class Meter:
    """Sends honest events and asks `/livez`, in a process that the sending of bombs does not hold.

    Args:
        url: of NATS.
        subject: to which the honest events go.
        stored: the subject on which they arrive.
        port: of the daemon's operations.
    """

    def __init__(self, url: str, subject: str, stored: str, port: int) -> None:
        self._url, self._subject, self._stored, self._port = url, subject, stored, port
        self._sent_s: dict[str, float] = {}
        self._found = Measured([], [], [])

    async def run(self, ends: Event) -> Measured:
        """Measure until the event is set and all have arrived, or until a deadline after it."""
        client = await nats.connect(self._url)
        await client.subscribe(self._stored, cb=self._arrived)
        await client.flush()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask(ends), name="livez")
            number = 0
            while not ends.is_set():
                number += 1
                user = f"{secrets.token_hex(4)}-{number}"
                body = json.dumps({**LOGIN.body, "user_id": user}).encode()
                self._sent_s[user] = time.perf_counter()
                await client.publish(self._subject, body, headers={"type": "LOGIN_V2"})
                await client.flush()
                await asyncio.sleep(EVERY_S)
            with contextlib.suppress(AssertionError):  # the line says how many are missing
                await eventually(lambda: not self._sent_s, within_s=LAST_S)
        await client.close()
        now_s = time.perf_counter()
        self._found.missing_s = [now_s - sent_s for sent_s in self._sent_s.values()]
        return self._found

    async def _arrived(self, message: Msg) -> None:
        user = json.loads(message.data)["data"]["user_id"]
        sent_s = self._sent_s.pop(user, None)
        if sent_s is not None:  # else it was published twice, because the first try took too long
            self._found.delays_s.append(time.perf_counter() - sent_s)

    async def _ask(self, ends: Event) -> None:
        while not ends.is_set():
            began_s = time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"GET /livez HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            await reader.read()
            writer.close()
            self._found.livez_s.append(time.perf_counter() - began_s)
            await asyncio.sleep(EVERY_S)


def run_meter(meter: Meter, ends: Event, results: Connection) -> None:
    """Run a meter in a process of its own, and hand out what it found."""
    results.send(asyncio.run(meter.run(ends)))


@contextlib.asynccontextmanager
async def measuring(meter: Meter) -> AsyncIterator[list[Measured]]:
    """Run a meter during the block. What it found is in the list afterwards."""
    found: list[Measured] = []
    ends, (ours, theirs) = SPAWN.Event(), SPAWN.Pipe()
    process = SPAWN.Process(target=run_meter, args=(meter, ends, theirs))
    process.start()
    theirs.close()  # so that the end of the process is noticed
    try:
        yield found
    finally:
        ends.set()
        found.append(await asyncio.to_thread(ours.recv))
        process.join()
