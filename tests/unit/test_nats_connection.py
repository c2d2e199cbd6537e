"""A connection to NATS that is given up before there is one."""

from __future__ import annotations

import asyncio

from consumer.nats.connection import NatsSettings, connect


async def test_cancelled_connect_closes_what_was_half_open() -> None:
    """The server is silent. Its end of the socket must not stay open until a garbage collection."""
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        try:
            await reader.read()
        except ConnectionResetError:
            pass
        finally:
            writer.close()
            ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(5), asyncio.TaskGroup() as group:
        settings = NatsSettings(url=f"nats://127.0.0.1:{port}")
        connecting = group.create_task(connect(settings, name="test"), name="connect")
        await arrived.wait()
        while not connecting.done():  # Python 3.11's wait_for may lose a cancellation
            connecting.cancel()
            await asyncio.wait({connecting}, timeout=0.05)
        await ended.wait()
