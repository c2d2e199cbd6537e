"""The permissions of docs/keys.md: enough for each of the two users, and not more.

The server is a real one, and its configuration is the code of the page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from consumer.access.edit import opened_keys
from consumer.access.refusal import Refusal
from consumer.access.settings import KeysSettings
from consumer.errors import SinkUnavailable
from consumer.nats.connection import NatsSettings, close, connect
from tests.brokers.nats import Nats
from tests.support.snippets import snippet
from tests.support.watching_keys import ASKED, process

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS: Final = KeysSettings()
DEADLINE_S: Final = 10


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
