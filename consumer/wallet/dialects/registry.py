"""Knows the dialects by their names. A dialect is loaded when a provider speaks it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from consumer.wallet.dialects.options import DialectOptions
from consumer.wallet.settings import NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.deliveries.origin import Environment
    from consumer.wallet.dialects.base import Dialect
    from consumer.wallet.settings import ProviderSettings

DIALECTS: Final[Mapping[str, str]] = {
    "hub88": "Hub88",
    "swipegames": "SwipeGames",
    "gitslotpark": "GitSlotPark",
}
"""The class of each dialect. Its module has the dialect's name."""


def dialect_class(name: str) -> type[Dialect]:
    """Load a dialect."""
    module = import_module(f"{__package__}.{name}")
    return cast("type[Dialect]", getattr(module, DIALECTS[name]))


def make_dialect(provider: ProviderSettings, environment: Environment) -> Dialect | None:
    """Make the dialect of a provider; None if it has no key for the environment.

    Raises:
        ValueError: The key cannot be used.
    """
    made = dialect_class(provider.dialect)
    secret = provider.key_of(environment, is_public=made.is_public_key)
    if secret is None:
        return None
    return made(_options(provider, secret))


def provider_problems(path: str, provider: ProviderSettings) -> Iterator[str]:
    """Yield a line for each mistake in the options of a provider.

    Args:
        path: Where the options are.
        provider: The options.
    """
    wanted, made = "", None
    if provider.dialect != NATIVE:
        made = dialect_class(provider.dialect)
        wanted = "public_key" if made.is_public_key else "secret"
        yield from _missing(path, provider, made, wanted)
    for name, held in provider.keys().items():
        if held is None:
            continue
        if made is None or not name.endswith(wanted):
            hint = f"expected {wanted}" if wanted else "its keys are in the ledger"
            yield f"{path}.{name}: dialect {provider.dialect} does not use it, {hint}"
        elif fault := _fault_of(made, held, provider):
            yield f"{path}.{name}: cannot be used: {fault}"


def _missing(
    path: str, provider: ProviderSettings, made: type[Dialect], wanted: str
) -> Iterator[str]:
    keys = provider.keys()
    live, test = keys[wanted], keys[f"test_{wanted}"]
    if live is None and test is None:
        yield f"{path}.{wanted}: is missing, expected it here or in {wanted}_file"
    elif (live or "").strip() == (test or "").strip():
        yield f"{path}.test_{wanted}: is the live one, expected another"
    if made.needs_agent and not provider.agent_id:
        yield f"{path}.agent_id: is missing, expected the brand's id at the provider"


def _fault_of(made: type[Dialect], held: str, provider: ProviderSettings) -> str:
    """Say what is wrong with a key; empty if nothing is."""
    try:
        made(_options(provider, held))
    except ValueError as error:
        return str(error)
    return ""


def _options(provider: ProviderSettings, secret: str) -> DialectOptions:
    return DialectOptions(
        secret=secret, agent_id=provider.agent_id, id_characters=provider.id_characters
    )
