"""`consumer send --file`: the events of a file, as they are, at a listener's source."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import nats
import pytest
import tomli_w
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from consumer.tools.embedded.sample_config import INBOUND, make_inbound_stream, sample_tables
from consumer.tools.embedded.servers import embedded_nats

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from nats.js import JetStreamContext

LINES = b'{"a": 1}\r\n\nnot JSON\n\xff\n{ "b":2}'
SENT = [b'{"a": 1}', b"not JSON", b"\xff", b'{ "b":2}']


class Source(NamedTuple):
    """A listener's stream, and a configuration that names it."""

    jetstream: JetStreamContext
    config: Path

    async def send(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run the verb, in a thread because it has an event loop of its own."""
        command = ["send", *arguments, "--config", str(self.config)]
        return await asyncio.to_thread(CliRunner().invoke, cli, command, input=stdin)

    async def holds(self) -> list[tuple[bytes, str]]:
        """Return body and message type of each message of the stream."""
        count = (await self.jetstream.stream_info(INBOUND)).state.messages
        found = [await self.jetstream.get_msg(INBOUND, number + 1) for number in range(count)]
        return [(one.data or b"", (one.headers or {})["type"]) for one in found]


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Source]:
    """Start a NATS server with the stream of a listener."""
    async with embedded_nats(tmp_path / "nats") as url:
        await make_inbound_stream(url)
        config = tmp_path / "consumer.toml"
        config.write_text(tomli_w.dumps(sample_tables(url, "redis://127.0.0.1:1/0", 1)))
        client = await nats.connect(url)
        yield Source(client.jetstream(), config)
        await client.close()


async def test_each_line_of_a_file_is_a_message(source: Source, tmp_path: Path) -> None:
    """Whatever is in it, without its end; an empty line is nothing."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(LINES)
    result = await source.send("CASINO", "--file", str(file))
    assert (result.exit_code, result.stdout) == (0, "sent 4 events\n")
    assert await source.holds() == [(body, "CASINO") for body in SENT]


async def test_a_dash_is_standard_input(source: Source) -> None:
    """The message type is given on, whatever it is."""
    result = await source.send("NEW_TYPE", "--file", "-", stdin=LINES)
    assert (result.exit_code, result.stdout) == (0, "sent 4 events\n")
    assert await source.holds() == [(body, "NEW_TYPE") for body in SENT]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (b'{\n  "a": 1\n}\n', [b'{\n  "a": 1\n}\n']),
        (b'{\n  "a": 1\n}\n{\n  "b": 2\n}\n', [b'{\n  "a": 1\n}\n', b'{\n  "b": 2\n}\n']),
        (b'[{"a": 1},\n {"b": 2}]', [b'{"a": 1}', b'{"b": 2}']),
    ],
)
async def test_file_is_read_as_validate_reads_it(
    source: Source, text: bytes, sent: list[bytes]
) -> None:
    """As `jq` writes it: lines of such a file would be sixteen broken messages."""
    result = await source.send("CASINO", "--file", "-", stdin=text)
    assert result.exit_code == 0, result.output
    assert [body for body, _ in await source.holds()] == sent


async def test_misspelt_type_is_told(source: Source) -> None:
    """And sent all the same, because a test may want that."""
    result = await source.send("CASINOO", "--file", "-", stdin=b"{}")
    assert result.exit_code == 0
    assert "no message type is called 'CASINOO', did you mean CASINO?" in result.stderr


async def test_a_missing_file_is_exit_2(source: Source) -> None:
    """Nothing is sent."""
    result = await source.send("CASINO", "--file", "nowhere.ndjson")
    assert result.exit_code == 2
    assert "nowhere.ndjson" in result.stderr
    assert await source.holds() == []
