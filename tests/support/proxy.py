"""A TCP proxy that misbehaves on demand: outages as ordinary tests, without root or `tc`.

The vocabulary is that of https://github.com/Shopify/toxiproxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

CHUNK_BYTES: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends RST instead of FIN."""


class Proxy:
    """Forwards connections to one address, until told otherwise. For one event loop.

    Args:
        host, port: The address.
        tls: Ends the TLS of the clients here, and speaks without TLS to the address. None: passes
            everything on as it comes.

    Attributes:
        port: to connect to, on 127.0.0.1.
        delay_s: waits so long before it passes a piece on, in either direction.
        drop_replies: swallows what the server says.
        max_sent_bytes_per_s: of what the clients say, on all connections together; 0: any.
        connections_count: taken so far; refused ones do not count.
        sent_bytes: read from the clients so far.
        replied_bytes: read from the server so far, dropped ones too.
    """

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._target = (host, port)
        self._tls = tls
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._accepting = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.delay_s = 0.0
        self.drop_replies = False
        self.max_sent_bytes_per_s = 0
        self._free_at_s = 0.0
        self.connections_count = 0
        self.sent_bytes = 0
        self.replied_bytes = 0

    @property
    def address(self) -> str:
        """Host and port, as brokers write it."""
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        # One may be connecting, delayed or frozen: it would not notice the cut.
        for task in self._serving:
            task.cancel()
        while self._serving:
            await asyncio.wait(self._serving)

    def cut(self) -> None:
        """Reset every connection now."""
        for writer in self._writers:
            if not writer.is_closing():
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
                )
            _abort(writer)

    def refuse(self) -> None:
        """Close new connections at once, until `accept`; those that are open live on."""
        self._accepting = False

    def accept(self) -> None:
        """Take new connections again."""
        self._accepting = True

    def freeze(self) -> None:
        """Pass nothing on in either direction, with all connections open, until `thaw`.

        New connections are taken, as a stopped process's kernel takes them.
        """
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again, what was held as well."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._writers.add(writer)
        try:
            if self._accepting:
                self.connections_count += 1
                await self._connect(reader, writer)
        except asyncio.CancelledError:
            return  # by `__aexit__`; asyncio.streams of 3.11 logs a cancelled handler as an error
        finally:
            _abort(writer)
            self._writers.discard(writer)
            self._serving.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return  # the server is away; our client hears it by the end of its own connection
        self._writers.add(far_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, replies=False), name="forth")
                group.create_task(self._pump(far_reader, writer, replies=True), name="back")
        finally:
            _abort(far_writer)
            self._writers.discard(far_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        """Pass on until either end is gone, then close the other one."""
        try:
            while piece := await reader.read(CHUNK_BYTES):
                await self._hold(len(piece), replies=replies)
                if not (replies and self.drop_replies):
                    writer.write(piece)
                    await writer.drain()
        except (OSError, RuntimeError):
            # The other end is gone. uvloop refuses to write to it with a RuntimeError, where
            # asyncio drops what is written.
            _abort(writer)
        # Not an abort: what was written last may still be on its way.
        writer.close()

    async def _hold(self, count_bytes: int, *, replies: bool) -> None:
        if replies:
            self.replied_bytes += count_bytes
        else:
            self.sent_bytes += count_bytes
            if self.max_sent_bytes_per_s:
                now_s = asyncio.get_running_loop().time()
                began_s = max(self._free_at_s, now_s)
                self._free_at_s = began_s + count_bytes / self.max_sent_bytes_per_s
                await asyncio.sleep(self._free_at_s - now_s)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._flowing.wait()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once."""
    # Before Python 3.11.5, a TLS connection that is closed already raises this error.
    with contextlib.suppress(AttributeError):
        writer.transport.abort()
