"""A password that was rotated works without a restart: its file is read for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import pytest
from redis.asyncio import Redis as RedisClient

from consumer.deliveries.origin import Sender
from consumer.errors import ListenerUnavailable, StoreUnavailable
from consumer.listeners.kafka.connection import login_options
from consumer.listeners.kafka.settings import KafkaSettings
from consumer.listeners.rabbitmq.connection import AmqpConnection
from consumer.listeners.rabbitmq.settings import RabbitmqSettings
from consumer.nats.connection import LoginRefused, NatsSettings, connected
from consumer.options.check import build_struct
from consumer.stores.base import DedupeSettings
from consumer.stores.redis import RedisStore
from tests.brokers.nats import Nats
from tests.brokers.redis import Redis

if TYPE_CHECKING:
    from pathlib import Path


SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)
USERS: Final = 'authorization {{ user: consumer, password: "{}" }}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of the password, which is `old`."""
    file = tmp_path / "password"
    file.write_text("old\n")
    return file


def made(settings_type: type[SettingsT], **options: object) -> SettingsT:
    """Return the settings that a configuration with these options has."""
    problems: list[str] = []
    settings = build_struct(settings_type, options, "x", problems)
    assert settings is not None, problems
    return settings


def hold(file: Path, text: str | None) -> None:
    """Replace the file; None removes it."""
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text)


async def rotate(server: Redis, old: str, new: str) -> None:
    """Change the server's password, and end all connections, as a failover does."""
    async with RedisClient.from_url(server.address, password=old or None) as admin:
        await admin.config_set("requirepass", new)
        await admin.client_kill_filter(skipme=True)


@pytest.mark.parametrize("option", ["password_file", "url_file"])
async def test_redis(tmp_path: Path, file: Path, option: str) -> None:
    """Whether the file holds the password or the whole URL."""
    with Redis(tmp_path / "redis") as server:
        whole = f"redis://:{{}}@127.0.0.1:{server.port}/0" if option == "url_file" else "{}"
        hold(file, whole.format("old"))
        url = {} if option == "url_file" else {"url": server.address}
        await rotate(server, "", "old")
        store = RedisStore(made(DedupeSettings, **{option: str(file)}, **url))
        await store.open()
        await rotate(server, "old", "new")
        with pytest.raises(StoreUnavailable, match="Connection closed by server"):
            await store.open()
        with pytest.raises(StoreUnavailable, match="login refused"):
            await store.open()
        hold(file, whole.format("new"))
        await store.open()
        await store.close()


async def test_redis_whose_file_is_gone_says_so(tmp_path: Path, file: Path) -> None:
    """It works again when the file is back."""
    with Redis(tmp_path / "redis") as server:
        await rotate(server, "", "old")
        store = RedisStore(made(DedupeSettings, url=server.address, password_file=str(file)))
        hold(file, None)
        with pytest.raises(StoreUnavailable, match=r"password_file: .*password' cannot be read"):
            await store.open()
        hold(file, "old")
        await store.open()
        await store.close()


async def test_nats(tmp_path: Path, file: Path) -> None:
    """The next connection has the new password."""
    with Nats(tmp_path / "before", extra=USERS.format("old")) as server:
        url, port = server.address, server.port
        settings = made(NatsSettings, url=url, user="consumer", password_file=str(file))
        async with connected(settings, name="test") as client:
            await client.flush()
    with Nats(tmp_path / "after", port, extra=USERS.format("new")):
        with pytest.raises(LoginRefused):
            async with connected(settings, name="test"):
                pass
        hold(file, "new")
        async with connected(settings, name="test") as client:
            await client.flush()


async def test_rabbitmq(rabbitmq_url: str, file: Path) -> None:
    """The supervisor makes a listener for each connection, from the settings of the start."""
    url = rabbitmq_url.replace("guest:guest@", "")
    options = {"kind": "rabbitmq", "queue": "q", "user": "guest", "password_file": str(file)}
    settings = made(RabbitmqSettings, url=url, **options)
    refused = AmqpConnection(settings, Sender("brand-a"), name="test")
    with pytest.raises(ListenerUnavailable, match="login refused"), refused.translated():
        await refused.open()
    await refused.close()
    hold(file, "guest")
    accepted = AmqpConnection(settings, Sender("brand-a"), name="test")
    await accepted.open()
    await accepted.close()


def test_kafka(file: Path) -> None:
    """The client of aiokafka gets the password when a consumer is made."""
    settings = made(
        KafkaSettings,
        kind="kafka",
        bootstrap_servers=["127.0.0.1:9092"],
        topics=["a"],
        security_protocol="SASL_PLAINTEXT",
        sasl_username="consumer",
        sasl_password_file=str(file),
    )
    hold(file, "new")
    assert login_options(settings)["sasl_plain_password"] == "new"
    hold(file, None)
    with pytest.raises(ListenerUnavailable, match=r"sasl_password_file: .* cannot be read"):
        login_options(settings)
