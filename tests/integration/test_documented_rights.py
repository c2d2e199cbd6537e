"""A user with exactly the permissions of docs/operations.md: they are enough, and each is needed.

The server is a real one, and the lists of its users come from the page.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace
from nats.js.api import ObjectMeta, ObjectMetaOptions

from consumer.dead_letters.plan import dead_letter_plan
from consumer.dead_letters.record import to_message
from consumer.dead_letters.stream import DeadLetterSettings, open_bodies
from consumer.events.registry import CATALOGUE, subject_families
from consumer.nats.connection import NatsSettings, connected
from consumer.nats.stream import prepare_stream
from consumer.sinks.base import SinkSettings
from consumer.tools.sample.generate import TrafficMix, generate
from tests.brokers.nats import Nats
from tests.support.checked_server import CheckedServer
from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.letters import letter
from tests.support.rights_page import documented
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

MAX_PAYLOAD_BYTES: Final = 64 * 1024
LARGE: Final = b"{" * (MAX_PAYLOAD_BYTES - 100)
"""A broken event that does not fit into a letter."""
EVENTS_COUNT: Final = 240
BROKEN_COUNT: Final = 3
PUBLISH: Final = [*documented("listener", "publish"), *documented("sink", "publish")]
SUBSCRIBE: Final = [*documented("listener", "subscribe"), *documented("sink", "subscribe")]
LOOK: Final = documented("check", "publish")
DEAD: Final = documented("dead", "publish")
WITHOUT: Final = {
    "game": ("game.*", "sink", "publish to game.bet"),
    "user": ("user.*", "sink", "user.login"),
    "letters": ("dead.>", "dead letters", "publish to dead.>"),
    "look": ("$JS.API.STREAM.MSG.GET.DEAD_LETTERS", "dead letters", "MSG.GET.DEAD_LETTERS"),
    "bodies": ("$O.DEAD_LETTERS_BODIES.>", "dead letters", "to $O.DEAD_LETTERS_BODIES.>"),
    "create": ("$JS.API.STREAM.CREATE.EVENTS", "sink", "STREAM.CREATE.EVENTS"),
    "ack": ("$JS.ACK.INBOUND.consumer.>", "listener inbound", "$JS.ACK.INBOUND.consumer.>"),
    "next": (
        "$JS.API.CONSUMER.MSG.NEXT.INBOUND.consumer",
        "listener inbound",
        "CONSUMER.MSG.NEXT.INBOUND.consumer",
    ),
    "make": (
        "$JS.API.CONSUMER.CREATE.INBOUND.consumer.inbound.>",
        "listener inbound",
        "CONSUMER.CREATE.INBOUND.consumer.inbound.>",
    ),
}
"""Users who lack one right: the right, the part that fails, and what its line says."""


def user(name: str, publish: list[str]) -> str:
    """Describe a user, as the configuration of the server has it."""
    rights = json.dumps({"publish": publish, "subscribe": SUBSCRIBE})
    return f"{{ user: {name}, password: {name}, permissions: {rights} }}"


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """Start a server with the users."""
    users = [
        "{ user: admin, password: admin }",
        user("exact", [*PUBLISH, *LOOK]),
        user("blind", PUBLISH),
        user("reader", DEAD),
        user("mender", [*PUBLISH, *DEAD]),
        *(
            user(name, [one for one in (*PUBLISH, *LOOK) if one != right])
            for name, (right, _, _) in WITHOUT.items()
        ),
    ]
    extra = "authorization { users: [\n" + "\n".join(users) + "\n] }\n"
    folder = tmp_path_factory.mktemp("nats")
    with Nats(folder, max_payload_bytes=MAX_PAYLOAD_BYTES, extra=extra) as server:
        yield server


@pytest.fixture
async def server(nats_server: Nats, tmp_path: Path) -> AsyncIterator[CheckedServer]:
    """Give the server with the stream of the source, and with no other stream."""
    admin = NatsSettings(url=nats_server.address, user="admin", password="admin")
    async with connected(admin, name="test") as client:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.delete_stream(stream.config.name or "")
        await jetstream.add_stream(name="INBOUND", subjects=["inbound.>"])
        yield CheckedServer(client, nats_server.address, tmp_path / "check.toml")


def configuration(server: CheckedServer, name: str) -> dict[str, Any]:
    """Return a configuration with which the daemon logs in as a user."""
    place = {"url": server.url, "user": name, "password": name}
    source = {"kind": "nats", "stream": "INBOUND", "subject": "inbound.>"}
    return {
        "brand": "brand-a",
        "listeners": {"inbound": {**source, **place}},
        "dedupe": {"store": "memory"},
        "sink": place,
    }


async def store_letters(server: CheckedServer) -> None:
    """Store a letter that can be mended, a large letter, and a letter of an older version."""
    jetstream, settings = server.client.jetstream(), DeadLetterSettings()
    await prepare_stream(server.client, dead_letter_plan(settings, SinkSettings()))
    large = letter(casino(activity_id="large", amount="abc", game_name="x" * 80_000))
    pieces = ObjectMeta(options=ObjectMetaOptions(max_chunk_size=MAX_PAYLOAD_BYTES // 2))
    await (await open_bodies(jetstream, settings)).put(large.body_id, large.body, meta=pieces)
    in_bodies = replace(large, body=b"", body_object=large.body_id)
    for each in (letter(casino(amount="abc")), in_bodies, letter(casino(activity_id="new"))):
        message = to_message(each, settings.subject_prefix, each.body_id)
        await jetstream.publish(message.subject, message.body, headers=dict(message.headers))


VERBS_OF_READERS: Final = (
    ("dead list", "casino"),
    ("dead show 2", "xxxx"),
    ("dead replay --dry-run --yes", "would forward 1, recognise 0, fail again 2"),
    ("dead drop 3 --yes", "dropped 1, 0 gone"),
)


async def test_reader_of_dead_letters_needs_no_more(
    server: CheckedServer, nats_server: Nats
) -> None:
    """Nor does an operator who may not publish events."""
    log = nats_server.folder / "log"
    before_count = log.read_text().count("Violation")
    await store_letters(server)
    for verb, text in VERBS_OF_READERS:
        result = await server.consumer(configuration(server, "reader"), *verb.split())
        assert text in result.stdout, result.stderr
    assert log.read_text().count("Violation") == before_count


async def test_mender_needs_the_rights_of_the_daemon_too(
    server: CheckedServer, nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page did not say what `dead mend` needs."""
    log = nats_server.folder / "log"
    before_count = log.read_text().count("Violation")
    await store_letters(server)
    monkeypatch.setenv("EDITOR", "sed -i -e s/abc/1.5/ -e s/xxxxx*/x/")
    tables = configuration(server, "mender")
    for verb in ("dead mend 1", "dead mend 2", "dead replay 3"):
        result = await server.consumer(tables, *verb.split())
        assert "replayed 1: 1 forwarded" in result.stdout, result.stderr
    assert log.read_text().count("Violation") == before_count


async def send_everything(server: CheckedServer) -> None:
    """Send some events of each type, a broken event twice, and a large one."""
    jetstream = server.client.jetstream()
    types = [event_type.name for event_type in CATALOGUE]
    for sample in generate(TrafficMix(types=types, count=EVENTS_COUNT)):
        headers = {"type": sample.message_type or ""}
        await jetstream.publish("inbound.x", sample.body, headers=headers)
    for body in (b"{", b"{", LARGE):
        await jetstream.publish("inbound.x", body, headers={"type": "CASINO"})


async def test_check_passes_before_the_first_start(server: CheckedServer) -> None:
    """It warns of nothing, makes nothing, and no subscriber hears anything."""
    heard = await server.client.subscribe(">")
    result = await server.check(configuration(server, "exact"))
    assert result.exit_code == 0, result.output
    assert "stream EVENTS will be created" in result.stdout
    assert "durable consumer consumer will be made" in result.stdout
    assert result.stdout.count("warn") == 1  # the store is in memory
    assert [one.config.name for one in await server.client.jetstream().streams_info()] == [
        "INBOUND"
    ]
    await server.client.flush()
    while heard.pending_msgs:
        assert (await heard.next_msg()).subject[0] in "$_"


async def test_daemon_forwards_every_family(
    server: CheckedServer, nats_server: Nats, tmp_path: Path
) -> None:
    """The server refuses nothing, and the check is still content after it."""
    tables = configuration(server, "exact")
    log = nats_server.folder / "log"
    before_count = log.read_text().count("Violation")
    await send_everything(server)
    with Daemon(tmp_path, tables) as daemon:
        await daemon.is_ready()

        async def done() -> bool:
            return (await daemon.fates("inbound")).total() == EVENTS_COUNT + BROKEN_COUNT

        await eventually(done, within_s=30, what="the end of every delivery")
        assert (await daemon.fates("inbound"))["forwarded"] == EVENTS_COUNT
        result = await server.check(tables)
    assert result.exit_code == 0, result.output
    info = await server.client.jetstream().stream_info("EVENTS", subjects_filter=">")
    stored = {f"{subject.partition('.')[0]}.*" for subject in info.state.subjects or ()}
    assert stored == set(subject_families())
    bodies = await server.client.jetstream().stream_info("OBJ_DEAD_LETTERS_BODIES")
    assert bodies.state.messages
    assert log.read_text().count("Violation") == before_count


@pytest.mark.parametrize("name", WITHOUT)
async def test_missing_right_is_named(server: CheckedServer, name: str) -> None:
    """Only the part that needs the right fails."""
    _, part, text = WITHOUT[name]
    result = await server.check(configuration(server, name))
    assert result.exit_code == 1
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("FAIL"))
    assert line.startswith(f"FAIL  {part} ")
    assert "permission is missing: allow this NATS user to publish to " in line
    assert text in line


async def test_check_without_rights_of_its_own_warns(server: CheckedServer) -> None:
    """The daemon would work, so the check passes, and says what it could not test."""
    async with asyncio.timeout(60):
        result = await server.check(configuration(server, "blind"))
    assert result.exit_code == 0, result.output
    assert result.stdout.count("permissions were not tested") == 3
    assert "not tested: the limits of the account; allow" in result.stdout
    assert "not tested: whether another stream stores a subject already" in result.stdout
