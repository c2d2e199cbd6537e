"""The providers of the wallet in the configuration: which keys fit which dialect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from consumer.config.render import to_toml
from consumer.deliveries.origin import Environment
from tests.support.dialect_speakers import HUB_PUBLIC, SHARED
from tests.unit.test_config_http import PORT, configured, told

if TYPE_CHECKING:
    from consumer.config.load import Config

SECOND_BRAND: Final = '[wallet.brands.c]\norigin = "www.c.example"\nexchange_rates = {EUR = "1"}'
SWIPE: Final = f'dialect = "swipegames"\nsecret = "{SHARED}"'
STRANGE: Final = """-----BEGIN PUBLIC KEY-----
MCIwDQYDKgMEBQADEQAwDgIBAQIBAQIBAQIBAQIB
-----END PUBLIC KEY-----"""
"""A key of a kind that does not exist."""
PEM: Final = Path(__file__).parents[1] / "data" / "hub88" / "public.pem"
WALLET: Final = f"""{PORT}
[wallet]
database = "sqlite:wallet.db"
[wallet.brands.b]
origin = "www.b.example"
exchange_rates = {{EUR = "1"}}
[wallet.providers.x]
"""


def wallet(text: str) -> Config:
    """Return the configuration of a wallet whose provider `x` has these options."""
    return configured(WALLET + text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('dialect = "hub99"', "'native' or 'hub88' or 'swipegames' or 'gitslotpark'"),
        ('dialect = "hub88"', "x.public_key: is missing, expected it here or in public_key_file"),
        ('dialect = "hub88"\nsecret = "12345678"', "x.secret: dialect hub88 does not use it"),
        ('dialect = "hub88"\npublic_key = "no key"', "x.public_key: cannot be used"),
        ('dialect = "hub88"\npublic_key_file = "/nowhere"', "x.public_key_file: holds '/nowhere'"),
        ('dialect = "swipegames"', "x.secret: is missing"),
        ('dialect = "swipegames"\nsecret = ""', "x.secret: cannot be used: expected at least 8"),
        (f'dialect = "swipegames"\nsecret = "{SHARED}"\ntest_secret = "{SHARED}"',
         "x.test_secret: is the live one"),
        (f'dialect = "gitslotpark"\nsecret = "{SHARED}"', "x.agent_id: is missing"),
        (f'dialect = "native"\nsecret = "{SHARED}"', "x.secret: dialect native does not use it"),
        (f'dialect = "swipegames"\nsecret = "{SHARED}"\nbrands = ["c"]',
         "x.brands: holds 'c', expected names of [wallet.brands]"),
        (f"{SWIPE}\n[wallet.providers.y]\n{SWIPE}",
         "y.secret: is a key of wallet.providers.x too"),
        (f'dialect = "gitslotpark"\nsecret = "{SHARED}"\nagent_id = "P"\n{SECOND_BRAND}',
         "x.brands: agent_id is of one brand"),
        (f'dialect = "hub88"\npublic_key = """{STRANGE}"""', "x.public_key: cannot be used"),
    ],
)  # fmt: skip
def test_provider_that_can_never_call_is_refused(options: str, words: str) -> None:
    """At the start, with the option."""
    problems = told(WALLET + options)
    assert any(words in problem for problem in problems), problems
    assert not any(SHARED in problem for problem in problems)


def test_a_key_is_read_from_its_file() -> None:
    """As every secret is."""
    config = wallet(f'dialect = "hub88"\npublic_key_file = "{PEM}"')
    assert config.wallet is not None
    assert config.wallet.providers["x"].public_key == PEM.read_text().rstrip()


def test_a_test_key_is_none_for_live_money() -> None:
    """And the other way round."""
    config = wallet(f'dialect = "swipegames"\ntest_secret = "{SHARED}"')
    assert config.wallet is not None
    provider = config.wallet.providers["x"]
    assert provider.key_of(Environment.LIVE, is_public=False) is None
    assert provider.key_of(Environment.TEST, is_public=False) == SHARED


def test_secrets_of_providers_are_not_shown() -> None:
    """Not by `config show`."""
    shown = to_toml(wallet(f'dialect = "swipegames"\nsecret = "{SHARED}"'), hide_secrets=True)
    assert SHARED not in shown
    assert 'dialect = "swipegames"' in shown


def test_a_dialect_is_loaded_when_a_provider_speaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library for RSA takes its time."""
    wallet("")
    monkeypatch.delitem(sys.modules, "consumer.wallet.dialects.hub88", raising=False)
    wallet(f'dialect = "swipegames"\nsecret = "{SHARED}"')
    assert "consumer.wallet.dialects.hub88" not in sys.modules
    wallet(f'dialect = "hub88"\npublic_key = """{HUB_PUBLIC.decode()}"""')
    assert "consumer.wallet.dialects.hub88" in sys.modules
