"""Keys on a real server: a change is in force within a second, and a lost watch lets nobody in."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from consumer.access import token
from consumer.access.edit import KeyList, opened_keys
from consumer.access.opening import MAX_KEY_BYTES
from consumer.access.record import KEY_PREFIX, USED_PREFIX
from consumer.access.refusal import Refusal
from consumer.access.settings import KeysSettings
from consumer.deliveries.origin import Environment
from consumer.nats.connection import NatsSettings
from tests.brokers.nats import Nats
from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.watching_keys import ASKED, Place, Process, place_on, process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MADE_UP = token.write(token.KeyText(Environment.LIVE, "A" * 12, "s" * 32))
"""The text of a key that nobody made."""


@pytest.fixture
async def place(nats_url: str) -> AsyncIterator[Place]:
    """Make a bucket, and delete it at the end."""
    async with place_on(nats_url) as made:
        yield made


@pytest.fixture
async def one(place: Place) -> AsyncIterator[Process]:
    """Run a process."""
    async with process(place.url, place.name) as running:
        yield running


@contextlib.asynccontextmanager
async def proxied(place: Place, *, opens: bool = True) -> AsyncIterator[tuple[Proxy, Process]]:
    """Run a process that reaches the server over a proxy. Without `opens`, the proxy refuses it."""
    async with Proxy("127.0.0.1", int(place.url.rpartition(":")[2])) as proxy:
        if not opens:
            proxy.refuse()
        async with process(f"nats://{proxy.address}", place.name, opens=opens) as one:
            yield proxy, one


async def test_changes_are_in_force_in_every_process_within_a_second(
    place: Place, one: Process
) -> None:
    """In two processes: a new key, a rotated key without an overlap, and a revoked key."""
    async with process(place.url, place.name) as other:
        key, text = await place.keys.create(ASKED)
        for each in (one, other):
            await each.comes_to(text, None)
        _, newer = await place.keys.rotate(key.id, overlap_s=0)
        for each in (one, other):
            await each.comes_to(text, Refusal.UNKNOWN)
            assert each.refuses(newer) is None
        await place.keys.revoke(key.id)
        for each in (one, other):
            await each.comes_to(newer, Refusal.REVOKED)


async def test_both_secrets_hold_during_the_overlap(place: Place, one: Process) -> None:
    """Also those of a second rotation within the overlap of the first."""
    key, first = await place.keys.create(ASKED)
    _, second = await place.keys.rotate(key.id, overlap_s=60)
    _, third = await place.keys.rotate(key.id, overlap_s=60)
    await one.comes_to(third, None)
    assert [one.refuses(text) for text in (first, second)] == [None, None]


async def test_old_secret_ends_with_its_overlap(place: Place, one: Process) -> None:
    """No further change is needed for that."""
    key, first = await place.keys.create(ASKED)
    _, second = await place.keys.rotate(key.id, overlap_s=0.5)
    await one.comes_to(second, None)
    await one.comes_to(first, Refusal.UNKNOWN)
    assert one.refuses(second) is None


async def test_nobody_is_let_in_before_the_keys_were_read(place: Place) -> None:
    """A key that exists gets the same answer as a key that does not: come again."""
    _, text = await place.keys.create(ASKED)
    async with proxied(place, opens=False) as (proxy, one):
        await one.is_down()
        assert one.refuses(text) is Refusal.UNREAD
        proxy.accept()
        await one.comes_to(text, None, within_s=10)


async def test_revocation_during_an_outage_is_in_force_after_it(place: Place) -> None:
    """During the outage the known key works on, and an unknown key is told to come again."""
    key, text = await place.keys.create(ASKED)
    async with proxied(place) as (proxy, one):
        proxy.refuse()
        proxy.cut()
        await one.is_down()
        _, unknown = await place.keys.create(ASKED)
        await place.keys.revoke(key.id)
        assert one.refuses(text) is None
        assert one.refuses(unknown) is Refusal.UNREAD
        proxy.accept()
        await one.comes_to(text, Refusal.REVOKED, within_s=10)
        assert one.refuses(unknown) is None


async def test_frozen_server_lets_no_unknown_key_be_called_unknown(place: Place) -> None:
    """The connection looks alive for seconds, and a key may have been made meanwhile."""
    async with proxied(place) as (proxy, one):
        proxy.freeze()
        _, text = await place.keys.create(ASKED)
        assert one.refuses(text) is Refusal.UNKNOWN
        await one.comes_to(text, Refusal.UNREAD, within_s=5)
        proxy.thaw()
        await one.comes_to(text, None, within_s=5)
        await one.comes_to(MADE_UP, Refusal.UNKNOWN, within_s=5)


async def test_forgotten_watch_is_noticed_at_the_next_change(place: Place, one: Process) -> None:
    """The server says nothing when it forgets a consumer, and the connection is fine."""
    key, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    for consumer in await place.jetstream.consumers_info(place.stream):
        await place.jetstream.delete_consumer(place.stream, consumer.name)
    await place.keys.revoke(key.id)
    await one.comes_to(text, Refusal.REVOKED, within_s=3)


async def test_deleted_bucket_is_an_outage_until_somebody_makes_it_again(
    place: Place, one: Process
) -> None:
    """An empty bucket in its place would tell every sender that its key is wrong for ever."""
    _, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    await place.jetstream.delete_stream(place.stream)
    await one.comes_to(MADE_UP, Refusal.UNREAD, within_s=5)
    assert one.refuses(text) is None
    async with opened_keys(NatsSettings(url=place.url), KeysSettings(bucket=place.name)) as keys:
        _, newer = await keys.create(ASKED)
    await one.comes_to(newer, None, within_s=10)
    assert one.refuses(text) is Refusal.UNKNOWN


async def test_bucket_made_anew_is_noticed_though_its_end_was_not_heard(place: Place) -> None:
    """The server says only once that a watch has ended, and what it said may be lost."""
    _, text = await place.keys.create(ASKED)
    async with proxied(place) as (proxy, one):
        proxy.drop_replies = True
        await place.jetstream.delete_stream(place.stream)
        async with opened_keys(NatsSettings(url=place.url), KeysSettings(bucket=place.name)):
            proxy.drop_replies = False
            await one.comes_to(text, Refusal.UNKNOWN, within_s=5)


async def test_emptied_bucket_has_no_keys(place: Place, one: Process) -> None:
    """A purge sends nothing to those who watch."""
    _, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    await place.jetstream.purge_stream(place.stream)
    await one.comes_to(text, Refusal.UNKNOWN, within_s=3)


async def test_purged_record_is_missed(place: Place, one: Process) -> None:
    """Nothing is sent to those who watch, and the other keys are still there."""
    key, text = await place.keys.create(ASKED)
    _, other = await place.keys.create(ASKED)
    await one.comes_to(other, None)
    await place.jetstream.purge_stream(
        place.stream, subject=f"$KV.{place.name}.{KEY_PREFIX}{key.id}"
    )
    await one.comes_to(text, Refusal.UNKNOWN, within_s=3)
    assert one.refuses(other) is None


async def test_key_deleted_with_the_tools_of_nats_is_unknown(place: Place, one: Process) -> None:
    """And an export brings it back."""
    key, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    with structlog.testing.capture_logs() as logs:
        await (await place.jetstream.key_value(place.name)).delete(KEY_PREFIX + key.id)
        await one.comes_to(text, Refusal.UNKNOWN)
    assert not [line for line in logs if line["log_level"] == "error"]
    assert (await place.keys.all()) == KeyList([], [])
    assert await place.keys.restore([key], replace=False) == (1, 0)
    await one.comes_to(text, None)


@pytest.mark.parametrize(
    "record",
    [
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"id": "AAAAAAAAAAAA"}',
        b'{"id": "AAAAAAAAAAAA", "brand": "b", "environment": "live", "may_not": ["post"]}',
        b'{"id": "AAAAAAAAAAAA", "brand": "b", "environment": "live", "events_per_s": 0}',
        b'{"id": "AAAAAAAAAAAA", "brand": "b:c", "environment": "live"}',
        b'{"id": "BBBBBBBBBBBB", "brand": "b", "environment": "live"}',
        b'{"id": "AAAAAAAAAAAA", "brand": "b", "environment": "live", "scopes": ["fly"]}',
        b"x" * MAX_KEY_BYTES,
    ],
    ids=["bytes", "deep", "cut", "newer", "rate", "brand", "other", "scope", "large"],
)
async def test_broken_record_refuses_its_key_only(
    place: Place, one: Process, record: bytes
) -> None:
    """It is logged once, however often it is read, and the others work on."""
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await place.write(f"{KEY_PREFIX}AAAAAAAAAAAA", record)
        await place.write("strange", b"name")
        _, text = await place.keys.create(ASKED)
        await one.comes_to(text, None)
    assert one.keyring.find("AAAAAAAAAAAA") is None
    assert [line["key"] for line in logs if line["log_level"] == "error"] == ["AAAAAAAAAAAA"]
    assert (await place.keys.all()).unread == ["AAAAAAAAAAAA"]


async def test_record_that_becomes_broken_ends_its_key(place: Place, one: Process) -> None:
    """A newer version may have limited the key in a way that this version does not know."""
    key, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    await place.write(KEY_PREFIX + key.id, b'{"id": "%b", "only": []}' % key.id.encode())
    await one.comes_to(text, Refusal.UNKNOWN)


async def test_day_of_last_use_is_written_once_a_day(place: Place, one: Process) -> None:
    """By whichever process is first, and it changes no key."""
    key, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    async with process(place.url, place.name) as other:
        await one.note_uses()
        before = (await place.jetstream.stream_info(place.stream)).state.last_seq
        await other.comes_to(text, None)
        name = USED_PREFIX + key.id
        await eventually(lambda: name in other.bucket.names, what="the other's news")
        assert one.refuses(text) is None
        await one.note_uses()
        await other.note_uses()
    state = (await place.jetstream.stream_info(place.stream)).state
    assert state.last_seq == before
    assert (await place.keys.one(key.id)).used_on[:2] == "20"
    assert (await place.keys.all()).uses[0].used_on == (await place.keys.one(key.id)).used_on


async def test_noting_a_use_never_undoes_a_revocation(place: Place, one: Process) -> None:
    """Because the day is a record of its own."""
    key, text = await place.keys.create(ASKED)
    await one.comes_to(text, None)
    await place.keys.revoke(key.id)
    await one.note_uses()
    await one.comes_to(text, Refusal.REVOKED)
    assert (await place.keys.one(key.id)).key.revoked_s is not None


async def test_restart_of_the_server_loses_no_key(tmp_path: Path) -> None:
    """While it is away, the known keys work."""
    with Nats(tmp_path / "nats") as server:
        connection, settings = NatsSettings(url=server.address), KeysSettings()
        async with opened_keys(connection, settings) as keys:
            key, text = await keys.create(ASKED)
        async with process(server.address, settings.bucket) as one:
            await asyncio.to_thread(server.stop)
            await one.is_down()
            assert one.refuses(text) is None
            await asyncio.to_thread(server.start)
            await eventually(lambda: one.keyring.complete, what="the second reading")
            async with opened_keys(connection, settings) as keys:
                await keys.revoke(key.id)
            await one.comes_to(text, Refusal.REVOKED)
