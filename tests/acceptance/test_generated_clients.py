"""Clients that are generated from the document of a running port do their work against the port.

The programs that use them are in tests/data/clients. Both do the same, and print the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from consumer.access.key import Scope
from consumer.events.registry import CATALOGUE
from tests.support.eventually import eventually
from tests.support.packages import (
    CACHE,
    NPM_FETCH,
    NPM_VERSIONS,
    Ended,
    alone,
    end,
    fetch,
    skip_without,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.http_daemon import HttpScene

CLIENTS: Final = Path(__file__).parents[1] / "data" / "clients"
BIN: Final = Path(sys.executable).parent
DEADLINE_S: Final = 120
SCOPES: Final = (Scope.INGEST, Scope.EVENTS_READ, Scope.DEAD_LETTERS_READ, Scope.ADMIN)
NOT_GENERATED: Final = [
    "POST /v1/integration/events: Unsupported content type application/x-ndjson"
]
"""What openapi-python-client leaves out. It also makes the other form of a batch, JSON."""


@pytest.fixture
async def served(http_scene: HttpScene) -> AsyncIterator[str]:
    """Return the URL of a running port."""
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        yield http_scene.url


@pytest.fixture
def document(served: str, tmp_path: Path) -> Path:
    """Return the file with the document of the running port."""
    file = tmp_path / "openapi.json"
    file.write_bytes(httpx.get(f"{served}/openapi.json").content)
    return file


@pytest.fixture
async def node(tmp_path: Path) -> Path:
    """Return a folder with the TypeScript program and with what it needs.

    Skips the test without Node or its packages, but not in CI.
    """
    skip_without(("node", "npm"), also_in_ci=False)
    sources = CLIENTS / "typescript"
    kept = CACHE / "clients" / "typescript"
    with alone(kept):
        await fetch(sources, kept, NPM_VERSIONS, NPM_FETCH)
    folder = tmp_path / "typescript"
    folder.mkdir()
    (folder / "node_modules").symlink_to(kept / "node_modules")
    for file in sources.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


async def ended_well(folder: Path, *command: str, **variables: str) -> Ended:
    """Run a program, which must end without an error."""
    ended = await end(command, folder, DEADLINE_S, **variables)
    assert ended.code == 0, ended.text[-5000:]
    return ended


async def check(scene: HttpScene, ended: Ended) -> None:
    """Check what a program has seen, and that the key that it has made is revoked."""
    told: dict[str, Any] = json.loads(ended.text)  # whatever it has printed
    key = told.pop("key")
    assert told == {
        "posted": ["stored", "duplicate", "stored"],
        "problem": [400, 400, "invalid", "amount"],
        "page": [["game.bet", f"activity-{n}", "12.30"] for n in (1, 2)],
        "letters": [["CASINO", 'amount: expected number, got "abc"']],
        "verdict": ["amount"],
        "types": len(CATALOGUE),
        "own": [scene.name, "live", [*SCOPES], None],
        "made": [True, None, "made", ["ingest"], "revoked"],
    }
    assert await scene.sink.count() == 2

    async def refused() -> bool:
        async with scene.client(key) as client:
            return (await client.get("/v1/key")).status_code == 401

    await eventually(refused, within_s=2)


async def test_python_client_does_its_work(
    http_scene: HttpScene, served: str, document: Path, tmp_path: Path
) -> None:
    """Made by openapi-python-client, which makes every operation."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # it formats the client with ruff
    command = ("-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none")
    made = await ended_well(tmp_path, sys.executable, *command, PATH=path)
    assert left_out(made.text) == NOT_GENERATED
    program = str(CLIENTS / "python" / "work.py")
    key = await http_scene.key(scopes=SCOPES)
    ended = await ended_well(
        tmp_path, sys.executable, program, URL=served, KEY=key, PYTHONPATH=str(tmp_path)
    )
    await check(http_scene, ended)


def left_out(text: str) -> list[str]:
    """Return the operations that openapi-python-client has left out, each with the reason."""
    lines = [line for line in text.splitlines() if line]
    return [
        f"{line.removeprefix('WARNING parsing ').partition(' within ')[0]}: {lines[n + 1]}"
        for n, line in enumerate(lines)
        if line.startswith(("WARNING", "ERROR", "Unable"))
    ]


@pytest.fixture
async def typescript(document: Path, node: Path) -> Path:
    """Return the folder with the program, with the types of the document and with examples."""
    await ended_well(node, "npx", "openapi-typescript", str(document), "--output", "schema.d.ts")
    (node / "examples.ts").write_text(examples(document), encoding="utf-8")
    return node


def examples(document: Path) -> str:
    """Return a program in TypeScript that has the example of each message type, with its type."""
    schemas = json.loads(document.read_bytes())["components"]["schemas"]
    lines = ['import type { components } from "./schema.js";']
    for each in CATALOGUE:
        example = json.dumps(schemas[each.name]["examples"][0])
        lines.append(f'export const {each.name}: components["schemas"]["{each.name}"] = {example};')
    return "\n".join(lines)


async def test_typescript_client_does_its_work(
    http_scene: HttpScene, served: str, typescript: Path
) -> None:
    """Made by openapi-typescript, used with openapi-fetch, and checked by the strict compiler.

    The example of each message type has the type that was made for it.
    """
    await ended_well(typescript, "npx", "tsc")
    key = await http_scene.key(scopes=SCOPES)
    ended = await ended_well(typescript, "node", "made/work.js", URL=served, KEY=key)
    await check(http_scene, ended)


async def test_compiler_refuses_a_wrong_use_of_the_client(typescript: Path) -> None:
    """Otherwise the types would say nothing."""
    program = typescript / "work.ts"
    program.write_text(program.read_text().replace('reason: "invalid"', 'reason: "broken"'))
    ended = await end(("npx", "tsc"), typescript, DEADLINE_S)
    ended.failed_with("work.ts.*'\"broken\"' is not assignable")


async def spectral(node: Path, document: Path) -> Ended:
    """Look at a document by all rules of OpenAPI but for those that spectral.yaml names."""
    command = ("npx", "spectral", "lint", str(document), "--ruleset", "spectral.yaml")
    return await end((*command, "--fail-severity", "hint"), node, DEADLINE_S)


async def test_spectral_finds_nothing(document: Path, node: Path) -> None:
    """No error and no warning."""
    ended = await spectral(node, document)
    assert ended.code == 0, ended.text


@pytest.fixture
def wrong_document(document: Path) -> Path:
    """Return the document, changed so that a heading is not explained."""
    text = document.read_text(encoding="utf-8")
    document.write_text(text.replace('"tags":["Keys"]', '"tags":["Unknown"]'), encoding="utf-8")
    return document


async def test_spectral_sees_what_is_wrong(wrong_document: Path, node: Path) -> None:
    """Otherwise the test above would say nothing."""
    (await spectral(node, wrong_document)).failed_with("operation-tag-defined")
