"""What a call to Redis costs this process, beside the same call by redis-py's own script object.

    python -m bench.store_redis

Each line is a size of a batch: the CPU time of this process for a call that marks one batch done
and claims the next. Both ways take turns, and the better of several runs counts.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import uvloop
from redis.asyncio import Redis

from consumer.events.identity import Identity
from consumer.stores.base import DedupeSettings
from consumer.stores.redis import SCRIPT, RedisStore
from tests.brokers import running_brokers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Exchange = Callable[[Sequence[Identity], Sequence[Identity]], Awaitable[object]]

SIZES: Final = (1, 32, 500)
IDENTITIES_COUNT: Final = 10_000
ROUNDS: Final = 5
WINDOW_S: Final = 60.0


def identities(count: int) -> list[Identity]:
    """Make new identities."""
    return [Identity(secrets.token_hex(16), secrets.token_hex(8), WINDOW_S) for _ in range(count)]


async def cpu_us(exchange: Exchange, size: int) -> float:
    """Return the CPU time of a call, in us."""
    calls_count = max(20, IDENTITIES_COUNT // size)
    batches = [identities(size) for _ in range(calls_count)]
    done: list[Identity] = []
    began_s = time.process_time()
    for batch in batches:
        await exchange(done, batch)
        done = batch
    return (time.process_time() - began_s) / calls_count * 1e6


async def main() -> None:
    """Run, and print a line for each size."""
    url = running_brokers()["redis"]
    store = RedisStore(DedupeSettings(url=url))
    client = Redis.from_url(url, socket_timeout=5.0)
    script = client.register_script(SCRIPT)

    async def by_script_object(done: Sequence[Identity], claims: Sequence[Identity]) -> object:
        both = [*done, *claims]
        keys = [f"consumer:{identity.key}" for identity in both]
        fingerprints = [identity.fingerprint for identity in both]
        return await script(keys, [len(done), *fingerprints, len(both), round(WINDOW_S)])

    ways: dict[str, Exchange] = {"store": store.exchange, "script object": by_script_object}
    for size in SIZES:
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(ROUNDS):
            for name, exchange in ways.items():
                best[name] = min(best[name], await cpu_us(exchange, size))
        ratio = best["store"] / best["script object"]
        costs = ", ".join(f"{name} {cost_us:7.0f} us" for name, cost_us in best.items())
        print(f"{size:4} identities: {costs}, ratio {ratio:.2f}")
    await store.close()
    await client.aclose()


if __name__ == "__main__":
    uvloop.run(main())
