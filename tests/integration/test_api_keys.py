"""`/v1/keys` on a real server: an admin key manages the keys of its brand and environment only."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
import structlog.testing
from msgspec.structs import replace
from nats.js.errors import NotFoundError

from consumer.access.key import Key, Scope
from consumer.access.record import KEY_PREFIX, decode
from consumer.access.refusal import Refusal
from consumer.api import keys as keys_module
from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.nats.connection import NatsSettings
from tests.support.key_desk import Desk
from tests.support.watching_keys import Place, Process, place_on, process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

NOBODY: Final = "A" * 12
ADMIN: Final = Key(
    id="",
    brand="brand-a",
    environment=Environment.LIVE,
    scopes=(Scope.ADMIN, Scope.INGEST),
    person="anna",
)
PLAIN: Final = replace(ADMIN, scopes=(Scope.INGEST,), person="", name="program")
OTHER_BRAND: Final[dict[str, Any]] = {"brand": "brand-b"}
OTHER_ENVIRONMENT: Final[dict[str, Any]] = {"environment": Environment.TEST}
CHANGES: Final = {"rotate": ("POST", "/v1/keys/{}/rotate"), "revoke": ("DELETE", "/v1/keys/{}")}


class PlacedDesk(Desk):
    """A desk with its bucket and an admin key.

    Attributes:
        place: The bucket.
        admin: The admin key.
    """

    def __init__(self, place: Place, watching: Process) -> None:
        super().__init__(watching, place.name)
        self.place = place

    async def with_admin(self, admin: Key = ADMIN) -> PlacedDesk:
        """Make the admin key, and let all requests come with it."""
        self.admin, self.text = await self.made(admin)
        return self

    async def made(self, key: Key = PLAIN) -> tuple[Key, str]:
        """Make a key past the endpoints. The process knows it when this returns."""
        made, text = await self.place.keys.create(key)
        await self.process.bucket.arrived(made)
        return made, text

    async def create(self, **fields: object) -> httpx.Response:
        """Ask for a key."""
        return await self.call("POST", "/v1/keys", {"scopes": ["ingest"], **fields})

    async def stored(self, key_id: str) -> Key | None:
        """Return a key as the bucket has it."""
        bucket = await self.place.jetstream.key_value(self.place.name)
        return decode((await bucket.get(KEY_PREFIX + key_id)).value or b"", key_id)

    async def stored_count(self) -> int:
        """Return the number of keys in the bucket."""
        return len((await self.place.keys.all()).uses)


@pytest.fixture
async def place(nats_url: str) -> AsyncIterator[Place]:
    """Make a bucket, and delete all at the end."""
    async with place_on(nats_url) as made:
        yield made
        with contextlib.suppress(NotFoundError):
            await made.jetstream.delete_key_value(f"{made.name}_ANSWERS")


@pytest.fixture
async def desk(place: Place) -> AsyncIterator[PlacedDesk]:
    """Run a process with an admin key."""
    async with process(place.url, place.name) as watching:
        yield await PlacedDesk(place, watching).with_admin()


async def test_new_key_works_at_once_and_everywhere_soon(desk: PlacedDesk) -> None:
    """For the brand and the environment of the admin key. The answer is not to be stored."""
    answer = await desk.create(name="outbox", events_per_s=5, expires="2100-01-01T00:00:00+01:00")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    said = answer.json()
    assert desk.process.refuses(said["key"]) is None
    async with process(desk.place.url, desk.place.name) as other:
        await other.comes_to(said["key"], None)
    assert (said["brand"], said["environment"], said["scopes"]) == ("brand-a", "live", ["ingest"])
    assert (said["events_per_s"], said["expires"]) == (5.0, "2099-12-31T23:00:00.000000Z")
    stored = await desk.stored(said["id"])
    assert stored is not None
    assert (stored.name, stored.events_per_s, stored.brand) == ("outbox", 5.0, "brand-a")


@pytest.mark.parametrize("change", ["create", *CHANGES])
async def test_answer_waits_for_the_watch(
    desk: PlacedDesk, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Otherwise a client could not use the key at once that it has just got."""
    key, _ = await desk.made()
    came = asyncio.Queue[Key]()
    may_answer = asyncio.Event()

    async def arrived(key: Key) -> None:
        came.put_nowait(key)
        await may_answer.wait()

    monkeypatch.setattr(desk.process.bucket, "arrived", arrived)
    method, path = CHANGES.get(change, ("POST", "/v1/keys"))
    body = {"scopes": ["ingest"]} if change == "create" else None
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        asked = group.create_task(desk.call(method, path.format(key.id), body))
        changed = await came.get()
        assert not asked.done()
        may_answer.set()
    assert asked.result().json()["id"] == changed.id
    assert await desk.stored(changed.id) == changed


async def test_list_has_the_keys_of_the_brand_and_environment(desk: PlacedDesk) -> None:
    """With the last day of use, without secrets and hashes. What is foreign is not there."""
    plain, _ = await desk.made()
    foreign = [
        (await desk.made(replace(PLAIN, **other)))[0] for other in (OTHER_BRAND, OTHER_ENVIRONMENT)
    ]
    await desk.place.write(f"used.{plain.id}", b"2026-01-31")
    await desk.made()  # the watch has brought the day before this key
    answer = await desk.call("GET", "/v1/keys")
    keys = {key["id"]: key for key in answer.json()["keys"]}
    assert [*keys][:2] == [desk.admin.id, plain.id]
    assert not keys.keys() & {key.id for key in foreign}
    assert keys[plain.id]["used_on"] == "2026-01-31"
    assert keys[desk.admin.id]["used_on"] == datetime.now(UTC).date().isoformat()
    for secret in (*plain.secrets, *desk.admin.secrets):
        assert secret.sha256 not in answer.text


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("other", [OTHER_BRAND, OTHER_ENVIRONMENT, OTHER_BRAND | OTHER_ENVIRONMENT])
async def test_foreign_key_is_answered_like_none(
    desk: PlacedDesk, change: str, other: dict[str, Any]
) -> None:
    """By the same words, and it is not changed."""
    foreign, _ = await desk.made(replace(PLAIN, **other))
    method, path = CHANGES[change]
    answers = [await desk.call(method, path.format(key_id)) for key_id in (foreign.id, NOBODY, "x")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1
    assert await desk.stored(foreign.id) == foreign


@pytest.mark.parametrize(
    ("limits", "asked", "why"),
    [
        ({}, {"scopes": ["ingest", "wallet"]}, "scopes: your key does not have wallet"),
        ({"subjects": ("game.*",)}, {}, "subjects: your key may not read all"),
        ({"subjects": ("game.bet",)}, {"subjects": ["game.*"]}, "may not read game.*"),
        ({"addresses": ("127.0.0.0/8",)}, {}, "addresses: expected some of 127.0.0.0/8"),
        ({"addresses": ("127.0.0.0/8",)}, {"addresses": ["0.0.0.0/0"]}, "from 0.0.0.0/0"),
        ({"addresses": ("127.0.0.0/8",)}, {"addresses": ["::/0"]}, "from ::/0"),
        ({"expires_s": 3e9}, {"scopes": ["admin"]}, "must not hold longer"),
    ],
)
async def test_key_cannot_give_what_it_has_not(
    desk: PlacedDesk, limits: dict[str, Any], asked: dict[str, Any], why: str
) -> None:
    """Neither by making a key, nor by rotating a key that has more."""
    await desk.with_admin(replace(ADMIN, **limits))
    before = await desk.stored_count()
    answer = await desk.create(**asked)
    assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")
    assert why in answer.json()["detail"]
    assert await desk.stored_count() == before
    given = {name: tuple(values) for name, values in asked.items()}
    given["scopes"] = tuple(map(Scope, asked.get("scopes", ("ingest",))))
    wider, _ = await desk.made(replace(PLAIN, **given))
    answer = await desk.call("POST", f"/v1/keys/{wider.id}/rotate")
    assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")
    assert await desk.stored(wider.id) == wider


async def test_key_can_give_a_part_of_what_it_has(desk: PlacedDesk) -> None:
    """A subject of its family, an address of its network, and a shorter life."""
    limits = {"subjects": ("game.*",), "addresses": ("127.0.0.0/8",), "expires_s": 4e9}
    await desk.with_admin(replace(ADMIN, **limits))
    answer = await desk.create(
        scopes=["admin", "ingest", "ingest"],
        subjects=["game.bet"],
        addresses=["127.1.0.0/16"],
        expires="2096-01-01T00:00:00Z",
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["scopes"] == ["admin", "ingest"]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"brand": "brand-b"}, "brand: expected one of: scopes, name"),
        ({"environment": "test"}, "environment: expected one of"),
        ({"scopes": []}, "scopes: expected a list of ingest"),
        ({"scopes": ["root"]}, "scopes: expected a list of ingest"),
        ({"name": "a\nb"}, "name: expected at most 100 printable characters"),
        ({"subjects": ["game.bets"]}, "subjects: there is no such subject; did you mean game.bet?"),
        ({"addresses": ["10.0.0.1/8"]}, "addresses: "),
        ({"expires": "2020-01-01T00:00:00Z"}, "expires_s: expected a time between now and"),
        ({"expires": "2100-01-01T00:00:00"}, "expires: expected a time with a zone"),
        ({"events_per_s": 0}, "events_per_s: expected a number above 0"),
    ],
)
async def test_wrong_field_is_refused(
    desk: PlacedDesk, fields: dict[str, Any], detail: str
) -> None:
    """With the words of `consumer keys create` where it checks the same."""
    answer = await desk.create(**fields)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid")
    assert detail in answer.json()["detail"]
    assert await desk.stored_count() == 1


async def test_rotated_key_has_two_secrets_until_the_overlap_ends(desk: PlacedDesk) -> None:
    """By default for a day; with 0 the earlier one ends at once."""
    key, text = await desk.made()
    path = f"/v1/keys/{key.id}/rotate"
    answer = await desk.call("POST", path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    newer = answer.json()["key"]
    assert [desk.process.refuses(one) for one in (text, newer)] == [None, None]
    stored = await desk.stored(key.id)
    assert stored is not None
    assert stored.secrets[0].ends_s == pytest.approx(SYSTEM_CLOCK.now_s() + 86_400, abs=60)
    newest = (await desk.call("POST", path, {"overlap_s": 0})).json()["key"]
    refusals = [desk.process.refuses(one) for one in (text, newer, newest)]
    assert refusals == [Refusal.UNKNOWN, Refusal.UNKNOWN, None]


@pytest.mark.parametrize("overlap_s", [-1, 1e12, "1h"])
async def test_wrong_overlap_is_refused(desk: PlacedDesk, overlap_s: object) -> None:
    """Nothing is changed."""
    key, _ = await desk.made()
    answer = await desk.call("POST", f"/v1/keys/{key.id}/rotate", {"overlap_s": overlap_s})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "overlap_s")
    assert await desk.stored(key.id) == key


async def test_revoked_key_is_refused(desk: PlacedDesk) -> None:
    """Also a key that allows more than the admin key. It cannot come back."""
    key, text = await desk.made(replace(PLAIN, scopes=(Scope.WALLET,)))
    answer = await desk.call("DELETE", f"/v1/keys/{key.id}")
    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    assert desk.process.refuses(text) is Refusal.REVOKED
    first = await desk.stored(key.id)
    assert (await desk.call("DELETE", f"/v1/keys/{key.id}")).json() == answer.json()
    assert await desk.stored(key.id) == first
    plain, _ = await desk.made()
    await desk.call("DELETE", f"/v1/keys/{plain.id}")
    rotated = await desk.call("POST", f"/v1/keys/{plain.id}/rotate")
    assert (rotated.status_code, rotated.json()["reason"]) == (409, "not_possible")


async def test_admin_key_can_revoke_itself(desk: PlacedDesk) -> None:
    """It may have leaked."""
    assert (await desk.call("DELETE", f"/v1/keys/{desk.admin.id}")).status_code == 200
    assert (await desk.call("GET", "/v1/keys")).status_code == 401


async def test_of_two_changes_at_once_one_is_told(desk: PlacedDesk) -> None:
    """Neither overwrites the other."""
    key, _ = await desk.made()
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(desk.call("POST", f"/v1/keys/{key.id}/rotate")) for _ in range(2)
        ]
    answers = sorted((task.result() for task in asked), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["reason"] == "changed"


async def test_number_of_keys_is_bounded(desk: PlacedDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process holds all keys in memory. Those of others do not count."""
    await desk.made(replace(PLAIN, brand="brand-b"))
    monkeypatch.setattr(keys_module, "KEYS_MAX_COUNT", 2)
    assert (await desk.create()).status_code == 201
    answer = await desk.create()
    assert (answer.status_code, answer.json()["reason"]) == (409, "too_many_keys")


async def test_nothing_is_changed_while_the_server_is_away(place: Place) -> None:
    """Nor listed, because the list may be old."""
    admin, text = await place.keys.create(ADMIN)
    watching = Process(NatsSettings(url=place.url), place.name)
    await watching.bucket.open()
    await watching.bucket.close()
    desk = PlacedDesk(place, watching)
    desk.admin, desk.text = admin, text
    answers = [
        await desk.call("POST", "/v1/keys", {"scopes": ["ingest"]}),
        await desk.call("POST", f"/v1/keys/{admin.id}/rotate"),
        await desk.call("DELETE", f"/v1/keys/{admin.id}", key="a"),
        await desk.call("GET", "/v1/keys"),
    ]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    reasons = [answer.json()["reason"] for answer in answers]
    assert reasons == ["keys_unread", "unavailable", "unavailable", "keys_unread"]
    assert await desk.stored(admin.id) == admin


async def test_audit_log_names_the_admin_key(desk: PlacedDesk) -> None:
    """And the person who holds it."""
    with structlog.testing.capture_logs() as logs:
        made = (await desk.create()).json()
        await desk.call("POST", f"/v1/keys/{made['id']}/rotate")
        await desk.call("DELETE", f"/v1/keys/{made['id']}")
    lines = [(log["event"], log["key"]) for log in logs if "by" in log]
    changes = ("key created", "key rotated", "key revoked")
    assert lines == [(change, made["id"]) for change in changes]
    assert {log["by"] for log in logs if "by" in log} == {f"key {desk.admin.id} (anna)"}


async def test_repeated_request_makes_no_second_key_and_tells_no_secret(desk: PlacedDesk) -> None:
    """The secret is in no bucket: neither that of keys nor that of answers."""
    header = "order 17"
    body = {"scopes": ["ingest"]}
    first, again = [
        (await desk.call("POST", "/v1/keys", body, key=header)).json() for _ in range(2)
    ]
    assert again == {**first, "key": None}
    path = f"/v1/keys/{first['id']}/rotate"
    rotated, repeated = [(await desk.call("POST", path, key=header)).json() for _ in range(2)]
    assert rotated["reason"] == repeated["reason"] == "idempotency_key_reused"
    header = "order 18"
    rotated, repeated = [(await desk.call("POST", path, key=header)).json() for _ in range(2)]
    assert repeated == {**rotated, "key": None}
    assert await desk.stored_count() == 2
    held = await everything(desk.place)
    assert first["id"].encode() in held
    for text in (first["key"], rotated["key"], desk.text):
        assert text.rpartition("_")[2][:32].encode() not in held


async def everything(place: Place) -> bytes:
    """Return all that both buckets hold."""
    held = b""
    for bucket in (place.name, f"{place.name}_ANSWERS"):
        stream = f"KV_{bucket}"
        info = await place.jetstream.stream_info(stream)
        for number in range(info.state.first_seq, info.state.last_seq + 1):
            with contextlib.suppress(NotFoundError):
                msg = await place.jetstream.get_msg(stream, seq=number)
                held += (msg.data or b"") + str(msg.headers).encode()
    return held


async def test_admin_key_revoked_while_its_body_comes_changes_nothing(
    desk: PlacedDesk,
) -> None:
    """A body may take half a minute, but a revocation is in force within a second."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"scopes":'
        await desk.process.bucket.arrived(await desk.place.keys.revoke(desk.admin.id))
        yield b'["ingest"]}'

    answer = await desk.call("POST", "/v1/keys", content=body())
    assert (answer.status_code, await desk.stored_count()) == (401, 1)
