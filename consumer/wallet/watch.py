"""Watches a ledger: measures what waits and what was written off, and checks the books.

The books are checked in the background, from the last checkpoint on. Several processes of one
database may do so at the same time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from consumer.deliveries.origin import Environment
from consumer.errors import Unavailable
from consumer.ledger.shown import OUTBOX_OLDEST, WRITE_OFFS_COUNT
from consumer.ledger.verify.run import Verifier, last_run

if TYPE_CHECKING:
    from consumer.clock import Clock
    from consumer.ledger.base import Ledger
    from consumer.operations.metrics import Metrics

LOOK_S: Final = 5.0
"""How often the ledger is measured, in seconds."""
VERIFY_S: Final = 600.0
"""How long the books are left alone after they were checked, by whichever process, in seconds."""
TOLD_COUNT: Final = 10
"""The largest number of faults of one check that are logged."""

log = structlog.get_logger()


class LedgerWatch:
    """Watches one ledger.

    Args:
        ledger: The ledger, which somebody else opens and closes.
        environment: Whose ledger it is.
        metrics: Where the measurements go.
        clock: The clock.
    """

    def __init__(
        self, ledger: Ledger, environment: Environment, metrics: Metrics, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._environment = environment
        self._clock = clock
        self._age = metrics.wallet_outbox_age.labels(environment)
        self._write_offs = metrics.wallet_write_offs.labels(environment)
        self._faults = metrics.wallet_faults.labels(environment)
        self._verified = metrics.wallet_verified.labels(environment)
        self._write_offs_count: int | None = None

    async def run(self) -> None:
        """Watch until this is cancelled. While the database is away, the last values stay."""
        told = ""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
                await self.verify()
            except Unavailable as error:
                # `/readyz/wallet` says so too, unless only these statements take too long. Each
                # reason is logged once, and not for each try.
                if str(error) != told:
                    told = str(error)
                    log.warning(
                        "ledger not measured", environment=self._environment.value, why=told
                    )
            else:
                told = ""

    async def look(self) -> None:
        """Measure the outbox and the write-offs.

        Raises:
            LedgerUnavailable: The database does not answer.
        """
        oldest = await self._ledger.rows(OUTBOX_OLDEST, ())
        age_s = self._clock.now_s() - oldest[0][0] / 1e6 if oldest else 0.0
        self._age.set(max(0.0, age_s))
        ((count,),) = await self._ledger.rows(WRITE_OFFS_COUNT, ())
        self._write_offs.set(count)
        if self._write_offs_count is not None and count > self._write_offs_count:
            # In the sandbox, nobody loses money: a tester or `wallet check` did it on purpose.
            tell = log.error if self._environment is Environment.LIVE else log.warning
            tell(
                "money written off",
                environment=self._environment.value,
                count=count - self._write_offs_count,
                do="a provider took back a win that the player had spent; talk to the provider",
            )
        self._write_offs_count = count

    async def verify(self) -> None:
        """Check the books, unless they were checked within the last `VERIFY_S`.

        Raises:
            LedgerUnavailable: The database does not answer.
        """
        now_s = self._clock.now_s()
        last = await last_run(self._ledger)
        if not last.ended_us / 1e6 <= now_s < last.ended_us / 1e6 + VERIFY_S:
            verdict = await Verifier(self._ledger).run(int(now_s * 1e6))
            for fault in verdict.faults[:TOLD_COUNT]:
                log.error(
                    "books do not fit",
                    environment=self._environment.value,
                    where=fault.where,
                    what=fault.what,
                    do="run: consumer wallet verify",
                )
            last = await last_run(self._ledger)
        self._faults.set(last.faults_count)
        self._verified.set(last.ended_us / 1e6)
