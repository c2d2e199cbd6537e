"""`consumer seen` on servers of its own that hold what a daemon would have put there."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import nats
import pytest
import tomli_w
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from consumer.clock import SYSTEM_CLOCK
from consumer.events import identity, timestamp
from consumer.events.identity import Identity
from consumer.stores.base import DedupeSettings
from consumer.stores.redis import RedisStore
from consumer.tools.embedded.sample_config import embedded_servers, sample_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from nats.aio.client import Client

NOBODY = "127.0.0.1:1"
PAYMENT = ("PAYMENT", "2:Credit:Approved")
KEY = identity.key("demo", "PAYMENT", ("2", "Credit", "Approved"))


class Scene(NamedTuple):
    """Store and sink, and a configuration that names them."""

    store: RedisStore
    client: Client
    tables: dict[str, Any]
    config: Path

    async def publish(self, *message_ids: str) -> None:
        """Store a message under each id."""
        for one in message_ids:
            headers = {"Nats-Msg-Id": one}
            await self.client.jetstream().publish("wallet.deposit_approved", b"{}", headers=headers)

    def change(self, table: str, **options: object) -> None:
        """Change the configuration."""
        self.tables[table] |= options
        self.config.write_text(tomli_w.dumps(self.tables))

    async def seen(self, *arguments: str) -> Result:
        """Run the verb, in a thread because it has an event loop of its own."""
        options = ("--config", str(self.config))
        return await asyncio.to_thread(CliRunner().invoke, cli, ("seen", *arguments, *options))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Start both servers, with a stream of events."""
    async with embedded_servers(tmp_path / "data") as (nats_url, valkey_url):
        client = await nats.connect(nats_url)
        await client.jetstream().add_stream(name="EVENTS", subjects=["wallet.*"])
        store = RedisStore(DedupeSettings(url=valkey_url))
        scene = Scene(store, client, sample_tables(nats_url, valkey_url, 1), tmp_path / "c.toml")
        scene.change("dedupe")
        yield scene
        await store.close()
        await client.close()


async def test_event_that_is_done_and_stored(scene: Scene) -> None:
    """Both say so; the answer tells where."""
    await scene.store.exchange([Identity(KEY, "f")], [])
    await scene.publish("other", KEY, "another")
    result = await scene.seen(*PAYMENT)
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    (known,), (stored,) = answer["store"], answer["sink"]
    assert (known["state"], known["key"]) == ("done", KEY)
    assert known["identity"] == ["2", "Credit", "Approved"]
    assert 86_000 < known["remaining_s"] <= 86_400
    assert (stored["subject"], stored["sequence"]) == ("wallet.deposit_approved", 2)
    assert answer["scanned_count"] == 3


async def test_pending_event_that_is_not_stored(scene: Scene) -> None:
    """Found, because the store knows it; and nothing is changed by asking."""
    await scene.store.exchange([], [Identity(KEY, "f")])
    for _ in range(2):
        result = await scene.seen(*PAYMENT, "--format", "text")
        assert result.exit_code == 0
        assert "store  pending, claimed 2" in result.stdout
        assert "sink   not found among 0 messages" in result.stdout


async def test_event_that_the_store_has_forgotten(scene: Scene) -> None:
    """It is found in the sink of the last hour, or since the time that is given."""
    await scene.publish(KEY)
    result = await scene.seen(*PAYMENT, "--format", "text")
    assert result.exit_code == 0
    assert "store  nothing is remembered of it, brand demo" in result.stdout
    assert "sink   wallet.deposit_approved, sequence 1, stored 2" in result.stdout
    later = await scene.seen(*PAYMENT, "--since", "2099-01-01T00:00:00Z")
    assert later.exit_code == 1


async def test_time_of_a_mark_is_reckoned_from_its_types_window(scene: Scene) -> None:
    """A done mark has no time of its own."""
    scene.change("dedupe", windows_s={"PAYMENT": 900.0})
    await scene.store.exchange([Identity(KEY, "f", 900.0)], [])
    (known,) = json.loads((await scene.seen(*PAYMENT)).stdout)["store"]
    assert timestamp.parse(known["since"]).epoch_s == pytest.approx(SYSTEM_CLOCK.now_s(), abs=30)


async def test_copies_of_shadow_mode_are_found(scene: Scene) -> None:
    """They have the event's id, and something behind it."""
    await scene.publish(KEY, f"{KEY}.a1", "other.a1")
    answer = json.loads((await scene.seen(*PAYMENT)).stdout)
    assert [stored["sequence"] for stored in answer["sink"]] == [1, 2]


async def test_unknown_event_is_exit_1(scene: Scene) -> None:
    """Also one of another brand, type or identity."""
    await scene.publish(KEY)
    for arguments in (("PAYMENT", "2:Credit"), ("CASINO", PAYMENT[1]), (*PAYMENT, "--brand", "b")):
        result = await scene.seen(*arguments)
        assert (result.exit_code, json.loads(result.stdout)["sink"]) == (1, [])


async def test_store_in_memory_cannot_be_asked(scene: Scene) -> None:
    """It is said, and the sink is looked into."""
    scene.change("dedupe", store="memory")
    await scene.publish(KEY)
    result = await scene.seen(*PAYMENT)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["store"] is None
    assert "only the daemon itself can see" in result.stderr


async def test_store_that_is_away_hides_no_sink(scene: Scene) -> None:
    """One answer is better than none."""
    scene.change("dedupe", url=f"redis://{NOBODY}/0")
    await scene.publish(KEY)
    result = await scene.seen(*PAYMENT)
    assert (result.exit_code, len(json.loads(result.stdout)["sink"])) == (0, 1)
    assert "connection refused: is Redis running there?" in result.stderr


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"url": f"nats://{NOBODY}"}, "connection refused"),
        ({"stream": "OTHER"}, "no stream OTHER"),
        ({"kind": "core"}, "keeps nothing"),
    ],
)
async def test_sink_that_cannot_be_asked(scene: Scene, option: dict[str, str], told: str) -> None:
    """The store's answer is printed all the same."""
    scene.change("sink", **option)
    await scene.store.exchange([Identity(KEY, "f")], [])
    result = await scene.seen(*PAYMENT)
    assert (result.exit_code, json.loads(result.stdout)["sink"]) == (0, None)
    assert told in result.stderr
