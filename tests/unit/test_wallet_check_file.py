"""The file of `consumer wallet check`: each mistake in it is told, with the name of the option."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import tomli_w
from nacl.signing import SigningKey

from consumer.errors import ConfigError
from consumer.tools.wallet_check.settings import CheckFile, PreparedSessions, load_check

if TYPE_CHECKING:
    from consumer.tools.wallet_check.settings import PreparedCheck

PAGE: Final = Path(__file__).parents[2] / "docs" / "wallet.md"
KEY: Final = SigningKey.generate()
TEXT: Final = base64.b64encode(bytes(KEY)).decode()
PEM: Final = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
PEM_SEED: Final = bytes.fromhex("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842")
"""The example of RFC 8410, section 10.3."""
SESSIONS: Final = {"usual": "a", "poor": "b", "expired": "c", "frozen": "d"}
TABLES: Final[dict[str, Any]] = {
    "key_id": "k",
    "private_key": TEXT,
    "game_id": "g",
    "currency": "EUR",
    "sessions": SESSIONS,
}


def read(folder: Path, **changes: object) -> PreparedCheck:
    """Read a file with other options. None leaves an option out."""
    tables = {name: held for name, held in (TABLES | changes).items() if held is not None}
    file = folder / "sessions.toml"
    file.write_text(tomli_w.dumps(tables))
    return load_check(file)


def test_file_with_what_is_required_is_enough(tmp_path: Path) -> None:
    """The stake is one whole unit of the currency."""
    prepared = read(tmp_path)
    assert bytes(prepared.signing) == bytes(KEY)
    assert (prepared.stake_units, prepared.file.sessions.other_player) == (100, None)
    assert read(tmp_path, currency="JPY").stake_units == 1
    assert read(tmp_path, currency="ABC", currency_digits=3, stake="0.5").stake_units == 500


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"game_id": None}, "game_id: is missing, expected text, not empty"),
        ({"gameid": "g"}, "gameid: there is no such option; did you mean game_id?"),
        ({"sessions": None}, "sessions: is missing, expected a table"),
        ({"sessions": SESSIONS | {"poor": 5}}, "sessions.poor: holds 5, expected text"),
        ({"sessions": SESSIONS | {"froze": "s"}}, "sessions.froze: there is no such option"),
        ({"sessions": {"usual": "a"}}, "sessions.frozen: is missing"),
        ({"forfeited_bonus": {"session": "s"}}, "forfeited_bonus.round_id: is missing"),
        ({"private_key": None}, "private_key: is missing, expected a secret, or its file"),
        ({"private_key": "+"}, "private_key: expected base64"),
        ({"private_key": TEXT[:-4]}, "private_key: expected an Ed25519 key of 32 bytes"),
        ({"private_key_file": "nothing.key"}, "private_key_file: private_key is set as well"),
        ({"private_key": None, "private_key_file": "no.key"}, "'no.key', cannot be read"),
        ({"currency": "ABC"}, "currency_digits: is missing, and 'ABC' is not built in"),
        ({"stake": 1}, "stake: holds 1, expected text"),
        ({"stake": "0"}, "stake: holds '0', expected more than 0"),
        ({"stake": "1.001"}, "stake: holds '1.001': expected at most 2 digits"),
    ],
)
def test_mistake_is_told_with_its_option(
    changes: dict[str, object], told: str, tmp_path: Path
) -> None:
    """Behind the name of the file, and without the key."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **changes)
    assert f"{tmp_path / 'sessions.toml'}: " in str(caught.value)
    assert told in str(caught.value)
    assert TEXT[:8] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seed"), [(f"{TEXT}\n", bytes(KEY)), (PEM, PEM_SEED)], ids=["base64", "PEM"]
)
def test_key_may_be_in_a_file_of_its_own(text: str, seed: bytes, tmp_path: Path) -> None:
    """As it is printed by `consumer wallet providers add`, or as PEM."""
    file = tmp_path / "acme.key"
    file.write_text(text)
    prepared = read(tmp_path, private_key=None, private_key_file=str(file))
    assert bytes(prepared.signing) == seed


def test_file_of_the_page_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key beside it."""
    section = PAGE.read_text(encoding="utf-8").partition("## Check a wallet")[2]
    text = section.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "acme.key").write_text(TEXT)
    (tmp_path / "sessions.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_check(tmp_path / "sessions.toml").file.game_id == "book-of-sun"
    options = {*CheckFile.__struct_fields__, *PreparedSessions.__struct_fields__}
    assert [name for name in sorted(options) if name not in section] == []


def test_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    """With its name."""
    file = tmp_path / "sessions.toml"
    file.write_text("key_id = ")
    with pytest.raises(ConfigError, match=r"sessions.toml: cannot be read as TOML"):
        load_check(file)
