"""What surrounds a daemon with a public port: names of its own, keys, and readers of its sink."""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx
import nats
from nats.js.errors import NotFoundError

from consumer.access import token
from consumer.access.edit import opened_keys
from consumer.access.key import Key, Scope
from consumer.access.settings import KeysSettings
from consumer.deliveries.origin import Environment
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.sinks.base import SinkSettings
from consumer.tools.embedded.servers import free_port
from tests.support.daemon import Daemon
from tests.support.sink_reader import SinkReader

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


LARGE_BYTES = 4 * 1024 * 1024


class Told(NamedTuple):
    """What the answer to one event says.

    Attributes:
        status: The status of the answer, also if the event was a line of a batch.
        reason: The reason of a rejected event. Empty if it is stored.
        error: The error of a rejected event. Empty if it is stored.
    """

    status: int
    reason: str = ""
    error: str = ""


async def post(
    client: httpx.AsyncClient,
    body: bytes,
    message_type: str | None = "CASINO",
    content_encoding: str | None = None,
) -> Told:
    """Post one event: on the path of its type, or as a batch of one line if there is no path.

    Raises:
        httpx.HTTPStatusError: The answer is about something else than the event.
    """
    headers = {"content-type": "application/json"}
    if content_encoding is not None:
        headers["content-encoding"] = content_encoding
    if message_type is not None and message_type in PATHS:
        method, path = PATHS[message_type]
        answer = await client.request(method, path, content=body, headers=headers)
        told = answer.json()
        if answer.status_code in (400, 409):
            return Told(answer.status_code, told["reason"], told["detail"])
        answer.raise_for_status()
        return Told(answer.status_code)
    named = b"" if message_type is None else b'"type":' + json.dumps(message_type).encode() + b","
    answer = await client.post(
        MANY_PATH, content=b"{" + named + b'"data":' + body + b"}", headers=headers
    )
    answer.raise_for_status()
    (result,) = answer.json()["results"]
    return Told(answer.status_code, result.get("reason", ""), result.get("error", ""))


class HttpScene:
    """Everything around a daemon with a public port. Scenes may share their servers.

    Args:
        folder: of the daemon's configuration and log.
        nats_url: The server of the sink and of the keys.
        redis_url: The store of identities. None: in memory.
        sink_url: The same server as the daemon reaches it, such as through a proxy.

    Attributes:
        name: A part of every name in NATS and Redis; also the brand of its keys.
        tables: The daemon's configuration. A test may change it before it makes the daemon.
        port: The number of the public port.
        url: Its URL, without a path.
        sink: What was posted with live keys.
        sandbox: What was posted with test keys.
    """

    def __init__(
        self,
        folder: Path,
        nats_url: str,
        redis_url: str | None = None,
        sink_url: str | None = None,
    ) -> None:
        self._folder = folder
        self._nats_url = nats_url
        self.name = name = f"h{secrets.token_hex(4)}"
        self._bucket = f"KEYS_{name}"
        self.port = port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        live = {"events": f"EVENTS_{name}", "dead_letters": f"DEAD_{name}"}
        test = {"events": f"EVENTS_{name}_TEST", "dead_letters": f"DEAD_{name}_TEST"}
        self.sink = SinkReader(nats_url, **live)
        self.sandbox = SinkReader(nats_url, **test)
        redis = {"url": redis_url, "key_prefix": f"{name}:"}
        self.tables: dict[str, Any] = {
            "listeners": {"api": {"kind": "http"}},
            "dedupe": redis if redis_url else {"store": "memory"},
            "sink": {"url": sink_url or nats_url, "stream": live["events"], "subject_prefix": name},
            "dead_letters": {"stream": live["dead_letters"], "subject_prefix": f"{name}-dead"},
            "http": {"bind": f"127.0.0.1:{port}", "drain_delay_s": 0.1},
            "keys": {"bucket": self._bucket},
            "sandbox": {
                "stream": test["events"],
                "subject_prefix": f"{name}-test",
                "dead_letters": test["dead_letters"],
                "dead_subject_prefix": f"{name}-test-dead",
                "rate": 1_000_000,
            },
            "stream_api": {"heartbeat_s": 1},
            "log": {"format": "json"},
        }

    async def __aenter__(self) -> Self:
        await self.sink.__aenter__()
        await self.sandbox.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.sink.__aexit__(kind, error, traceback)
        await self.sandbox.__aexit__(kind, error, traceback)
        client = await nats.connect(self._nats_url)
        for bucket in (self._bucket, f"{self._bucket}_ANSWERS"):
            with contextlib.suppress(NotFoundError):
                await client.jetstream().delete_key_value(bucket)
        await client.close()

    async def key(self, environment: Environment = Environment.LIVE, **fields: object) -> str:
        """Make a key, and return its text. By default, it may post events for the scene's brand.

        A daemon that runs already may not know the key for some milliseconds.

        Args:
            environment: `LIVE` or `TEST`.
            fields: Other fields of `Key`.
        """
        given: dict[str, Any] = {"id": "", "brand": self.name, "scopes": (Scope.INGEST,)}
        given.update(fields)
        wanted = Key(environment=environment, **given)
        settings = SinkSettings(url=self._nats_url)
        async with opened_keys(settings, KeysSettings(bucket=self._bucket)) as keys:
            _, text = await keys.create(wanted)
        return text

    async def revoke(self, key: str) -> None:
        """Revoke a key."""
        parts = token.read(key)
        assert parts is not None
        settings = SinkSettings(url=self._nats_url)
        async with opened_keys(settings, KeysSettings(bucket=self._bucket)) as keys:
            await keys.revoke(parts.id)

    async def rotate(self, key: str) -> str:
        """Rotate a key without an overlap, and return its new text."""
        parts = token.read(key)
        assert parts is not None
        settings = SinkSettings(url=self._nats_url)
        async with opened_keys(settings, KeysSettings(bucket=self._bucket)) as keys:
            _, text = await keys.rotate(parts.id, 0.0)
        return text

    def client(self, key: str) -> httpx.AsyncClient:
        """Return a client of the public port that sends a key."""
        return httpx.AsyncClient(base_url=self.url, headers={"x-api-key": key}, timeout=60)

    def allow_large(self) -> None:
        """Let events be as large as through a broker."""
        self.tables["http"] |= {"max_body_bytes": LARGE_BYTES, "max_event_bytes": LARGE_BYTES}

    def daemon(self) -> Daemon:
        """Return the daemon, not started."""
        return Daemon(self._folder, self.tables)
