"""What the store does when somebody changes its Redis: the memory, the role, the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from consumer.errors import StoreUnavailable
from consumer.tools.embedded.servers import ServerProcess, free_port, redis_options
from tests.brokers.redis import Redis
from tests.contract.store_suite import identity
from tests.support.redis_store import make_store

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis as RedisClient


async def test_full_memory_writes_nothing(server: Redis, admin: RedisClient) -> None:
    """Not a part of the batch either."""
    store = make_store(server.address)
    await store.open()
    await store.exchange([], [identity()])  # the script is loaded
    await admin.config_set("maxmemory", "1")
    with pytest.raises(StoreUnavailable, match=r"memory is full: raise maxmemory or shorten"):
        await store.exchange([identity()], [identity() for _ in range(10)])
    assert await admin.dbsize() == 2  # the other key is that of the check
    await admin.config_set("maxmemory", "0")
    assert await store.exchange([], [identity()]) == [None]
    await store.close()


async def test_full_memory_at_the_first_call_is_called_so(
    server: Redis, admin: RedisClient
) -> None:
    """The script is not loaded by then."""
    store = make_store(server.address)
    await store.open()
    await admin.config_set("maxmemory", "1")
    with pytest.raises(StoreUnavailable, match=r"memory is full"):
        await store.exchange([], [identity()])
    await store.close()


async def test_check_sees_a_full_memory(server: Redis, admin: RedisClient) -> None:
    """Also while no event comes: the server still answers."""
    store = make_store(server.address)
    await store.open()
    await admin.config_set("maxmemory", "1")
    with pytest.raises(StoreUnavailable, match=r"memory is full"):
        await store.check()
    await store.close()


async def test_replica_is_noticed_and_left(server: Redis, admin: RedisClient) -> None:
    """After a failover, a new connection asks for the address again."""
    store = make_store(server.address)
    await store.open()
    before = {client["id"] for client in await admin.client_list()}
    await admin.replicaof("127.0.0.1", "1")
    with pytest.raises(StoreUnavailable, match=r"read-only replica: let \[dedupe\] url name"):
        await store.check()
    with pytest.raises(StoreUnavailable, match=r"read-only replica"):
        await make_store(server.address).open()
    await admin.replicaof("NO", "ONE")
    await store.check()
    after = {client["id"] for client in await admin.client_list() if client["name"] == "consumer"}
    assert not after & before
    await store.close()


async def test_replica_is_left_although_an_old_connection_does_not_close(
    server: Redis, admin: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py waits for the answer of a TLS connection to a frozen host, and raises its error."""

    async def disconnect() -> None:
        raise RedisTimeoutError("Timed out closing connection")

    store = make_store(server.address)
    await store.open()
    await admin.replicaof("127.0.0.1", "1")
    monkeypatch.setattr(vars(store)["_redis"].connection_pool, "disconnect", disconnect)
    with pytest.raises(StoreUnavailable, match=r"read-only replica"):
        await store.check()
    monkeypatch.undo()
    await store.close()


class _Clustered(Redis):
    """A server that has joined no cluster yet."""

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        options = redis_options(self.folder, self.port)
        # By default, the cluster's own port is 10,000 above the other, which may be taken.
        options += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
        command = [self.program(), *options]
        return ServerProcess(self.name, command, self.folder / "log")


async def test_cluster_is_refused(tmp_path: Path) -> None:
    """A batch has keys of several slots, so only single events would pass."""
    with _Clustered(tmp_path) as server:
        store = make_store(server.address)
        with pytest.raises(StoreUnavailable, match=r"Redis Cluster is not supported"):
            await store.open()
        await store.close()


async def test_evicting_server_is_refused(server: Redis, admin: RedisClient) -> None:
    """It would forget events silently; without a limit it never evicts."""
    store = make_store(server.address)
    await admin.config_set("maxmemory-policy", "allkeys-lru")
    await store.open()
    await admin.config_set("maxmemory", "100mb")
    with pytest.raises(StoreUnavailable, match=r"allkeys-lru.*CONFIG SET maxmemory-policy"):
        await store.open()
    await store.close()


async def test_eviction_that_begins_later_holds_the_lanes(
    server: Redis, admin: RedisClient
) -> None:
    """Nothing is claimed any more until the policy is right again, also by a busy lane."""
    store = make_store(server.address)
    await store.open()
    await admin.config_set("maxmemory", "100mb")
    await store.check()
    await admin.config_set("maxmemory-policy", "allkeys-lru")
    for call in (store.check(), store.exchange([], [identity()])):
        with pytest.raises(StoreUnavailable, match="allkeys-lru") as why:
            await call
        assert why.value.refused
    await admin.config_set("maxmemory-policy", "noeviction")
    await store.check()
    assert await store.exchange([], [identity()]) == [None]
    await store.close()


async def test_flushed_scripts_are_loaded_again(server: Redis, admin: RedisClient) -> None:
    """A failover does the same."""
    store = make_store(server.address)
    await store.exchange([], [identity()])
    await admin.script_flush()
    assert await store.exchange([], [identity()]) == [None]
    await store.close()
