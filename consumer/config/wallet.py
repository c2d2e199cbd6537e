"""Checks what belongs to the table `[wallet]`, and how it fits together with the public port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.config.http import TEST_ENDING
from consumer.ledger.currencies import BUILT_IN
from consumer.wallet.dialects.registry import provider_problems
from consumer.wallet.settings import SANDBOX_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from consumer.http.settings import HttpSettings
    from consumer.wallet.settings import WalletSettings


OUTBOX_LISTENER: Final = "wallet"
"""The name of the listener that takes from the wallet's outbox."""
OUTBOX_LISTENERS: Final = (OUTBOX_LISTENER, f"{OUTBOX_LISTENER}{TEST_ENDING}")
"""The same name, and that of the listener for test money."""


def wallet_problems(
    wallet: WalletSettings | None, http: HttpSettings | None, listeners: Iterable[str]
) -> Iterator[str]:
    """Yield a line for each mistake in `[wallet]`, and for a listener that has its name."""
    if wallet is None:
        return
    for name in OUTBOX_LISTENERS:
        if name in listeners:
            yield f"listeners.{name}: the wallet uses this name, expected another"
    if http is None:
        yield "wallet: needs a port, expected a table [http]"
    if len(set(wallet.spend_order)) < len(wallet.spend_order):
        yield 'wallet.spend_order: names one kind of money twice, expected "REAL" and "BONUS"'
    if not wallet.brands:
        yield "wallet.brands: there is none, expected a table [wallet.brands.NAME] for each brand"
    if not wallet.providers:
        yield "wallet.providers: there is none, expected a table [wallet.providers.NAME]"
    yield from _providers(wallet)
    known = {*BUILT_IN, *wallet.currencies}
    yield from (
        f"wallet.brands.{name}.exchange_rates.{currency}: the wallet does not know this currency, "
        "expected its digits in [wallet.currencies]"
        for name, brand in wallet.brands.items()
        for currency in brand.exchange_rates
        if currency not in known
    )


def _providers(wallet: WalletSettings) -> Iterator[str]:
    owners: dict[str, str] = {}
    if SANDBOX_PROVIDER in wallet.providers:
        path = f"wallet.providers.{SANDBOX_PROVIDER}"
        yield f"{path}: the test games use this name, expected another"
    for name, provider in wallet.providers.items():
        path = f"wallet.providers.{name}"
        yield from provider_problems(path, provider)
        for option, held in provider.keys().items():
            owner = owners.setdefault((held or "").strip(), path)
            if held and owner != path:
                yield f"{path}.{option}: is a key of {owner} too, expected another"
        if provider.agent_id and len(provider.brands or wallet.brands) > 1:
            yield f"{path}.brands: agent_id is of one brand, expected the name of this brand alone"
        yield from (
            f"{path}.brands: holds {brand!r}, expected names of [wallet.brands]"
            for brand in provider.brands
            if brand not in wallet.brands
        )
