"""The programs of docs/wallet.md, run against a running daemon."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.packages import skip_without
from tests.support.snippets import snippet
from tests.support.wallet_scene import give_wallet, movements, seated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.http_daemon import HttpScene

DEADLINE_S: Final = 30
PROGRAMS: Final = {
    "Python": ("python", "program.py", sys.executable),
    "JavaScript": ("javascript", "program.mjs", "node"),
    "curl": ("sh", "program.sh", "sh"),
}
"""The language, the file and the interpreter of each."""
PEM_HEAD: Final = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes of an Ed25519 key in PKCS #8: RFC 8410."""


def with_constants(code: str, values: dict[str, str]) -> str:
    """Return a program with other values of the constants at its top."""
    for name, value in values.items():
        pattern = rf'^((?:const )?{name} ?= ?)"[^"]*"'
        code, count = re.subn(pattern, rf'\g<1>"{value}"', code, flags=re.MULTILINE)
        assert count == 1 or name in {"SEED", "KEY_FILE"}, f"{name} is not set once"
    return code


async def run(folder: Path, heading: str, values: dict[str, str]) -> list[str]:
    """Run a program of the page, and return the lines that it prints."""
    language, name, interpreter = PROGRAMS[heading]
    (folder / name).write_text(with_constants(snippet("wallet.md", heading, language), values))
    process = await asyncio.create_subprocess_exec(
        *(interpreter, name),
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_S):
        printed, _ = await process.communicate()
    return printed.decode().splitlines()


@pytest.mark.parametrize("heading", PROGRAMS)
async def test_program_of_the_page_plays(
    http_scene: HttpScene, tmp_path: Path, heading: str
) -> None:
    """It signs, bets, repeats and rolls back. Each movement is an event."""
    further = ("curl", "openssl") if heading == "curl" else ()
    skip_without((PROGRAMS[heading][2], *further), also_in_ci=False)
    give_wallet(http_scene, f"sqlite:{tmp_path / 'wallet.db'}")
    async with seated(http_scene) as (_, table):
        seed = bytes(table.provider.signing)
        pem = base64.b64encode(PEM_HEAD + seed).decode()
        (tmp_path / "k.pem").write_text(
            f"-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n"
        )
        values = {
            "ADDRESS": http_scene.url,
            "KEY_ID": table.provider.key.id,
            "SEED": base64.b64encode(seed).decode(),
            "KEY_FILE": "k.pem",
            "SESSION": table.place["session"],
        }
        lines = await run(tmp_path, heading, values)
        assert len(lines) == 4, lines
        for line, balance in zip(lines, ("100.00", "87.70", "87.70", "100.00"), strict=True):
            assert " 200" in line, lines
            assert balance in line, lines
        told = await movements(http_scene, 3)
        assert [kind for kind, _ in told[2:]] == [
            "game.bet", "wallet.balance", "game.rollback", "wallet.balance"
        ]  # fmt: skip
