"""`consumer keys` by its command, on a real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.watching_keys import Place, place_on, process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONFIG = """
brand = "brand-a"
[listeners.casino]
kind = "nats"
subject = "casino"
[sink]
url = "{url}"
[keys]
bucket = "{bucket}"
[log]
level = "error"
format = "json"
"""
"""There is no table [http]: keys can be made before the port is switched on."""
CREATE = ("create", "--environment", "live", "--scope", "ingest")
DEADLINE_S = 20


class Desk(NamedTuple):
    """Where somebody types the command, and the bucket that the command reaches."""

    place: Place
    config: Path

    async def keys(self, *arguments: str, code: int = 0, given: str = "") -> tuple[str, str]:
        """Run `consumer keys`; returns standard output and standard error."""
        command = [sys.executable, "-m", "consumer", "keys", *arguments, "-c", str(self.config)]
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    async def listed(self, *arguments: str) -> list[dict[str, object]]:
        """Return what `keys list` prints for a program."""
        out, _ = await self.keys("list", *arguments)
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def desk(nats_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """Make a bucket, and a configuration that names it."""
    async with place_on(nats_url) as place:
        config = tmp_path / "consumer.toml"
        config.write_text(CONFIG.format(url=nats_url, bucket=place.name))
        yield Desk(place, config)


async def test_create_prints_the_key_and_nothing_else(desk: Desk) -> None:
    """So `KEY=$(consumer keys create …)` works, and the key is let in."""
    async with process(desk.place.url, desk.place.name) as one:
        out, _ = await desk.keys(*CREATE)
        assert out.count("\n") == 1
        await one.comes_to(out.strip(), None)


async def test_audit_line_and_words_are_on_standard_error(desk: Desk) -> None:
    """At any level of the log, with who did it, and without the secret."""
    out, errors = await desk.keys(*CREATE, "--name", "shop")
    audit, words = errors.splitlines()
    told = json.loads(audit)
    assert told["event"] == "key created"
    assert "@" in told["by"]
    assert words == (
        f"consumer: key {told['key']} (shop) for brand-a, live: ingest; the key is shown only now"
    )
    assert out.strip()[-38:] not in errors


async def test_json_has_the_key_and_every_field(desk: Desk) -> None:
    """As it was asked for, and `list` shows the same without the key."""
    options = (
        *("--brand", "brand-b", "--environment", "test", "--scope", "ingest"),
        *("--scope", "events:read", "--subjects", "withdrawal.*", "--expires", "90d"),
        *("--allow", "203.0.113.0/24", "--rate", "500", "--request-rate", "0.5"),
        *("--person", "anna", "--name", "reports", "--format", "json"),
    )
    out, _ = await desk.keys("create", *options)
    made = json.loads(out)
    assert made.pop("key").startswith(f"ck_test_{made['id']}_")
    assert (made["events_per_s"], made["requests_per_s"]) == (500, 0.5)
    assert (made["subjects"], made["addresses"]) == (["withdrawal.*"], ["203.0.113.0/24"])
    assert (made["brand"], made["person"], made["name"]) == ("brand-b", "anna", "reports")
    assert made["scopes"] == ["ingest", "events:read"]
    assert made["state"] == "in force"
    assert await desk.listed() == [made]
    assert await desk.listed("--brand", "brand-a") == []
    assert await desk.listed("--environment", "live") == []


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--brand", "a.b", "brand: holds 'a.b', expected 1 to 64 of A-Z a-z 0-9 _ -"),
        ("--subjects", "withdrawl.*", "there is no such subject; did you mean withdrawal.*?"),
        ("--subjects", ">", "there is no such subject"),
        ("--allow", "203.0.113.7/24", "203.0.113.7/24 has host bits set"),
        ("--allow", "::ffff:203.0.113.0/120", "is an IPv4 address in the form of IPv6"),
        ("--expires", "2020-01-01T00:00:00Z", "expires_s: expected a time between now and"),
        ("--expires", "soon", "'soon': expected 30m, 24h, 90d or 2026-01-31T12:00:00Z"),
        ("--rate", "0", "0.0 is not in the range"),
        ("--rate", "nan", "events_per_s: holds nan, expected more than 0 a second"),
        ("--request-rate", "inf", "requests_per_s: holds inf, expected more than 0 a second"),
        ("--name", "a\nb", "name: expected at most 100 printable characters"),
        ("--scope", "fly", "'fly' is not one of 'ingest'"),
    ],
)
async def test_impossible_key_is_exit_2(desk: Desk, option: str, value: str, told: str) -> None:
    """And nothing is stored."""
    out, errors = await desk.keys(*CREATE, option, value, code=2)
    assert told in errors
    assert out == ""
    assert await desk.listed() == []


async def test_rotate_prints_the_new_key(desk: Desk) -> None:
    """Both hold during the overlap, and `show` says until when."""
    first, _ = await desk.keys(*CREATE)
    key_id = first.split("_")[2]
    second, _ = await desk.keys("rotate", key_id)
    async with process(desk.place.url, desk.place.name) as one:
        assert [one.refuses(text.strip()) for text in (first, second)] == [None, None]
    shown, _ = await desk.keys("show", key_id, "--format", "text")
    assert "one without an end" in shown
    assert "one until 2" in shown
    await desk.keys("rotate", key_id, "--overlap", "0s")
    (listed,) = await desk.listed()
    assert listed["secrets"] == [{"ends": None}]


async def test_revoke_goes_on_after_a_key_that_is_not_there(desk: Desk) -> None:
    """And ends with exit code 1."""
    text, _ = await desk.keys(*CREATE)
    key_id = text.split("_")[2]
    out, errors = await desk.keys("revoke", "AAAAAAAAAAAA", key_id, code=1)
    assert out == f"revoked {key_id}\n"
    assert "consumer: there is no key AAAAAAAAAAAA" in errors
    (listed,) = await desk.listed()
    assert listed["state"] == "revoked"


async def test_export_and_restore_move_hashes(desk: Desk) -> None:
    """The holders go on with their keys, and a backup has no secret."""
    text, _ = await desk.keys(*CREATE)
    backup, _ = await desk.keys("export")
    assert text.strip()[-38:-6] not in backup
    await desk.place.jetstream.purge_stream(desk.place.stream)
    out, _ = await desk.keys("restore", "-", given=backup)
    assert out == "restored 1, 0 were there already\n"
    async with process(desk.place.url, desk.place.name) as one:
        assert one.refuses(text.strip()) is None
    out, _ = await desk.keys("restore", "-", given=backup)
    assert out == "restored 0, 1 were there already\n"


async def test_restore_undoes_no_revocation_unless_told(desk: Desk) -> None:
    """An old backup is not a reason to let a revoked key in."""
    text, _ = await desk.keys(*CREATE)
    backup, _ = await desk.keys("export")
    key_id = text.split("_")[2]
    await desk.keys("revoke", key_id)
    _, errors = await desk.keys("restore", "-", given=backup, code=1)
    assert f"nothing was restored: of {key_id} there is a record with other content" in errors
    await desk.keys("restore", "-", "--replace", given=backup)
    (listed,) = await desk.listed()
    assert listed["state"] == "in force"


async def test_restore_of_a_broken_backup_stores_nothing(desk: Desk) -> None:
    """The line is named."""
    await desk.keys(*CREATE)
    backup, _ = await desk.keys("export")
    await desk.place.jetstream.purge_stream(desk.place.stream)
    _, errors = await desk.keys("restore", "-", given=backup + "{}\n", code=1)
    assert "-: line 2 is no key; nothing was restored" in errors
    assert await desk.listed() == []


async def test_export_that_is_not_whole_is_exit_1(desk: Desk) -> None:
    """A record of a newer version cannot be read, and the person has to know."""
    await desk.keys(*CREATE)
    await desk.place.write("key.AAAAAAAAAAAA", b"{}")
    out, errors = await desk.keys("export", code=1)
    assert out.count("\n") == 1
    assert "skipped key AAAAAAAAAAAA: its record is not understood" in errors


async def test_key_that_is_not_there_is_exit_1(desk: Desk) -> None:
    """Also a text that can be no id."""
    _, errors = await desk.keys("show", "AAAAAAAAAAAA", code=1)
    assert errors == "consumer: there is no key AAAAAAAAAAAA\n"
    _, errors = await desk.keys("show", "*", code=1)
    assert errors == "consumer: '*' is no id, expected 12 of 0-9 A-Z a-z\n"


async def test_server_that_is_away_is_exit_1(tmp_path: Path) -> None:
    """It is named, and there is no traceback."""
    config = tmp_path / "consumer.toml"
    config.write_text(CONFIG.format(url="nats://127.0.0.1:1", bucket="KEYS"))
    command = [sys.executable, "-m", "consumer", "keys", "list", "-c", str(config)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 1
    assert done.stderr == ("consumer: 127.0.0.1:1: connection refused: is NATS running there?\n")
