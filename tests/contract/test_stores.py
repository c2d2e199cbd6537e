"""The stores' contract in memory, on Redis and on Valkey, and what only a server can do to us."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis as RedisClient
from redis.exceptions import TimeoutError as RedisTimeoutError

from consumer.errors import ConfigError, StoreUnavailable
from consumer.stores import redis as redis_store
from consumer.stores.base import DedupeSettings, Memory
from consumer.stores.memory import MemoryStore
from consumer.stores.redis import RedisStore
from consumer.tools.embedded.servers import embedded_valkey
from tests.contract.store_suite import A, StoreContract, identity
from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.redis_store import make_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from consumer.stores.base import Store
    from tests.brokers.redis import Redis

NOBODY = "redis://127.0.0.1:1/0"
TIMEOUT_S = 0.5


class TestMemory(StoreContract):
    """One process."""

    @pytest.fixture(autouse=True)
    def _nothing_made(self) -> None:
        self._made: MemoryStore | None = None

    def make(self) -> Store:
        """Return the one of this test: marks in memory cannot be shared otherwise."""
        if self._made is None:
            self._made = MemoryStore()
        return self._made


class TestRedis(StoreContract):
    """A server that others use as well."""

    @pytest.fixture(autouse=True)
    def _prefix(self, redis_url: str) -> None:
        self._url = redis_url
        self._key_prefix = f"test-{secrets.token_hex(4)}:"

    def make(self) -> Store:
        """See the suite."""
        return RedisStore(DedupeSettings(url=self._url, key_prefix=self._key_prefix))


class TestValkey(StoreContract):
    """The embedded server."""

    @pytest.fixture(autouse=True)
    async def _server(self, tmp_path: Path) -> AsyncIterator[None]:
        async with embedded_valkey(tmp_path) as self._url:
            yield

    def make(self) -> Store:
        """See the suite."""
        return RedisStore(DedupeSettings(url=self._url))


async def allow(admin: RedisClient, *rules: str) -> None:
    """Give the user `some` further permissions; its password is `pw`."""
    await admin.acl_setuser(
        "some", enabled=True, passwords=["+pw"], keys=["test:*"], commands=rules
    )


async def test_unreachable_server_says_what_to_look_at() -> None:
    """Opening, asking and checking alike."""
    store = make_store(NOBODY)
    for call in (
        store.open(),
        store.check(),
        store.exchange([], [identity()]),
        store.recall(["a"]),
    ):
        with pytest.raises(StoreUnavailable, match=r"connection refused: is Redis running there\?"):
            await call
    await store.close()


async def test_wrong_password_is_called_so(server: Redis, admin: RedisClient) -> None:
    """And the password is not in the text."""
    await admin.config_set("requirepass", "right")
    store = make_store(server.address.replace("//", "//:wr0ng@"))
    with pytest.raises(StoreUnavailable, match="login refused: check username and password") as why:
        await store.open()
    assert "wr0ng" not in str(why.value)
    await store.close()


async def test_missing_password_is_called_so(server: Redis, admin: RedisClient) -> None:
    """The server answers NOAUTH."""
    await admin.config_set("requirepass", "right")
    store = make_store(server.address)
    with pytest.raises(StoreUnavailable, match="login refused: check username and password"):
        await store.open()
    await store.close()


async def test_missing_permission_is_named(server: Redis, admin: RedisClient) -> None:
    """So that the operator can grant it."""
    await allow(admin)
    store = make_store(server.address.replace("//", "//some:pw@"))
    with pytest.raises(StoreUnavailable, match=r"permission missing: allow \+set"):
        await store.exchange([], [identity()])
    await store.close()


@pytest.mark.parametrize("database", [0, 3])
async def test_permissions_of_the_advice_are_enough(
    server: Redis, admin: RedisClient, database: int
) -> None:
    """Word for word as the error text gives them."""
    await allow(admin)
    store = make_store(f"redis://some:pw@127.0.0.1:{server.port}/{database}")
    with pytest.raises(StoreUnavailable) as why:
        await store.open()
    advice = str(why.value).partition("allow ")[2].partition(" (")[0]
    await allow(admin, *advice.split())
    await store.open()
    assert await store.exchange([], [identity()]) == [None]
    assert await store.recall([identity().key]) == [None]
    await store.close()


async def test_cancelled_calls_leave_the_right_replies(redis_url: str) -> None:
    """A reply left on a connection would be taken for the next call's."""
    store = make_store(redis_url, f"test-{secrets.token_hex(4)}:")
    await store.open()
    done = identity()
    await store.exchange([done], [])
    for _ in range(50):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await store.exchange([], [done])
        new = [identity(), identity()]
        assert await store.exchange([], new) == [None, None]
        assert await store.exchange([], [done]) == [Memory(done=True, fingerprint=A)]
    await store.close()


async def test_call_cancelled_on_its_way_is_finished(redis_url: str) -> None:
    """Cut off while the server's answer is held back, it ends before the cancelling does."""
    async with Proxy("127.0.0.1", urlsplit(redis_url).port or 6379) as proxy:
        store = make_store(f"redis://{proxy.address}/0", f"test-{secrets.token_hex(4)}:")
        await store.open()
        one = identity()
        proxy.delay_s = 0.1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await store.exchange([one], [])
        proxy.delay_s = 0.0
        assert await store.exchange([], [identity(), one]) == [
            None,
            Memory(done=True, fingerprint=A),
        ]
        await store.close()


async def test_restarted_server_is_used_again(server: Redis) -> None:
    """Without a new object, and with the script loaded anew."""
    store = make_store(server.address, timeout_s=TIMEOUT_S)
    await store.open()
    await store.exchange([], [identity()])
    server.kill()
    with pytest.raises(StoreUnavailable):
        await store.exchange([], [identity()])
    server.start()
    assert await store.exchange([], [identity()]) == [None]
    await store.check()
    await store.close()


async def test_frozen_server_is_given_up_in_time(server: Redis) -> None:
    """It holds its connections and answers nothing; thawed, it is used again."""
    store = make_store(server.address, timeout_s=TIMEOUT_S)
    await store.open()
    await store.exchange([], [identity()])
    server.freeze()
    started_s = time.monotonic()
    with pytest.raises(StoreUnavailable, match="no answer in time: is Redis frozen"):
        await store.exchange([], [identity()])
    assert time.monotonic() - started_s < TIMEOUT_S * 3
    server.thaw()
    assert await store.exchange([], [identity()]) == [None]
    await store.close()


async def test_replies_are_right_after_a_thaw(server: Redis) -> None:
    """A late reply belongs to the call that gave up, not to the next one."""
    store = make_store(server.address, timeout_s=TIMEOUT_S)
    done = identity()
    await store.exchange([done], [])
    server.freeze()
    with pytest.raises(StoreUnavailable):
        await store.exchange([], [done])
    server.thaw()
    assert await store.exchange([], [identity(), identity()]) == [None, None]
    await store.close()


async def test_lost_connections_are_made_again(redis_url: str) -> None:
    """The call that met the cut fails; one of the next ones passes."""
    async with Proxy("127.0.0.1", urlsplit(redis_url).port or 6379) as proxy:
        store = make_store(f"redis://{proxy.address}/0", f"test-{secrets.token_hex(4)}:")
        await store.open()
        proxy.cut()

        async def passes() -> bool:
            try:
                return await store.exchange([], [identity()]) == [None]
            except StoreUnavailable:
                return False

        await eventually(passes)
        await store.close()


@pytest.mark.parametrize("fault", ["raises", "hangs"])
async def test_close_ends_whatever_the_server_does(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A frozen TLS server never answers the goodbye."""

    async def aclose(_: RedisClient) -> None:
        if fault == "hangs":
            await asyncio.Event().wait()
        raise RedisTimeoutError

    monkeypatch.setattr(RedisClient, "aclose", aclose)
    monkeypatch.setattr(redis_store, "CLOSE_DEADLINE_S", 0.1)
    async with asyncio.timeout(5):
        await make_store(NOBODY).close()


@pytest.mark.parametrize(
    "wrong",
    ["?socket_timeout=x", "?foo=1", "?max_connections=-1", "?db=x", "?protocol=9", "?encoding=x"],
)
async def test_option_of_the_url_that_cannot_be_used_is_told_before_the_start(wrong: str) -> None:
    """redis-py raises errors of five classes for them, some of them at the first call only."""
    with pytest.raises(ConfigError, match=r"dedupe\.url: is not shown") as why:
        RedisStore(DedupeSettings(url=f"redis://:hunter2@127.0.0.1:1/0{wrong}"))
    assert "hunter2" not in str(why.value)
