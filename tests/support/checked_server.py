"""A NATS server without any stream, for tests of `consumer check`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

import nats
import tomli_w
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from consumer.tools.embedded.servers import embedded_nats

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from nats.aio.client import Client


class CheckedServer(NamedTuple):
    """A NATS server, and where configurations for it go.

    Attributes:
        client: A connection of the test.
        url: The address of the server.
        file: The path of the configuration.
    """

    client: Client
    url: str
    file: Path

    async def check(self, tables: Mapping[str, object], *options: str) -> Result:
        """Check a configuration, in a thread with an event loop of its own."""
        return await self.consumer(tables, "check", *options)

    async def consumer(self, tables: Mapping[str, object], *words: str) -> Result:
        """Run the command line with a configuration, in a thread with an event loop of its own."""
        self.file.write_text(tomli_w.dumps(tables))
        arguments = [*words, "--config", str(self.file)]
        return await asyncio.to_thread(CliRunner().invoke, cli, arguments)


@contextlib.asynccontextmanager
async def checked_server(folder: Path) -> AsyncIterator[CheckedServer]:
    """Run a server during the block."""
    async with embedded_nats(folder / "nats") as url:
        client = await nats.connect(url)
        yield CheckedServer(client, url, folder / "consumer.toml")
        await client.close()
