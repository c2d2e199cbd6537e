"""Relative paths in the configuration begin in the folder of the configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from consumer.config.load import TABLES, load
from consumer.errors import ConfigError
from consumer.http.settings import HttpTlsSettings
from consumer.listeners.nats.settings import NatsListenerSettings
from consumer.listeners.registry import kinds
from consumer.options.values import PATH_AFTER, TlsSettings, annotated_extra
from consumer.wallet.settings import ProviderSettings

if TYPE_CHECKING:
    from pathlib import Path

HEAD: Final = """
brand = "brand-a"
[listeners.partners]
kind = "nats"
subject = "a.>"
stream = "A"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the configuration; the process is in another folder."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "etc" / "consumer.toml"


@pytest.mark.parametrize("folder", ["", "secrets/"])
def test_secret_is_read_beside_the_configuration(file: Path, folder: str) -> None:
    """Or in a folder below it."""
    secret = file.parent / folder / "password"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("hunter2\n")
    file.write_text(f'{HEAD}password_file = "{folder}password"\n')
    listener = load(file, {}, kinds()).listeners["partners"]
    assert isinstance(listener, NatsListenerSettings)
    assert listener.password == "hunter2"


def test_path_from_the_environment_begins_there_too(file: Path) -> None:
    """One rule is easier to remember than two."""
    (file.parent / "password").write_text("hunter2")
    file.write_text(HEAD)
    environment = {"CONSUMER__SINK__PASSWORD_FILE": "password"}
    assert load(file, environment, kinds()).sink.password == "hunter2"


@pytest.mark.parametrize(
    "options",
    [
        'credentials_file = "a.creds"',
        '[listeners.partners.tls]\nca_file = "ca.pem"',
        '[sink]\ncredentials_file = "a.creds"',
        '[sink.tls]\ncert_file = "cert.pem"',
        '[listeners.api]\nkind = "http"\n[http.tls]\ncert_file = "c.pem"\nkey_file = "k.pem"',
    ],
)
def test_file_that_is_missing_is_told_by_its_whole_path(file: Path, options: str) -> None:
    """So that a reader sees where it was looked for."""
    file.write_text(f"{HEAD}{options}\n")
    with pytest.raises(ConfigError) as why:
        load(file, {}, kinds())
    assert f"{file.parent}/" in why.value.problems[-1].partition(": ")[2]


def test_money_is_beside_the_configuration(file: Path) -> None:
    """Another working folder must not begin another, empty ledger."""
    file.write_text(
        f"""{HEAD}
        [listeners.api]
        kind = "http"
        [http]
        [wallet]
        database = "sqlite:wallet.db"
        [wallet.brands.brand-a]
        origin = "a.example"
        exchange_rates = {{ EUR = "1" }}
        [wallet.providers.acme]
        """
    )
    wallet = load(file, {}, kinds()).wallet
    assert wallet is not None
    assert wallet.database == f"sqlite:{file.parent}/wallet.db"


def test_absolute_path_stays(file: Path, tmp_path: Path) -> None:
    """As most installations have it."""
    (tmp_path / "password").write_text("hunter2")
    file.write_text(f'{HEAD}[sink]\npassword_file = "{tmp_path}/password"\n')
    assert load(file, {}, kinds()).sink.password == "hunter2"


@pytest.mark.parametrize(
    "kind",
    [
        *TABLES.values(),
        *(each.settings_type for each in kinds().values()),
        TlsSettings,
        HttpTlsSettings,
        ProviderSettings,
    ],
)
def test_every_option_that_looks_like_a_path_is_placed(kind: type[msgspec.Struct]) -> None:
    """An option that somebody adds later is not forgotten."""
    for field in msgspec.structs.fields(kind):
        if field.name.endswith(("_file", "_path")):
            assert annotated_extra(field.type).get(PATH_AFTER) == ""
