"""`server_hostname`: the certificate has this name, and not the host of the address."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
from typing import TYPE_CHECKING, Final

import pytest
import uvloop
from aio_pika.connection import make_url
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from consumer.errors import ListenerUnavailable, SinkUnavailable, StoreUnavailable
from consumer.listeners.kafka.connection import probe
from consumer.listeners.kafka.settings import KafkaSettings
from consumer.options.values import TlsSettings
from consumer.sinks.base import Message, Receipt, SinkSettings
from consumer.sinks.jetstream import JetStreamSink
from consumer.sinks.plans import event_plan
from consumer.stores.base import DedupeSettings
from consumer.stores.redis import RedisStore
from consumer.tools.embedded.servers import ServerProcess, free_port, redis_options
from tests.brokers.nats import Nats
from tests.brokers.redis import Redis
from tests.support.nats_listening import core_listener
from tests.support.proxy import Proxy
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME: Final = "broker.example"
DEADLINE_S: Final = 10
DAY: Final = dt.timedelta(days=1)
LOOPS: Final = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the certificate of `NAME`, which has signed itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


class _TlsRedis(Redis):
    """A Redis server that has a second port, with TLS."""

    def __init__(self, folder: Path, files: Path) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        self._files = files

    def describe(self) -> ServerProcess:
        """See `Broker.describe`."""
        command = [self.program(), *redis_options(self.folder, self.port)]
        tls = ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no"]
        tls += ["--tls-cert-file", str(self._files / "cert.pem")]
        tls += ["--tls-key-file", str(self._files / "key.pem")]
        return ServerProcess(self.name, [*command, *tls], self.folder / "log")


def tls_of(folder: Path, name: str | None) -> TlsSettings:
    """Return the options that trust the certificate and expect this name."""
    return TlsSettings(ca_file=str(folder / "cert.pem"), server_hostname=name)


def serving(folder: Path) -> ssl.SSLContext:
    """Return what a server with the certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize("make_loop", LOOPS)
def test_redis(
    tmp_path: Path, folder: Path, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """The name is checked, and not merely left out: another name is refused."""

    async def reach(name: str | None) -> None:
        url = f"rediss://127.0.0.1:{server.tls_port}/0"
        store = RedisStore(DedupeSettings(url=url, tls=tls_of(folder, name)))
        try:
            await store.open()
        finally:
            await store.close()

    with _TlsRedis(tmp_path, folder) as server, asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(reach(NAME))
        for name in (None, "other.example"):
            with pytest.raises(StoreUnavailable, match="certificate verify failed"):
                runner.run(reach(name))


@pytest.mark.parametrize("make_loop", LOOPS)
def test_kafka(folder: Path, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A server that hangs up after the handshake stands for a broker: the handshake decides."""
    accepted: list[asyncio.StreamWriter] = []

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        writer.close()

    async def reach(name: str | None) -> None:
        context = serving(folder)
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            settings = KafkaSettings(
                bootstrap_servers=[f"127.0.0.1:{port}"],
                topics=["a"],
                security_protocol="SSL",
                tls=tls_of(folder, name),
            )
            await probe(settings)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        with contextlib.suppress(ListenerUnavailable):
            runner.run(reach(NAME))
        assert len(accepted) > 0
        for name in (None, "other.example"):
            with pytest.raises(ListenerUnavailable, match="certificate is for another name"):
                runner.run(reach(name))


@pytest.mark.parametrize("make_loop", LOOPS)
def test_rabbitmq(
    rabbitmq_url: str, folder: Path, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """The real broker behind a port that ends TLS, as behind a load balancer."""
    at = make_url(rabbitmq_url)

    async def reach(name: str | None) -> list[bytes]:
        async with Proxy(str(at.host), at.port or 0, tls=serving(folder)) as proxy:
            url = at.with_scheme("amqps").with_host("127.0.0.1").with_port(proxy.port)
            source = RabbitmqSource(rabbitmq_url, proxied_url=str(url))
            await source.open()
            listener = source.listener(tls=tls_of(folder, name))
            try:
                await listener.open()
                await source.send(b"{}")
                return [one.body for one in await listener.receive(1, 1000, DEADLINE_S)]
            finally:
                await listener.close()
                await source.close()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(reach(NAME)) == [b"{}"]
        for name in (None, "other.example"):
            with pytest.raises(ListenerUnavailable, match="certificate is for another name"):
                runner.run(reach(name))


@pytest.mark.parametrize("make_loop", LOOPS)
def test_nats(
    tmp_path: Path, folder: Path, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """What the sink stores over TLS arrives at a listener over TLS."""

    async def reach(name: str | None) -> list[bytes]:
        settings = SinkSettings(url=server.address, tls=tls_of(folder, name))
        plan = event_plan(settings, {})
        sink = JetStreamSink(settings, plan, name="test", publish_timeout_s=DEADLINE_S)
        listener = core_listener(server.address, "game.bet", tls=tls_of(folder, name))
        try:
            await sink.open()
            await listener.open()
            assert await sink.publish([Message("game.bet", b"{}", "1", {})]) == [Receipt.STORED]
            return [one.body for one in await listener.receive(1, 1000, DEADLINE_S)]
        finally:
            await listener.close()
            await sink.close()

    files = f'tls {{ cert_file: "{folder}/cert.pem", key_file: "{folder}/key.pem" }}'
    with Nats(tmp_path, extra=files) as server, asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(reach(NAME)) == [b"{}"]
        for name in (None, "other.example"):
            with pytest.raises(SinkUnavailable, match="certificate is for another name"):
                runner.run(reach(name))
