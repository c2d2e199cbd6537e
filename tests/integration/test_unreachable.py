"""Why a broker cannot be reached is said in the same words of every broker."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from consumer.config.load import build
from consumer.errors import Unavailable
from consumer.listeners.registry import kinds
from consumer.nats.connection import NatsSettings
from consumer.nats.stream import StreamPlan
from consumer.parts.nats_part import NatsPart
from consumer.sinks.jetstream import JetStreamSink
from consumer.stores.redis import RedisStore
from consumer.tools.embedded.servers import free_port
from tests.brokers.nats import Nats
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.config.load import Config
    from consumer.listeners.base import AnyListener
    from consumer.parts.base import Part

BROKERS: Final = ("rabbitmq", "kafka", "nats", "redis")
NAMES: Final = {"rabbitmq": "RabbitMQ", "kafka": "Kafka", "nats": "NATS", "redis": "Redis"}
DATA: Final = Path(__file__).parents[1] / "data" / "tls"
CERT: Final = str(DATA / "cert.pem")
KEY: Final = str(DATA / "key.pem")
DEADLINE_S: Final = 30.0


def settings_of(broker: str, address: str, tls: dict[str, str] | None) -> dict[str, object]:
    """Return the options with which one of the brokers is reached."""
    given: dict[str, object] = {} if tls is None else {"tls": tls}
    if broker == "kafka":
        protocol = "PLAINTEXT" if tls is None else "SSL"
        return {"bootstrap_servers": [address], "security_protocol": protocol, **given}
    scheme = {"rabbitmq": "amqp", "nats": "nats", "redis": "redis"}[broker]
    if broker == "redis" and tls is not None:
        scheme = "rediss"
    return {"url": f"{scheme}://{address}", **given}


async def refusal(broker: str, address: str, tls: dict[str, str] | None = None) -> Unavailable:
    """Connect to an address, and return why it failed."""
    options = settings_of(broker, address, tls)
    tables: dict[str, object] = {"brand": "brand-a", "sink": {}, "dedupe": {"store": "memory"}}
    if broker == "redis":
        tables["dedupe"] = options
        tables["listeners"] = {"in": {"kind": "http"}}
        tables["http"] = {}
    elif broker == "nats":
        tables["listeners"] = {"in": {"kind": "nats", "subject": "in", **options}}
        tables["sink"] = options
    else:
        place = {"queue": "q"} if broker == "rabbitmq" else {"topics": ["t"]}
        tables["listeners"] = {"in": {"kind": broker, **place, **options}}
    config = build(tables, kinds())
    with pytest.raises(Unavailable) as why:
        await opened_and_closed(broker, config)
    return why.value


async def opened_and_closed(broker: str, config: Config) -> None:
    """Connect, as the daemon does."""
    if broker == "redis":
        opening: Part | AnyListener = RedisStore(config.dedupe)
    elif broker == "nats":
        opening = NatsPart(config.sink, name="test")
    else:
        opening = kinds()[broker]("in", config.listeners["in"])
    try:
        async with asyncio.timeout(DEADLINE_S):
            await opening.open()
    finally:
        await opening.close()


@contextlib.asynccontextmanager
async def tls_port(broker: str, folder: Path) -> AsyncIterator[str]:
    """Open a port with TLS. A real server for NATS, because its TLS begins behind a plain line."""
    if broker == "nats":
        extra = f'tls {{ cert_file: "{CERT}", key_file: "{KEY}", }}'
        with Nats(folder, extra=extra) as nats:
            yield f"127.0.0.1:{nats.port}"
    else:
        async with tls_from_the_first_byte() as address:
            yield address


@contextlib.asynccontextmanager
async def tls_from_the_first_byte() -> AsyncIterator[str]:
    """Open a port with TLS. NATS has such ports as well, with `handshake_first`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def plain(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Return the address of a real broker."""

    def address(broker: str) -> str:
        fixture = "kafka_address" if broker == "kafka" else f"{broker}_url"
        text: str = request.getfixturevalue(fixture)
        parts = urlsplit(text if "//" in text else f"//{text}")
        return f"{parts.hostname}:{parts.port}"

    return address


@pytest.mark.parametrize("broker", BROKERS)
async def test_connection_is_refused(broker: str) -> None:
    """The broker comes back by itself, so this is no error of the configuration."""
    why = await refusal(broker, f"127.0.0.1:{free_port()}")
    assert f"connection refused: is {NAMES[broker]} running there?" in str(why)
    assert not why.refused


@pytest.mark.parametrize("broker", BROKERS)
async def test_certificate_of_an_unknown_ca(broker: str, tmp_path: Path) -> None:
    """The system's certificates do not have it."""
    async with tls_port(broker, tmp_path) as address:
        why = await refusal(broker, address, {})
    assert "certificate is not trusted: check tls.ca_file" in str(why)
    assert why.refused


@pytest.mark.parametrize("broker", BROKERS)
async def test_certificate_of_another_name(broker: str, tmp_path: Path) -> None:
    """It is trusted, but belongs to another server."""
    async with tls_port(broker, tmp_path) as address:
        why = await refusal(broker, address, {"ca_file": CERT})
    assert "certificate is for another name" in str(why)
    assert why.refused


@pytest.mark.parametrize("broker", BROKERS)
async def test_tls_on_a_plain_port(broker: str, plain: Callable[[str], str]) -> None:
    """Some brokers answer in the clear, some hang up, and some wait for more."""
    why = await refusal(broker, plain(broker), {})
    assert "does this port speak TLS" in str(why)


@pytest.mark.parametrize("broker", BROKERS)
async def test_no_tls_on_a_tls_port(broker: str) -> None:
    """A TLS server hangs up, and can say nothing that is understood."""
    async with tls_from_the_first_byte() as address:
        why = await refusal(broker, address)
    assert "does this port want TLS?" in str(why)


async def test_nats_with_too_many_connections(tmp_path: Path) -> None:
    """The server writes the reason and hangs up at once, while we still write to it."""
    with Nats(tmp_path, extra="max_connections: 1\n") as server, contextlib.ExitStack() as held:

        def is_full() -> bool:
            """Hold the one connection. The one that waited for the start may still be open."""
            connection = held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            connection.settimeout(0.2)
            said = b""
            with contextlib.suppress(TimeoutError):
                while data := connection.recv(4096):
                    said += data
                return False
            return said.startswith(b"INFO")

        await eventually(lambda: asyncio.to_thread(is_full), what="a full server")
        for _ in range(10):
            why = await refusal("nats", f"127.0.0.1:{server.port}")
            assert "maximum connections exceeded: raise max_connections" in str(why)


async def test_nats_user_without_a_right(tmp_path: Path) -> None:
    """JetStream is on; the user may not ask for the stream."""
    denied = "$JS.API.STREAM.INFO.EVENTS"
    user = f'{{ user: u, password: p, permissions: {{ publish: {{ deny: "{denied}" }} }} }}'
    with Nats(tmp_path, extra=f"authorization {{ users: [ {user} ] }}\n") as server:
        settings = NatsSettings(url=server.address, user="u", password="p")
        plan = StreamPlan(
            name="EVENTS", subjects=("x",), create=True, max_age_s=1, duplicate_window_s=1
        )
        sink = JetStreamSink(settings, plan, name="test", publish_timeout_s=1)
        with pytest.raises(Unavailable, match="permission is missing") as why:
            await sink.open()
    assert str(why.value).endswith(f"allow this NATS user to publish to {denied}")
    assert why.value.refused
