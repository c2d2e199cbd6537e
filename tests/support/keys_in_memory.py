"""A gate with keys that a test puts there, and a clock that the test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access import token
from consumer.access.gate import Gate
from consumer.access.key import Key, KeySecret, Scope
from consumer.access.keyring import Keyring
from consumer.access.refusal import KeyRefused, Refusal
from consumer.deliveries.origin import Environment
from consumer.operations.metrics import Metrics
from tests.support.memory_sink import HandClock

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET: Final = "s" * token.SECRET_CHARACTERS
SANDBOX_PER_S: Final = 100.0


def key_of(key_id: str = "A" * 12, **fields: object) -> Key:
    """Return a key with the secret of all tests."""
    values: dict[str, object] = {
        "brand": "brand-a",
        "environment": Environment.LIVE,
        "scopes": (Scope.INGEST,),
        "secrets": (KeySecret(token.hash_of(SECRET)),),
    }
    return Key(id=key_id, **(values | fields))  # type: ignore[arg-type]  # tests choose any


def text_of(key: Key, secret: str = SECRET) -> str:
    """Return the text with which the holder of a key comes."""
    return token.write(token.KeyText(key.environment, key.id, secret))


class GateWith:
    """A gate with some keys.

    Attributes:
        clock: The clock.
        keyring: The keys.
        metrics: The metrics.
        gate: The gate.
        used: The ids of the keys that were let in, in order.
    """

    def __init__(
        self, *keys: Key, environments: Sequence[Environment] = tuple(Environment)
    ) -> None:
        self.clock = HandClock()
        self.keyring = Keyring()
        self.keyring.replace({key.id: key for key in keys})
        self.metrics = Metrics()
        self.used: list[str] = []
        self.gate = Gate(
            self.keyring,
            self.metrics,
            environments=environments,
            events_per_s={Environment.TEST: SANDBOX_PER_S},
            clock=self.clock,
            used=self.used.append,
        )

    def refused(
        self, text: str | None, scope: Scope | None = Scope.INGEST, address: str = "192.0.2.1"
    ) -> KeyRefused | None:
        """Return the refusal of a request; None if it was let in."""
        try:
            self.gate.admit(text, scope, address)
        except KeyRefused as refused:
            return refused
        return None

    def why(
        self, text: str | None, scope: Scope | None = Scope.INGEST, address: str = "192.0.2.1"
    ) -> Refusal | None:
        """Return the reason of the refusal of a request; None if it was let in."""
        refused = self.refused(text, scope, address)
        return None if refused is None else refused.refusal

    def refused_count(self, refusal: Refusal) -> float:
        """Return how many refusals the metric has counted."""
        name = "consumer_key_refusals_total"
        return self.metrics.registry.get_sample_value(name, {"reason": refusal.value}) or 0.0
