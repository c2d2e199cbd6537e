"""Finds out who has signed a callback: the provider, the brand and the environment.

The keys are in the ledger. They are read again when a callback comes and they are older than
`KEYS_AGE_S`, so that a revoked key is refused soon in every process.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from consumer.deliveries.origin import Environment
from consumer.errors import Unavailable
from consumer.http.answer import Problem
from consumer.ledger.orders import Caller, SpendOrder
from consumer.wallet.settings import NATIVE
from consumer.wallet.signature import BadSignature, check_proof, read_signature, signed_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.clock import Clock
    from consumer.http.request import Request
    from consumer.ledger.base import Ledger
    from consumer.ledger.shown import ProviderKey
    from consumer.wallet.counted import CallTally
    from consumer.wallet.settings import WalletSettings

KEYS_AGE_S: Final = 0.5
"""The keys are read again after this time, in seconds. So a revoked key is refused at the latest
then."""


class ProviderKeys:
    """The keys of one environment, read from its ledger.

    Args:
        ledger: The ledger.
        clock: The clock.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._keys: dict[str, ProviderKey] = {}
        self._until_s = float("-inf")
        self._turn = asyncio.Lock()

    def knew(self, key_id: str) -> bool:
        """Tell whether the key was there when the keys were read last."""
        return key_id in self._keys

    async def find(self, key_id: str) -> ProviderKey | None:
        """Return a key that is in force.

        Raises:
            LedgerUnavailable: The keys cannot be read.
        """
        async with self._turn:
            if self._clock.monotonic_s() >= self._until_s:
                self._keys = {key.id: key for key in await self._ledger.provider_keys()}
                self._until_s = self._clock.monotonic_s() + KEYS_AGE_S
        key = self._keys.get(key_id)
        if key is None or (key.ends_s is not None and key.ends_s <= self._clock.now_s()):
            return None
        return key


class Callers:
    """Knows the callers of all environments.

    Args:
        ledgers: The ledger of each environment.
        settings: The options of the wallet.
        clock: The clock.
        test_keys: Keys for test money that are not in the ledger, by their ids.
    """

    def __init__(
        self,
        ledgers: Mapping[Environment, Ledger],
        settings: WalletSettings,
        clock: Clock,
        test_keys: Mapping[str, ProviderKey] | None = None,
    ) -> None:
        self._keys = {each: ProviderKeys(ledger, clock) for each, ledger in ledgers.items()}
        self._test_keys = test_keys or {}
        self._settings = settings
        self._clock = clock

    async def of(
        self, request: Request, body: bytes, tally: CallTally | None = None
    ) -> tuple[Environment, Caller]:
        """Return who has signed a request, and for which environment.

        Args:
            request: The request.
            body: Its body.
            tally: Is told the environment as soon as the key is known, so that a wrong signature
                of a test key is counted apart too.

        Raises:
            Problem: 401: the request is not signed as it has to be.
            LedgerUnavailable: The keys cannot be read.
        """
        try:
            signature = read_signature(request.headers.get("x-signature"), self._clock.now_s())
            environment, key = await self._find(signature.key_id)
            if tally is not None:
                tally.environment = environment
            target = request.path + (f"?{request.query.decode('latin-1')}" if request.query else "")
            text = signed_text(signature.time_s, key.id, request.method, target, body)
            check_proof(key.public_key, signature, text)
        except BadSignature as error:
            raise Problem(
                401, "bad_signature", str(error), facts={"code": "BAD_SIGNATURE"}
            ) from error
        return environment, self._caller(key)

    async def _find(self, key_id: str) -> tuple[Environment, ProviderKey]:
        """Return a key and its environment.

        Raises:
            BadSignature: There is no such key in force.
            LedgerUnavailable: No ledger that answers has the key, and another does not answer.
        """
        if key_id in self._test_keys:
            return Environment.TEST, self._test_keys[key_id]
        away: Unavailable | None = None
        # First the ledger that is known to have the key. So test keys do not wait for a database of
        # live money that does not answer.
        likely = sorted(self._keys.items(), key=lambda one: not one[1].knew(key_id))
        for environment, keys in likely:
            try:
                key = await keys.find(key_id)
            except Unavailable as error:
                away = error
                continue
            if key is not None and self._speaks_natively(key.provider):
                return environment, key
        if away is not None:
            raise away
        raise BadSignature(f"there is no key {key_id} of a configured provider in force")

    def _speaks_natively(self, name: str) -> bool:
        provider = self._settings.providers.get(name)
        return provider is not None and provider.dialect == NATIVE

    def _caller(self, key: ProviderKey) -> Caller:
        provider = self._settings.providers[key.provider]
        return Caller(
            brand=key.brand,
            provider=key.provider,
            spend_order=SpendOrder(self._settings.spend_order[0]),
            reverses_wins=provider.rollback_wins,
        )
