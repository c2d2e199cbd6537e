"""The options of the table `[wallet]`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from consumer.deliveries.origin import Environment
from consumer.ledger.currencies import BUILT_IN
from consumer.options.values import PATH_AFTER, Count, Seconds, Secret, Text, Token

WALLET: Final = "wallet"
"""The name under which `/readyz` shows the ledgers. The process takes in events without them."""
SANDBOX_PROVIDER: Final = "sandbox"
"""The provider of the test games. It has keys for test money only, and they are made at start."""
NATIVE: Final = "native"
"""The dialect of docs/wallet.md."""
Digits = Annotated[int, Meta(ge=0, le=9, description="a whole number from 0 to 9")]
DatabaseUrl = Annotated[
    str,
    Meta(
        pattern=r"^(sqlite:[^\s]+|postgres(ql)?://[^\s]+)$",
        description="sqlite:FILE or postgresql://…",
        extra={"secret": True, PATH_AFTER: "sqlite:"},
    ),
]
RateText = Annotated[
    str,
    Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$", description='a rate in a text: "1.08"'),
]


class BrandBonusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the events of a brand's bonuses say, and no order carries.

    Attributes:
        bonus_id: The id of the bonus in the brand's own system.
        product: The product in which the bonus can be used.
        type: The type of the bonus.
    """

    bonus_id: Text = "1"
    product: Text = "Casino"
    type: Text = "Undefined"


class WalletBrandSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the events of a brand need, and no callback carries.

    Attributes:
        origin: The brand's host.
        exchange_rates: What one unit of a currency is worth in the brand's base currency, by
            currency. Each currency in which players of the brand play has to be here.
        bonus: What the events of bonuses say.
        owns_vendors: The vendors whose casino events come from the wallet alone.
    """

    origin: Text
    exchange_rates: dict[str, RateText]
    bonus: BrandBonusSettings = BrandBonusSettings()
    owns_vendors: tuple[Text, ...] = ()


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider of games speaks.

    Attributes:
        dialect: How the provider writes its callbacks.
        rollback_wins: If true, the provider may take wins back, not only bets.
        public_key: The provider's public key as PEM, if its dialect has one.
        test_public_key: The same for its test environment.
        secret: The secret that the provider signs with, if its dialect has one.
        test_secret: The same for its test environment.
        agent_id: The id by which the provider knows the brand, if its dialect has one.
        id_characters: The number of characters of the provider's ids of transactions and rounds,
            if its dialect does not separate what it signs. None means any.
        brands: The brands that the key is for. Empty means all. The native dialect has its keys in
            the ledger, where each key is for one brand.
    """

    dialect: Literal["native", "hub88", "swipegames", "gitslotpark"] = "native"
    rollback_wins: bool = False
    public_key: Secret | None = None
    test_public_key: Secret | None = None
    secret: Secret | None = None
    test_secret: Secret | None = None
    agent_id: str = ""
    id_characters: Count | None = None
    brands: tuple[Token, ...] = ()

    def keys(self) -> dict[str, str | None]:
        """Return all keys, by the names of their options."""
        names = ("public_key", "test_public_key", "secret", "test_secret")
        return {name: getattr(self, name) for name in names}

    def key_of(self, environment: Environment, *, is_public: bool) -> str | None:
        """Return the key for an environment. A test key never opens the way to live money."""
        name = "public_key" if is_public else "secret"
        return self.keys()[name if environment is Environment.LIVE else f"test_{name}"]


class WalletSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[wallet]`: players' money, and the callbacks of games.

    Without this table, the process has no wallet.

    Attributes:
        database: Where the money is: `sqlite:FILE`, or the URL of a PostgreSQL database. Test keys
            reach another file or another schema.
        session_s: How long a session lasts, in seconds.
        spend_order: Which money of a player is spent first.
        currencies: The digits behind the point, by currency. ISO 4217 and the usual crypto
            currencies are built in. The digits of a currency in which money is booked cannot be
            changed.
        brands: What the events of each brand need, by the brand's name.
        providers: How each provider speaks, by its name.
    """

    database: DatabaseUrl
    session_s: Seconds = 14_400.0
    spend_order: tuple[Literal["REAL", "BONUS"], Literal["REAL", "BONUS"]] = ("REAL", "BONUS")
    currencies: dict[str, Digits] = {}
    brands: dict[Token, WalletBrandSettings] = {}
    providers: dict[Token, ProviderSettings] = {}

    def digits(self) -> dict[str, int]:
        """Return the digits behind the point of all currencies that the wallet knows."""
        return {**BUILT_IN, **self.currencies}

    def rates(self) -> dict[str, dict[str, str]]:
        """Return the exchange rates of each brand, by currency."""
        return {name: brand.exchange_rates for name, brand in self.brands.items()}
