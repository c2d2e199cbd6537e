"""`consumer wallet check` against the wallet of a running daemon, as an engineer runs it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import tomli_w

from consumer.access.key import Scope
from tests.support.wallet_scene import add_provider, give_wallet, on_both, run_verb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.support.http_daemon import HttpScene
    from tests.support.provider import Provider

EUR: Final = {"currency": "EUR"}


class Preparation:
    """Prepares players and sessions, as the page says: over HTTP, with an operator's key."""

    def __init__(self, operator: httpx.AsyncClient, provider: Provider) -> None:
        self.operator = operator
        self.provider = provider

    async def ask(self, path: str, **fields: str) -> dict[str, object]:
        """Send a request that has to be carried out."""
        answer = await self.operator.post(path, json=fields)
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, object] = answer.json()
        return told

    async def sit(self, player: str, amount: str, currency: str = "EUR") -> str:
        """Open an account with money, and begin a session."""
        await self.ask("/v1/players", player_id=player, currency=currency)
        if amount:
            money = {"amount": amount, "currency": currency, "vendor_id": "9"}
            reference = f"d-{player}-{currency}"  # unique for the brand, as an id of the bank is
            await self.ask(f"/v1/players/{player}/deposits", reference=reference, **money)
        return await self.begin(player, currency)

    async def begin(self, player: str, currency: str = "EUR", provider: str = "acme") -> str:
        """Begin a session."""
        fields = {"player_id": player, "currency": currency, "game_id": "g"}
        return str((await self.ask("/v1/sessions", provider=provider, **fields))["session"])

    async def issue(self, player: str) -> str:
        """Give a bonus of 3.00 EUR; returns its id."""
        money = {"amount": "3.00", "reference": f"b-{player}", **EUR}
        return str((await self.ask(f"/v1/players/{player}/bonuses", **money))["ledger_id"])

    async def bet_of_bonus(self, player: str, end: str) -> dict[str, str]:
        """Place a bet that a bonus pays, and end the bonus."""
        session = await self.sit(player, "")
        bonus_id = await self.issue(player)
        place = {"session": session, "round_id": f"r-{player}"}
        bet = {"transaction_id": f"t-{player}", "amount": "1.00", "game_id": "g", **place, **EUR}
        taken = await self.provider.call(self.operator, "bet", bet)
        assert taken.status_code == 200, taken.text
        await self.ask(f"/v1/bonuses/{bonus_id}/{end}", reference=f"e-{player}")
        return {"bet_transaction_id": f"t-{player}", **place}

    async def tables(self) -> dict[str, Any]:
        """Return the tables of the file."""
        for game_id in ("g", "h"):
            game = {"name": "Book of Sun"}
            listed = await self.operator.put(f"/v1/games/acme/{game_id}", json=game)
            assert listed.status_code == 200, listed.text
        sessions = {
            "usual": await self.sit("usual", "100.00"),
            "poor": await self.sit("poor", "0.05"),
            "frozen": await self.sit("frozen", ""),
            "other_player": await self.sit("other", "50.00"),
            "bonus": await self.sit("bonus", "7.00"),
            "other_currency": await self.sit("usual", "100.00", "SEK"),
            "expired": await self.begin("usual"),
            "other_provider": await self.begin("usual", provider="globex"),
        }
        await self.issue("bonus")
        ended = await self.operator.delete(f"/v1/sessions/{sessions['expired']}")
        assert ended.status_code == 200
        await self.ask("/v1/players/frozen/freeze")
        return {
            "key_id": self.provider.key.id,
            "private_key": base64.b64encode(bytes(self.provider.signing)).decode(),
            "currency": "EUR",
            "game_id": "g",
            "other_game_id": "h",
            "missing_game_id": "x",
            "sessions": sessions,
            "converted_bonus": await self.bet_of_bonus("converted", "convert"),
            "forfeited_bonus": await self.bet_of_bonus("forfeited", "forfeit"),
        }


async def run_check(url: str, file: Path, *options: str) -> tuple[int | None, list[str], str]:
    """Run the command; returns its exit code, its lines, and what it says on standard error."""
    words = ("wallet", "check", url, "--sessions", str(file), *options)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    return process.returncode, printed.decode().splitlines(), errors.decode()


@contextlib.asynccontextmanager
async def prepared(scene: HttpScene, database: str, folder: Path) -> AsyncIterator[Path]:
    """Run a daemon with a wallet, prepare the sessions, and give the file."""
    give_wallet(scene, database)
    wallet = scene.tables["wallet"]
    wallet["brands"][scene.name]["exchange_rates"] = {"EUR": "1", "SEK": "0.09"}
    wallet["providers"] = {"acme": {}, "globex": {}}
    key = await scene.key(scopes=(Scope.WALLET_OPERATOR,))
    with scene.daemon() as daemon:
        await daemon.is_ready(apart="wallet")
        provider = await add_provider(daemon, scene.name)
        async with scene.client(key) as operator:
            tables = await Preparation(operator, provider).tables()
        file = folder / "sessions.toml"
        file.write_text(tomli_w.dumps(tables))
        yield file
        code, printed = await run_verb(daemon, "verify")
        assert (code, printed[:14]) == (0, "the books fit;")


@on_both
async def test_our_own_wallet_passes_every_case(
    http_scene: HttpScene, database: str, tmp_path: Path
) -> None:
    """Twice, as a table and as JSON; nothing is skipped."""
    async with prepared(http_scene, database, tmp_path) as file:
        code, lines, errors = await run_check(http_scene.url, file)
        assert (code, errors) == (0, ""), lines
        *cases, total = lines
        assert total == f"{len(cases)} cases: {len(cases)} ok"
        assert [line for line in cases if not line.startswith("ok ")] == []
        code, lines, errors = await run_check(http_scene.url, file, "--format", "json")
        assert (code, errors) == (0, ""), lines
        results = [json.loads(line) for line in lines]
        assert len(results) == len(cases)
        assert {result["outcome"] for result in results} == {"ok"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_failed_and_skipped_cases_are_told(
    http_scene: HttpScene, database: str, tmp_path: Path
) -> None:
    """With what was expected and found, and by name in the last line: exit code 1."""
    async with prepared(http_scene, database, tmp_path) as file:
        text = file.read_text().replace("other_player", "# other_player")
        file.write_text(text.replace('missing_game_id = "x"', 'missing_game_id = "g"'))
        code, lines, errors = await run_check(http_scene.url, file)
        assert (code, errors) == (1, "")
        at = next(number for number, line in enumerate(lines) if line.startswith("FAILED"))
        assert lines[at].split()[1] == "bet.missing_game"
        assert lines[at + 1].split(maxsplit=1) == ["expected", "404 GAME_NOT_FOUND for bet"]
        assert lines[at + 2].split(maxsplit=1)[1].startswith('200: {"transaction_id":"check-')
        assert "sessions.other_player is missing" in "\n".join(lines)
        assert "1 failed (bet.missing_game), 4 skipped (conflict.player, " in lines[-1]


async def test_what_is_wrong_before_the_first_case_is_a_line(tmp_path: Path) -> None:
    """A mistake in the file: 2. A wallet that cannot be reached: 1."""
    file = tmp_path / "sessions.toml"
    file.write_text('key = "k"')
    code, lines, errors = await run_check("http://127.0.0.1:1", file)
    assert (code, lines) == (2, [])
    assert f"consumer: {file}: sessions: is missing, expected a table" in errors
    tables: dict[str, object] = {
        "key_id": "k",
        "private_key": f"{'A' * 43}=",
        "game_id": "g",
        **EUR,
    }
    tables["sessions"] = dict.fromkeys(("usual", "poor", "expired", "frozen"), "s")
    file.write_text(tomli_w.dumps(tables))
    code, lines, errors = await run_check("http://127.0.0.1:1", file)
    assert (code, lines, errors.count("\n")) == (1, [], 1)
    assert errors.startswith("consumer: 127.0.0.1:1: ")
