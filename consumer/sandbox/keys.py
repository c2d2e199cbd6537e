"""Makes the keys with which the test games sign: one for each brand, anew at each start.

They are good for test money alone, and only in this process. So nobody has to keep them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from nacl.signing import SigningKey

from consumer.ledger.shown import ProviderKey
from consumer.tools.wallet_check.client import CallbackSigner
from consumer.wallet.settings import SANDBOX_PROVIDER


class SandboxKeys(msgspec.Struct, frozen=True):
    """The keys of the test games.

    Attributes:
        signers: Sign the callbacks, by brand.
        public: What the wallet needs to check them, by the id of the key.
    """

    signers: Mapping[str, CallbackSigner]
    public: Mapping[str, ProviderKey]


def make_keys(brands: Iterable[str], now_s: float) -> SandboxKeys:
    """Make a key for each brand.

    Args:
        brands: The names of the brands.
        now_s: The time, in seconds since 1970.
    """
    signers, public = {}, {}
    for number, brand in enumerate(brands, start=1):
        signing, key_id = SigningKey.generate(), f"{SANDBOX_PROVIDER}-{number}"
        signers[brand] = CallbackSigner(key_id, signing)
        public[key_id] = ProviderKey(
            id=key_id,
            brand=brand,
            provider=SANDBOX_PROVIDER,
            public_key=bytes(signing.verify_key),
            created_s=now_s,
        )
    return SandboxKeys(signers, public)
