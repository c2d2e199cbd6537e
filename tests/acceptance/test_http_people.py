"""The endpoints for people, on a real daemon, with the commands of the pages."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene, post
from tests.support.snippets import DOCS, snippet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.support.daemon import Daemon

PORT: Final = "http://127.0.0.1:8080"
"""Where the commands of the pages send to."""
EVENT: Final = snippet("sending.md", "What to send", "json")
DEADLINE_S: Final = 60
ADMIN: Final = (Scope.ADMIN, Scope.INGEST)


def commands(page: str, heading: str) -> list[str]:
    """Return all commands under a heading of a page."""
    text = (DOCS / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    return re.findall(r"```sh\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)


@pytest.fixture
async def daemon(http_scene: HttpScene) -> AsyncIterator[Daemon]:
    """Run a daemon."""
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        yield daemon


async def run(command: str, scene: HttpScene, key: str, folder: Path) -> dict[str, Any]:
    """Run a command of a page, and return the object that it prints."""
    (folder / "casino.json").write_text(EVENT)
    (folder / "key.header").write_text(f"Authorization: Bearer {key}\n")
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        command.replace(PORT, scene.url),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        said, _ = await process.communicate()
    assert process.returncode == 0, said
    read: dict[str, Any] = json.loads(said)
    return read


async def test_commands_that_store_nothing(
    http_scene: HttpScene, daemon: Daemon, tmp_path: Path
) -> None:
    """The schema, the verdict on the event of the page, and the key."""
    key = await http_scene.key(scopes=(Scope.EVENTS_READ,), events_per_s=7.0)
    await known(http_scene, key)
    schema, verdict, own = [
        await run(command, http_scene, key, tmp_path)
        for command in commands("http.md", "Look before you post")
    ]
    assert schema["event"]["title"] == "CASINO, as put out"
    assert (verdict["valid"], verdict["event"]["brand"]) == (True, http_scene.name)
    assert verdict["warnings"] == []
    assert own["limits"]["events"] == {"per_s": 7.0, "burst": 14, "left": 14}
    assert (own["id"], own["scopes"]) == (key[8:20], ["events:read"])
    assert await daemon.metric("received") == 0


async def test_brand_makes_a_key_posts_with_it_and_revokes_it(
    http_scene: HttpScene, daemon: Daemon, tmp_path: Path
) -> None:
    """The command may be repeated. No secret is in the log."""
    admin = await http_scene.key(scopes=ADMIN, person="anna")
    await known(http_scene, admin)
    (command,) = commands("keys.md", "Manage keys over HTTP")
    made = await run(command, http_scene, admin, tmp_path)
    assert await run(command, http_scene, admin, tmp_path) == {**made, "key": None}
    async with http_scene.client(made["key"]) as client:
        assert (await post(client, EVENT.encode())).status == 200
    async with http_scene.client(admin) as client:
        keys = (await client.get("/v1/keys")).json()["keys"]
        assert [key["id"] for key in keys] == [admin[8:20], made["id"]]
        assert (await client.delete(f"/v1/keys/{made['id']}")).status_code == 200
    async with http_scene.client(made["key"]) as client:
        assert (await client.get("/v1/key")).status_code == 401
    log = daemon.log()
    assert f'"by":"key {admin[8:20]} (anna)"' in log
    assert made["key"][21:] not in log
    assert admin[21:] not in log


@pytest.mark.parametrize("environment", Environment)
async def test_admin_key_reaches_nothing_foreign(
    http_scene: HttpScene, daemon: Daemon, environment: Environment
) -> None:
    """Neither the other environment, nor another brand, nor both."""
    assert daemon.pid
    (other,) = {*Environment} - {environment}
    admin = await http_scene.key(environment, scopes=ADMIN)
    foreign = [
        await http_scene.key(other),
        await http_scene.key(environment, brand="brand-x"),
        await http_scene.key(other, brand="brand-x"),
    ]
    await known(http_scene, foreign[-1])
    async with http_scene.client(admin) as client:
        listed = (await client.get("/v1/keys")).json()["keys"]
        assert [key["id"] for key in listed] == [admin[8:20]]
        for text in (*foreign, "ck_test_AAAAAAAAAAAA"):
            path = f"/v1/keys/{text[8:20]}"
            answers = [await client.post(f"{path}/rotate"), await client.delete(path)]
            assert [answer.json()["detail"] for answer in answers] == ["there is no such key"] * 2
            assert [answer.status_code for answer in answers] == [404, 404]
    for text in foreign:
        async with http_scene.client(text) as client:
            assert (await client.get("/v1/key")).status_code == 200


async def known(scene: HttpScene, key: str) -> None:
    """Wait until the daemon knows a key."""
    async with scene.client(key) as client:

        async def knows() -> bool:
            answer: httpx.Response = await client.get("/v1/key")
            return answer.status_code == 200

        await eventually(knows, what="a known key")
