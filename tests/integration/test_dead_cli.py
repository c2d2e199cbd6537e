"""`consumer dead` on a NATS server with letters in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import nats
import pytest
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from consumer.dead_letters.record import Letter, to_message
from consumer.dead_letters.stream import DeadLetterSettings, open_bodies
from consumer.errors import Reason
from consumer.nats.follow import FIRST, following
from consumer.tools.embedded.servers import embedded_nats
from consumer.tools.replay import read
from tests.support.terminal import on_a_terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from nats.aio.client import Client

SETTINGS = DeadLetterSettings()
CONFIG = """
brand = "brand-a"
[listeners.payments]
kind = "rabbitmq"
queue = "payments"
[sink]
url = "{url}"
"""


class Server(NamedTuple):
    """A NATS server, and a configuration file that names it."""

    client: Client
    config: str

    async def store(self, *letters: Letter) -> None:
        """Put letters into the stream, as the daemon does."""
        for number, letter in enumerate(letters):
            message = to_message(letter, SETTINGS.subject_prefix, str(number))
            await self.client.jetstream().publish(
                message.subject, message.body, headers=dict(message.headers)
            )

    async def consumer(self, *arguments: str) -> Result:
        """Run the command line, in a thread because it has an event loop of its own."""
        arguments = (*arguments, "--config", self.config)
        return await asyncio.to_thread(CliRunner().invoke, cli, arguments)

    async def listed(self, *arguments: str) -> list[int]:
        """Return the numbers of what `dead list` shows."""
        result = await self.consumer("dead", "list", *arguments)
        assert result.exit_code == 0, result.output
        return [json.loads(line)["number"] for line in result.stdout.splitlines()]


@pytest.fixture
async def bare_server(tmp_path: Path) -> AsyncIterator[Server]:
    """Start a server without any stream."""
    async with embedded_nats(tmp_path / "nats") as url:
        config = tmp_path / "consumer.toml"
        config.write_text(CONFIG.format(url=url))
        client = await nats.connect(url)
        yield Server(client, str(config))
        await client.close()


@pytest.fixture
async def server(bare_server: Server) -> Server:
    """Add the stream of dead letters."""
    subjects = [f"{SETTINGS.subject_prefix}.>"]
    await bare_server.client.jetstream().add_stream(name=SETTINGS.stream, subjects=subjects)
    return bare_server


def letter(
    reason: Reason = Reason.INVALID,
    *,
    listener: str = "payments",
    message_type: str = "CASINO",
    body: bytes = b'{"a": 1}',
    body_object: str = "",
) -> Letter:
    """Return a letter."""
    return Letter(
        reason=reason,
        error='amount: expected number, got "abc"',
        listener=listener,
        brand="brand-a",
        message_type=message_type,
        content_encoding="",
        coordinates={"queue": "payments", "tag": "17"},
        headers={"x-sender": "a\x1bb"},
        arrived="2026-01-31T12:00:00.000000Z",
        body=body,
        body_object=body_object,
    )


async def test_list_tells_what_happened(server: Server) -> None:
    """In a pipe: one JSON object a letter, with the size of its body."""
    await server.store(letter(body=b"12345"))
    result = await server.consumer("dead", "list")
    assert json.loads(result.stdout) == {
        "number": 1,
        "time": "2026-01-31T12:00:00.000000Z",
        "listener": "payments",
        "brand": "brand-a",
        "reason": "invalid",
        "type": "CASINO",
        "error": 'amount: expected number, got "abc"',
        "attempt": 1,
        "size_bytes": 5,
    }


async def test_filters(server: Server) -> None:
    """Each filter leaves what fits, in the stream's order."""
    await server.store(
        letter(),
        letter(listener="casino"),
        letter(Reason.MALFORMED),
        letter(message_type="PAYMENT"),
    )
    assert await server.listed() == [1, 2, 3, 4]
    assert await server.listed("--listener", "casino") == [2]
    assert await server.listed("--reason", "malformed") == [3]
    assert await server.listed("--type", "payment") == [4]
    assert await server.listed("--since", "1h") == [1, 2, 3, 4]
    assert await server.listed("--since", "2099-01-01T00:00:00Z") == []


async def test_limit_takes_the_newest(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when they lie in several of the ranges that are read."""
    monkeypatch.setattr(read, "FIRST_RANGE_COUNT", 2)
    await server.store(*(letter(Reason.INVALID if n % 4 else Reason.MALFORMED) for n in range(40)))
    assert await server.listed("--limit", "3") == [38, 39, 40]
    assert await server.listed("--limit", "4", "--reason", "malformed") == [25, 29, 33, 37]
    assert await server.listed("--limit", "99", "--reason", "malformed") == list(range(1, 41, 4))


async def test_deleted_letters_are_no_gap(server: Server) -> None:
    """A number without a letter is skipped."""
    await server.store(letter(), letter(), letter())
    await server.client.jetstream().delete_msg(SETTINGS.stream, 2)
    assert await server.listed() == [1, 3]
    gone = await server.consumer("dead", "show", "2")
    assert (gone.exit_code, gone.stderr) == (1, "consumer: there is no dead letter 2\n")


async def test_messages_of_others_are_skipped(server: Server) -> None:
    """Somebody else's message in our stream hides no letter."""
    await server.client.jetstream().publish("dead.payments.invalid", b"not ours")
    await server.store(letter())
    result = await server.consumer("dead", "list")
    assert json.loads(result.stdout)["number"] == 2
    assert "skipped 1 message of others" in result.stderr


async def test_narrow_list(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns a letter is two lines, none longer."""
    monkeypatch.setenv("COLUMNS", "80")
    await server.store(letter())
    result = await server.consumer("dead", "list", "--format", "table")
    head, error = result.stdout.splitlines()
    assert head.split()[:5] == ["1", "2026-01-31", "12:00:00", "invalid", "CASINO"]
    assert error.strip() == 'amount: expected number, got "abc"'


async def test_table(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a wide terminal a letter is one line."""
    monkeypatch.setenv("COLUMNS", "140")
    await server.store(letter())
    result = await server.consumer("dead", "list", "--format", "table")
    head, line = result.stdout.splitlines()
    assert head.split() == ["number", "time", "listener", "reason", "type", "size", "error"]
    assert line.split()[:5] == ["1", "2026-01-31", "12:00:00", "payments", "invalid"]


async def test_show_tells_everything(server: Server) -> None:
    """The facts are escaped, the body is laid out."""
    await server.store(letter())
    result = await server.consumer("dead", "show", "1")
    assert result.exit_code == 0
    for fact in ("reason", "source queue", "source tag", r"a\x1bb", '  "a": 1'):
        assert fact in result.stdout


@pytest.mark.parametrize("body", [b'{"a": "\xff"}', b'{"a": ', b"\x1b[31m\r\n", b""])
async def test_raw_is_the_bytes(server: Server, body: bytes) -> None:
    """Whatever was sent comes out unchanged; and `show` alone escapes it."""
    await server.store(letter(body=body))
    raw = await server.consumer("dead", "show", "1", "--raw")
    assert raw.stdout_bytes == body
    shown = await server.consumer("dead", "show", "1")
    assert shown.exit_code == 0
    assert "\x1b" not in shown.stdout


async def test_large_body_comes_from_the_object_store(server: Server) -> None:
    """It is written whole with `--raw`, and cut without."""
    body = msgspec.json.encode("x" * 300_000)
    objects = await open_bodies(server.client.jetstream(), SETTINGS)
    await objects.put("some-name", body)
    await server.store(letter(body=b"", body_object="some-name"))
    raw = await server.consumer("dead", "show", "1", "--raw")
    assert raw.stdout_bytes == body
    shown = await server.consumer("dead", "show", "1")
    assert "the first 65536 of 300002 bytes" in shown.stdout


async def test_lost_body_is_told(server: Server) -> None:
    """A letter whose body has expired is no traceback."""
    await server.store(letter(body=b"", body_object="some-name"))
    result = await server.consumer("dead", "show", "1")
    assert result.exit_code == 1
    assert "not in the object store" in result.stderr


@pytest.mark.parametrize("verb", [["list"], ["show", "1"]], ids=" ".join)
async def test_missing_stream_is_exit_1(bare_server: Server, verb: list[str]) -> None:
    """It is said which stream is missing."""
    result = await bare_server.consumer("dead", *verb)
    assert result.exit_code == 1
    assert "there is no stream DEAD_LETTERS" in result.stderr


async def test_empty_stream(server: Server) -> None:
    """Nothing to list is not a failure."""
    assert await server.listed() == []
    result = await server.consumer("dead", "list", "--format", "table")
    assert result.stdout == "no dead letters\n"


async def test_filters_that_fit_nothing(server: Server) -> None:
    """The answer is another than that of an empty stream."""
    await server.store(letter())
    result = await server.consumer("dead", "list", "--listener", "casino", "--format", "table")
    assert result.stdout == "no dead letter fits\n"


@pytest.mark.parametrize(
    ("answer", "code", "told", "left"),
    [("n", 1, "Aborted!", [1, 2]), ("y", 0, "dropped 2, 0 gone", [])],
)
async def test_drop_asks_on_a_terminal(
    server: Server, answer: str, code: int, told: str, left: list[int]
) -> None:
    """With the number of letters; and nothing is deleted against an answer."""
    await server.store(letter(body=b"1"), letter(body=b"2"))
    async with on_a_terminal("dead", "drop", "--all", "--config", server.config) as terminal:
        await terminal.shows("Drop 2 dead letters for ever? [y/N]: ")
        terminal.type(f"{answer}\n")
        ended, lines = await terminal.end()
    assert (ended, lines[-1]) == (code, told)
    assert await server.listed() == left


@pytest.mark.parametrize(
    ("verb", "told", "left"),
    [
        ("drop --all --yes", "dropped 1, 0 gone", []),
        ("drop --dry-run", "would drop 1", [1]),
        ("replay --dry-run", "would forward 0, recognise 0, fail again 1: invalid 1", [1]),
    ],
)
async def test_no_question_where_none_is_due(
    server: Server, verb: str, told: str, left: list[int]
) -> None:
    """The user has agreed, or nothing is done; the answer stands in a line of its own."""
    await server.store(letter(body=b"{}"))
    async with on_a_terminal("dead", *verb.split(), "--config", server.config) as terminal:
        _, lines = await terminal.end()
    assert lines[-1] == told
    assert await server.listed() == left


async def test_letters_deleted_meanwhile_are_not_waited_for(server: Server) -> None:
    """The last letter that the server announced never comes."""
    await server.store(*(letter() for _ in range(1500)))
    stream = SETTINGS.stream
    async with (
        asyncio.timeout(20),
        following(server.client, FIRST, stream=stream) as follower,
        contextlib.aclosing(follower.stored()) as messages,
    ):
        await anext(messages)
        await server.client.jetstream().purge_stream(stream)
        read_count = 1 + len([None async for _ in messages])
    assert 1 <= read_count < 1500
