"""The permissions of docs/keys.md: enough for each of the two users, and not more.

The server is a real one, and its configuration is the code of the page.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import pytest
from msgspec.structs import replace

from consumer.access.edit import opened_keys
from consumer.access.key import Scope
from consumer.access.refusal import Refusal
from consumer.access.settings import KeysSettings
from consumer.errors import SinkUnavailable
from consumer.nats.connection import NatsSettings, close, connect, connected
from consumer.tools.embedded.servers import free_port
from tests.brokers.nats import Nats
from tests.support.checked_server import CheckedServer
from tests.support.key_desk import Desk
from tests.support.snippets import snippet
from tests.support.watching_keys import ASKED, process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS: Final = KeysSettings()
DEADLINE_S: Final = 10


OVER_HTTP: Final = snippet("keys.md", "Permissions for keys over HTTP", "text")


@pytest.fixture
def serving_admins(tmp_path: Path) -> Iterator[Nats]:
    """Start a server whose daemon also has the permissions for keys over HTTP."""
    rights = snippet("keys.md", "Permissions of keys", "text")
    before, used, after = rights.partition('"$KV.CONSUMER_KEYS.used.*"\n')
    with Nats(tmp_path, extra=f"{before}{used}{OVER_HTTP}{after}") as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """Start a server with the users of the page."""
    rights = snippet("keys.md", "Permissions of keys", "text")
    with Nats(tmp_path_factory.mktemp("nats"), extra=rights) as server:
        yield server


def daemon_of(server: Nats) -> NatsSettings:
    """Return the login of the daemon."""
    return NatsSettings(url=server.address, user="daemon", password="SECRET_1")


def desk_of(server: Nats) -> NatsSettings:
    """Return the login of the people who make keys."""
    return NatsSettings(url=server.address, user="desk", password="SECRET_2")


async def test_both_users_can_do_their_work(server: Nats) -> None:
    """Make, rotate, list, show, restore and revoke; and watch, and note the day of last use."""
    async with (
        opened_keys(desk_of(server), SETTINGS) as keys,
        process(daemon_of(server), SETTINGS.bucket) as one,
    ):
        key, _ = await keys.create(ASKED)
        rotated, text = await keys.rotate(key.id, overlap_s=60)
        await one.comes_to(text, None)
        await one.note_uses()
        shown = await keys.one(key.id)
        assert shown.used_on
        assert shown in (await keys.all()).uses
        assert await keys.restore([rotated], replace=False) == (0, 1)
        await keys.revoke(key.id)
        await one.comes_to(text, Refusal.REVOKED)


async def test_check_reads_keys_as_the_daemon_and_leaves_nothing(
    server: Nats, tmp_path: Path
) -> None:
    """With no right more, and without a consumer that stays on the bucket."""
    async with opened_keys(desk_of(server), SETTINGS) as keys:
        await keys.create(ASKED)
    tables = {
        "listeners": {"api": {"kind": "http"}},
        "dedupe": {"store": "memory"},
        "sink": {"url": server.address, "user": "daemon", "password": "SECRET_1"},
        "http": {"bind": f"127.0.0.1:{free_port()}"},
    }
    async with connected(desk_of(server), name="test") as client:
        checked = CheckedServer(client, server.address, tmp_path / "consumer.toml")
        result = await checked.check(tables, "--no-listeners")
        info = await client.jetstream().stream_info("KV_CONSUMER_KEYS")
    assert re.search(r"ok    keys +bucket CONSUMER_KEYS, \d+ key", result.stdout), result.output
    assert info.state.consumer_count == 0


async def test_daemon_cannot_make_keys(server: Nats) -> None:
    """Neither by our code nor past it."""
    async with opened_keys(desk_of(server), SETTINGS) as keys:
        await keys.create(ASKED)
    async with opened_keys(daemon_of(server), SETTINGS) as keys:
        told = r"may this user publish to \$KV\.CONSUMER_KEYS\.key\.\*\?"
        with pytest.raises(SinkUnavailable, match=told):
            await keys.create(ASKED)
    problems: asyncio.Queue[Exception] = asyncio.Queue()
    client = await connect(daemon_of(server), name="test", on_error=problems.put_nowait)
    async with asyncio.timeout(DEADLINE_S):
        await client.publish("$KV.CONSUMER_KEYS.key.AAAAAAAAAAAA", b"{}")
        assert "permissions violation for publish" in str(await problems.get()).lower()
    await close(client)


async def test_daemon_without_the_right_to_note_uses_works(server: Nats) -> None:
    """The day of last use is never in the way of anything."""
    async with (
        opened_keys(desk_of(server), SETTINGS) as keys,
        process(desk_of(server), SETTINGS.bucket) as one,  # the other user lacks that right
    ):
        key, text = await keys.create(ASKED)
        await one.comes_to(text, None)
        await one.note_uses()
        assert (await keys.one(key.id)).used_on == ""
        assert one.refuses(text) is None


async def test_daemon_with_more_permissions_serves_admin_keys(serving_admins: Nats) -> None:
    """It makes, rotates and revokes keys, and remembers the answers."""
    async with (
        opened_keys(desk_of(serving_admins), SETTINGS) as keys,
        process(daemon_of(serving_admins), SETTINGS.bucket) as one,
    ):
        desk = Desk(one, SETTINGS.bucket)
        admin, desk.text = await keys.create(replace(ASKED, scopes=(*ASKED.scopes, Scope.ADMIN)))
        await one.bucket.arrived(admin)
        made = await desk.call("POST", "/v1/keys", {"scopes": ["ingest"]}, key="1")
        path = f"/v1/keys/{made.json()['id']}"
        rotated = await desk.call("POST", f"{path}/rotate", key="2")
        again = await desk.call("POST", f"{path}/rotate", key="2")
        revoked = await desk.call("DELETE", path, key="3")
        answers = [made, rotated, again, revoked]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 200], made.text
        assert again.headers["idempotent-replayed"] == "true"


async def test_daemon_without_them_lists_and_changes_nothing(server: Nats) -> None:
    """Each change gets 503."""
    async with (
        opened_keys(desk_of(server), SETTINGS) as keys,
        process(daemon_of(server), SETTINGS.bucket) as one,
    ):
        desk = Desk(one, SETTINGS.bucket)
        admin, desk.text = await keys.create(replace(ASKED, scopes=(*ASKED.scopes, Scope.ADMIN)))
        await one.bucket.arrived(admin)
        assert (await desk.call("GET", "/v1/keys")).status_code == 200
        refused = await desk.call("POST", "/v1/keys", {"scopes": ["ingest"]})
        assert (refused.status_code, refused.json()["reason"]) == (503, "unavailable")
