"""Puts the wallet together: the ledgers, kept open, and the endpoints in front of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.ledger.amounts import Amounts
from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.digits import misfits_of
from consumer.ledger.make import make_ledger
from consumer.listeners.outbox.listener import OutboxListener
from consumer.parts.base import Part
from consumer.parts.keep_open import KeptOpen
from consumer.wallet.settings import WALLET
from consumer.wallet.table import wallet_endpoints
from consumer.wallet.watch import LedgerWatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.http.endpoint import Endpoint
    from consumer.ledger.base import Ledger
    from consumer.listeners.outbox.settings import OutboxSettings
    from consumer.operations.caveat import Caveat
    from consumer.operations.health import Health
    from consumer.operations.metrics import Metrics
    from consumer.wallet.settings import WalletSettings


class LedgerPart(Part):
    """A ledger as a part of the process.

    Args:
        ledger: The ledger, not open.
        probe: Another object for the same database, not open. It looks whether the ledger fits the
            configuration, before anybody can use the ledger.
        settings: The options of `[wallet]`.
    """

    def __init__(self, ledger: Ledger, probe: Ledger, settings: WalletSettings) -> None:
        self._ledger = ledger
        self._probe = probe
        self._digits = settings.digits()
        self._rates = settings.rates()

    async def open(self) -> list[Caveat]:
        """See `Part.open`. A ledger that does not fit the configuration stays closed."""
        await self._ledger.close()
        try:
            await self._probe.open()
            misfits = await misfits_of(self._probe, self._digits, self._rates)
        finally:
            await self._probe.close()
        if misfits:
            raise LedgerUnavailable("; ".join(misfits))
        await self._ledger.open()
        return []

    async def wait_lost(self) -> str:
        """See `Part.wait_lost`."""
        return await self._ledger.wait_lost()

    async def check(self) -> None:
        """See `Part.check`."""
        await self._ledger.provider_keys()

    async def close(self) -> None:
        """See `Part.close`."""
        await self._ledger.close()


class Wallet:
    """The money of players, and the endpoints in front of it.

    Args:
        settings: The options of `[wallet]`.
        environments: The environments that the process serves.
        health: Shows whether the ledgers can be reached. The process takes in events without them.
        metrics: Where callbacks are counted, and what the ledgers are measured by.

    Attributes:
        amounts: Reads and writes amounts.
    """

    def __init__(
        self,
        settings: WalletSettings,
        environments: Iterable[Environment],
        health: Health,
        metrics: Metrics,
    ) -> None:
        self._ledgers = {each: make_ledger(settings.database, each) for each in environments}
        ledgers = self._ledgers
        self._parts = {
            each: LedgerPart(ledger, make_ledger(settings.database, each), settings)
            for each, ledger in ledgers.items()
        }
        apart = health.apart(WALLET)
        self._kept = [
            KeptOpen("ledger" if each is Environment.LIVE else "sandbox ledger", part, apart)
            for each, part in self._parts.items()
        ]
        self.amounts = Amounts(settings.digits())
        self._endpoints = wallet_endpoints(ledgers, settings, self.amounts, metrics)
        self._watches = {
            each: LedgerWatch(ledger, each, metrics, SYSTEM_CLOCK)
            for each, ledger in ledgers.items()
        }

    def ledger_of(self, environment: Environment) -> Ledger:
        """Return the ledger of an environment. It may be closed at any time."""
        return self._ledgers[environment]

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What games and brands call."""
        return self._endpoints

    def make_listener(self, name: str, settings: OutboxSettings) -> OutboxListener:
        """Make a listener object that takes from the outbox of an environment."""
        return OutboxListener(name, settings, self._ledgers[settings.environment])

    async def run(self) -> None:
        """Keep the ledgers open until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            for kept in self._kept:
                group.create_task(kept.run(), name=kept.name)
            for environment, watch in self._watches.items():
                group.create_task(watch.run(), name=f"{environment} ledger's watch")

    async def close(self) -> None:
        """Close the ledgers. What they are carrying out is carried out first."""
        for part in self._parts.values():
            await part.close()
