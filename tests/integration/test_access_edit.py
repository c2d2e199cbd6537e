"""Changes of keys on a real server: what is refused, what is kept, and what the audit log says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog.testing
from msgspec.structs import replace

from consumer.access.edit import KeyChangeRefused, opened_keys
from consumer.access.record import KEY_PREFIX
from consumer.access.settings import KeysSettings
from consumer.errors import ConfigError
from consumer.nats.connection import NatsSettings
from tests.support.watching_keys import ASKED, Place, place_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine


@pytest.fixture
async def place(nats_url: str) -> AsyncIterator[Place]:
    """Make a bucket, and delete it at the end."""
    async with place_on(nats_url) as made:
        yield made


@pytest.mark.parametrize("change", ["rotate", "revoke", "restore"])
async def test_of_two_changes_at_once_one_is_told(place: Place, change: str) -> None:
    """Neither overwrites the other."""
    key, _ = await place.keys.create(ASKED)
    changes: dict[str, Callable[[], Coroutine[None, None, object]]] = {
        "rotate": lambda: place.keys.rotate(key.id, overlap_s=60),
        "revoke": lambda: place.keys.revoke(key.id),
        "restore": lambda: place.keys.restore([replace(key, name="other")], replace=True),
    }
    loop = asyncio.get_running_loop()
    both = [loop.create_task(changes[name]()) for name in ("rotate", change)]
    await asyncio.wait(both)
    (refused,) = filter(None, [one.exception() for one in both])
    assert isinstance(refused, KeyChangeRefused)
    assert str(refused) == f"key {key.id} was changed meanwhile; try again"


async def test_restore_overwrites_nothing_unless_told(place: Place) -> None:
    """All or nothing: one key that differs stops all of them."""
    key, _ = await place.keys.create(ASKED)
    lost, _ = await place.keys.create(ASKED)
    await place.jetstream.purge_stream(place.stream)
    revoked = replace(key, revoked_s=1.0)
    assert await place.keys.restore([revoked], replace=False) == (1, 0)
    with pytest.raises(KeyChangeRefused, match=f"nothing was restored: of {key.id}"):
        await place.keys.restore([lost, key], replace=False)
    assert await place.keys.restore([lost, revoked], replace=False) == (1, 1)
    assert await place.keys.restore([lost, key], replace=True) == (1, 1)
    assert [use.key for use in (await place.keys.all()).uses] == [key, lost]


async def test_what_cannot_be_changed_says_why(place: Place) -> None:
    """Of keys that are unknown, revoked, of a newer version, or rotated too often."""
    key, _ = await place.keys.create(ASKED)
    for _ in range(3):
        await place.keys.rotate(key.id, overlap_s=60)
    with pytest.raises(KeyChangeRefused, match="4 secrets that still hold"):
        await place.keys.rotate(key.id, overlap_s=60)
    await place.keys.revoke(key.id)
    with pytest.raises(KeyChangeRefused, match="was revoked, so it cannot be rotated"):
        await place.keys.rotate(key.id, overlap_s=60)
    await place.write(f"{KEY_PREFIX}AAAAAAAAAAAA", b"{}")
    for key_id, why in (("A" * 12, "is not understood"), ("B" * 12, "no key"), ("*", "no id")):
        with pytest.raises(KeyChangeRefused, match=why):
            await place.keys.revoke(key_id)


async def test_rotation_without_overlap_ends_all_earlier_secrets(place: Place) -> None:
    """Also those whose overlap is not over: a secret may have leaked."""
    key, _ = await place.keys.create(ASKED)
    await place.keys.rotate(key.id, overlap_s=60)
    rotated, _ = await place.keys.rotate(key.id, overlap_s=0)
    assert [one.ends_s for one in rotated.secrets] == [None]


async def test_second_rotation_gives_no_earlier_secret_more_time(place: Place) -> None:
    """A longer overlap counts for the newest secret only."""
    key, _ = await place.keys.create(ASKED)
    first, _ = await place.keys.rotate(key.id, overlap_s=60)
    second, _ = await place.keys.rotate(key.id, overlap_s=3600)
    ends_s = [one.ends_s for one in second.secrets]
    assert ends_s[0] == first.secrets[0].ends_s
    assert ends_s[1] == pytest.approx((ends_s[0] or 0) + 3540, abs=5)
    assert ends_s[2] is None


async def test_impossible_key_is_not_stored(place: Place) -> None:
    """Whoever asks for it; the command line checks its options even earlier."""
    with pytest.raises(ConfigError) as raised:
        await place.keys.create(replace(ASKED, brand="a.b", scopes=(), events_per_s=0.0))
    assert [problem.partition(":")[0] for problem in raised.value.problems] == [
        "brand",
        "scopes",
        "events_per_s",
    ]
    assert (await place.keys.all()).uses == []


async def test_every_change_is_in_the_audit_log_without_a_secret(place: Place) -> None:
    """With who did it, and to what."""
    with structlog.testing.capture_logs() as logs:
        async with opened_keys(
            NatsSettings(url=place.url), KeysSettings(bucket=place.name), by="anna@desk"
        ) as keys:
            key, text = await keys.create(ASKED)
            _, newer = await keys.rotate(key.id, overlap_s=60)
            await keys.revoke(key.id)
            await keys.revoke(key.id)
            await keys.restore([key], replace=True)
    told = [(line["event"], line["key"], line["by"]) for line in logs]
    events = ("key created", "key rotated", "key revoked", "key restored")
    assert told == [(event, key.id, "anna@desk") for event in events]
    assert not any(secret[-38:] in str(logs) for secret in (text, newer))
