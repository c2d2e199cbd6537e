"""The options of the verbs of `consumer wallet`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from consumer.deliveries.origin import Environment


class WalletOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What every verb needs.

    Attributes:
        config_file: The configuration file.
        environment: Whose ledger it is about.
    """

    config_file: Path | None
    environment: Environment


class VerifyOptions(WalletOptions, frozen=True, kw_only=True):
    """What `verify` needs.

    Attributes:
        from_start: If true, everything is looked at again.
    """

    from_start: bool


class ProviderAddOptions(WalletOptions, frozen=True, kw_only=True):
    """What `providers add` needs.

    Attributes:
        provider: The provider's name in `[wallet.providers]`.
        brand: The brand for whose players it acts.
        public_key: The file with its public key. None means that a pair is made.
    """

    provider: str
    brand: str
    public_key: Path | None


class ProviderRotateOptions(WalletOptions, frozen=True, kw_only=True):
    """What `providers rotate` needs.

    Attributes:
        key_id: The key that ends.
        public_key: See `ProviderAddOptions`.
        overlap_s: How long both keys are in force, in seconds.
    """

    key_id: str
    public_key: Path | None
    overlap_s: float


class ProviderRevokeOptions(WalletOptions, frozen=True, kw_only=True):
    """What `providers revoke` needs.

    Attributes:
        key_id: The key.
    """

    key_id: str


class ProviderListOptions(WalletOptions, frozen=True, kw_only=True):
    """What `providers list` needs.

    Attributes:
        form: `table` or `json`. None means that it depends on where the output goes.
    """

    form: str | None


class WalletCheckOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` needs. It needs no configuration, because the wallet may be anybody's.

    Attributes:
        url: The address of the wallet.
        sessions_file: The file with the key and the prepared sessions.
        answer_s: How long an answer may take, in seconds.
        form: The form of the report.
    """

    url: str
    sessions_file: Path
    answer_s: float
    form: Literal["table", "json"]


class WalletPrepareOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `prepare` needs. It needs no configuration, because it asks over HTTP.

    Attributes:
        url: The address of the public port.
        key_file: The file with an access key of the brand, with the scope `wallet:operator`.
        provider: The provider that the check plays.
        provider_key_file: The file with the id and the private half of the provider's key.
        currency: The currency of the players.
        other_currency: A second currency of the brand. Empty if it has none.
        output: The file that is written.
    """

    url: str
    key_file: Path
    provider: str
    provider_key_file: Path
    currency: str
    other_currency: str
    output: Path
