"""Remembers identities in Redis (from 7.0) or Valkey, with one Lua call for a whole batch.

Responsible for the script, for the meaning of its replies, and for telling the operator why Redis
cannot be used. Not responsible for what a reply means for an event: that is `pipeline/dedupe.py`.

A key is `<prefix><32 hex digits>`. Its value is `P<unix seconds>:<fingerprint>` or
`D<fingerprint>`; every key has a time to live.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import hiredis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError as RedisConnectionError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError as RedisTimeoutError,
)

from consumer.errors import ConfigError, StoreUnavailable
from consumer.events.identity import Identity
from consumer.operations.caveat import Caveat
from consumer.options.unreachable import Unreachable, hung_up, no_answer, why_unreachable
from consumer.stores.base import DedupeSettings, Mark, Memory, Store
from consumer.stores.redis_client import make_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

Got = TypeVar("Got")
SCRIPT: Final = files("consumer.stores").joinpath("exchange.lua").read_text(encoding="utf-8")
SCRIPT_SHA1: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
"""The name by which the server knows the script."""
_OLDEST_VERSION: Final = 7
CLOSE_DEADLINE_S: Final = 3.0
BROKER: Final = "Redis"
REFUSED: Final = (AuthenticationError, AuthorizationError, NoPermissionError, OutOfMemoryError)
"""The errors that stay until somebody changes something. A replica may become the primary."""
PROBE: Final = Identity("check", "check", 60.0)
"""What a check writes. No event has it, because an event's key is a hash."""

PERMISSIONS: Final = (
    "+set +get +pttl +time +evalsha +script|load +ping +info +select +client|setname"
)
"""The rights that the store's user needs, besides the right to its keys."""
SCRIPT_REFUSED: Final = "executing the script can't run this command"
"""What the server says if the user may call the script, and not a command of the script. The code
of this error is no other than that of a fault of the script."""


class RedisStore(Store):
    """Keeps marks in Redis or Valkey. redis-py holds the connections and opens them again.

    Raises:
        ConfigError: The URL has an option that redis-py does not know or cannot use.
    """

    def __init__(self, settings: DedupeSettings) -> None:
        self._settings = settings
        self._unfit = ""
        try:
            self._redis = make_client(settings)
        except (RedisError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise ConfigError(f"dedupe.url: is not shown, and cannot be used: {error}") from error

    async def open(self) -> list[Caveat]:
        """See `Part.open`. Checks version, persistence and eviction, if `INFO` is permitted."""
        caveats = await self._inspect()
        await self._probe()
        return caveats

    async def _inspect(self) -> list[Caveat]:
        """Ask the server for its settings. As long as they are unfit, `exchange` is refused.

        Raises:
            StoreUnavailable: They are unfit, or the server did not answer.
        """
        info = await self._ask(self._info())
        if info is None:  # what was unfit stays so
            facts = {"why": "no permission for INFO", "allow": "+info"}
            return [Caveat("store not checked", facts)]
        self._unfit = ""
        try:
            return refuse_unfit(info)
        except StoreUnavailable as error:
            self._unfit = str(error)
            raise

    async def _probe(self) -> None:
        """Write, so that a server that only answers is not taken for fit."""
        await self.exchange((), (PROBE,))

    async def _info(self) -> dict[str, Any] | None:
        try:
            info: dict[str, Any] = await self._redis.info()
        except NoPermissionError:
            return None
        return info

    async def exchange(
        self, done: Sequence[Identity], claims: Sequence[Identity]
    ) -> list[Memory | None]:
        """See `Store.exchange`."""
        if not done and not claims:
            return []
        if self._unfit:
            raise StoreUnavailable(self._unfit, refused=True)
        prefix = self._settings.key_prefix
        identities = [*done, *claims]
        command = ["EVALSHA", SCRIPT_SHA1, str(len(identities))]
        command += [prefix + identity.key for identity in identities]
        command.append(str(len(done)))
        command += [identity.fingerprint for identity in identities]
        for window_s, run in groupby(identities, attrgetter("window_s")):
            command += (str(sum(1 for _ in run)), str(max(1, round(window_s))))
        packed = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # a slip of its stub
        reply = await self._ask(self._run_script(packed))
        now_s = int(reply[0] or b"")
        return [_memory(value, now_s) for value in reply[1:]]

    async def _run_script(self, command: bytes) -> list[bytes | None]:
        """Send the packed command, and load the script if the server does not know it."""
        try:
            return await self._send(command)
        except NoScriptError:
            await self._redis.script_load(SCRIPT)
            return await self._send(command)

    async def _send(self, command: bytes) -> list[bytes | None]:
        # redis-py packs a command in Python. For a batch of 500 that takes twice as long as the
        # rest of the call (bench/store_redis.py). After any error but one of the server's own
        # answers, these methods close the connection, as those of the client do.
        pool = self._redis.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # its own lack
        try:
            await connection.send_packed_command([command])
            reply: list[bytes | None] = await connection.read_response()
            return reply
        finally:
            await pool.release(connection)

    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """See `Store.recall`."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        for key in keys:
            name = self._settings.key_prefix + key
            pipeline.get(name)
            pipeline.pttl(name)
        (now_s, _), *reply = await self._ask(pipeline.execute())
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [_mark(value, left_ms / 1000, now_s) for value, left_ms in pairs]

    async def check(self) -> None:
        """See `Part.check`. The settings are looked at again: an operator may have changed them."""
        await self._inspect()
        await self._probe()

    async def _ask(self, call: Awaitable[Got]) -> Got:
        """Await a call to its end, even if the task that awaits it is cancelled meanwhile.

        A call that is cut off without closing its connection leaves its reply there. The next call
        would take that reply for its own (CVE-2023-28858), and a wrong `D` is a lost event. The
        call ends in any case, because it has a deadline. redis-py closes the connection of a call
        that was cut off by the deadline.

        Raises:
            StoreUnavailable: The call failed, or had no reply in time.
        """

        async def run() -> Got:
            async with asyncio.timeout(self._settings.timeout_s):
                return await call

        task = asyncio.get_running_loop().create_task(run(), name="redis call")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # otherwise asyncio reports that nobody looked at an error
            raise
        except ReadOnlyError as error:
            await self._leave()
            raise _explained(error, self._settings) from error
        except RedisError as error:
            raise _explained(error, self._settings) from error
        except TimeoutError as error:
            text = f"no reply within {self._settings.timeout_s:g} s"
            raise _explained(RedisTimeoutError(text), self._settings) from error

    async def _leave(self) -> None:
        """Close the connections: after a failover, the name may belong to another server.

        A connection over TLS waits for the answer of its server, which may be frozen. Whatever goes
        wrong is of no interest: redis-py opens a new connection for the next call.
        """
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._redis.connection_pool.disconnect()

    async def close(self) -> None:
        """See `Part.close`. A frozen server cannot make it raise or hang."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._redis.aclose()


def refuse_unfit(info: dict[str, Any]) -> list[Caveat]:
    """Refuse a server that would forget marks, or that does not know the commands.

    Args:
        info: What `INFO` answered.

    Returns:
        A caveat for everything that works but may surprise.

    Raises:
        StoreUnavailable: The server is unfit; the text says what to change.
    """
    version = str(info.get("redis_version", "0"))
    if int(version.split(".", maxsplit=1)[0]) < _OLDEST_VERSION:
        raise StoreUnavailable(
            f"Redis {version} is too old: SET with NX and GET needs 7.0", refused=True
        )
    if int(info.get("cluster_enabled", 0)):
        raise StoreUnavailable(
            "Redis Cluster is not supported, because one call has keys of several slots: use a "
            "single server with replicas",
            refused=True,
        )
    caveats = []
    if not int(info.get("aof_enabled", 1)):
        # A snapshot is not enough: what was marked after it is gone after a crash.
        facts: dict[str, object] = {"appendonly": "no", "instead": "appendonly yes"}
        caveats.append(Caveat("store forgets marks when its server restarts", facts))
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return caveats
    if int(info.get("maxmemory", 0)):
        raise StoreUnavailable(
            f"maxmemory-policy is {policy}: it would forget events silently; "
            "run CONFIG SET maxmemory-policy noeviction",
            refused=True,
        )
    facts = {"maxmemory_policy": policy}
    return [*caveats, Caveat("eviction policy unsafe once maxmemory is set", facts)]


def _memory(value: bytes | None, now_s: int) -> Memory | None:
    if value is None:
        return None
    text = value.decode("ascii")
    if text[0] == "D":
        return Memory(done=True, fingerprint=text[1:])
    since_s, _, fingerprint = text[1:].partition(":")
    return Memory(done=False, fingerprint=fingerprint, age_s=max(0, now_s - int(since_s)))


def _mark(value: bytes | None, remaining_s: float, now_s: int) -> Mark | None:
    memory = _memory(value, now_s)
    if memory is None or remaining_s <= 0:  # the mark ended between GET and PTTL
        return None
    return Mark(memory.done, memory.fingerprint, memory.age_s, remaining_s)


def _explained(error: RedisError, settings: DedupeSettings) -> StoreUnavailable:
    """Say what to do about an error. No error is permanent: the same call may work later."""
    refused = isinstance(error, REFUSED)
    if isinstance(error, (AuthenticationError, AuthorizationError)):
        advice = "login refused: check username and password"
    elif isinstance(error, NoPermissionError) or SCRIPT_REFUSED in str(error):
        advice = f"permission missing: allow {PERMISSIONS}"
    elif isinstance(error, ReadOnlyError):
        advice = "a read-only replica: let [dedupe] url name the primary"
    elif isinstance(error, OutOfMemoryError):
        advice = "memory is full: raise maxmemory or shorten window_s"
    elif isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        advice, refused = _why_away(error, settings)
    else:
        advice = "refused"
    return StoreUnavailable(f"{advice} ({error})", refused=refused)


def _why_away(error: RedisError, settings: DedupeSettings) -> Unreachable:
    tls = settings.tls is not None or settings.url.startswith("rediss:")
    if isinstance(error, RedisTimeoutError):
        return Unreachable(no_answer(BROKER, tls=tls), refused=False)
    why = why_unreachable(error, BROKER, tls=tls)
    return why or Unreachable(hung_up(BROKER, tls=tls), refused=False)
