"""Ids, keys and fingerprints are the same in every release.

An id or a key that changes lets resends of older events through, a fingerprint that changes makes
conflicts of them. `tests/data/identities.json` was written by the release in which the catalogue
was complete for the first time; a line is added to it, never changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from consumer.events import envelope
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE, find
from tests.support import vendor
from tests.support.vendor import EXAMPLES, Example

FIXED: Final[dict[str, list[str]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "identities.json").read_text(encoding="utf-8")
)
"""CloudEvents id, key and fingerprint by the name of an example."""

LOOK_ALIKES: Final = (
    vendor.CASINO.changed("ends as a rollback", activity_id="17:rollback"),
    vendor.CASINO.changed("is one", activity_id="17", status="Rollback"),
    vendor.CASINO.changed("a colon and a percent sign", activity_id="a:b%3Ac"),
    vendor.CASINO.changed("rollback of that", activity_id="a:b%3Ac", status="Rollback"),
    vendor.CASINO.changed("numbers as text", amount="12.300", round_id=636, balance_after=...),
    vendor.SPORTSBOOK.changed("ends as a rollback", activity_id="17:rollback"),
    vendor.SPORTSBOOK.changed("is one", activity_id="17", status="Rollback"),
    vendor.SPORTSBOOK.changed("rollback without id", activity_id="", status="Rollback"),
    vendor.PAYMENT.changed("colons", payment_id="a:b", amount=-0.0),
    vendor.BONUS.changed("ongoing", status="Ongoing"),
    vendor.LOTTERY_V2.changed("colons", ticket_id="1:2", draw_id="3:4", lottery_id=...),
    vendor.CART.changed("percent sign", cart_id="%3A:"),
    vendor.LOGIN.changed("host with port", origin="www.brand.com:8443"),
    vendor.GAME_ROUND.changed("amounts absent", real_bet_user=..., real_win_user=None),
    vendor.CUSTOM.changed("unknown field", extra={"n": 1.50, "t": "1.50"}),
)


def identity_of(example: Example) -> list[str]:
    """Return id, key and fingerprint of an example."""
    event_type = find(example.message_type)
    assert event_type is not None
    event = Normaliser(event_type, "brand-a").normalise(json.dumps(example.body).encode(), 0.0)
    return [envelope.read(event.body).id, event.identity.key, event.identity.fingerprint]


@pytest.mark.parametrize("example", EXAMPLES + LOOK_ALIKES, ids=lambda example: example.name)
def test_identity_is_what_it_was(example: Example) -> None:
    """Byte for byte."""
    assert identity_of(example) == FIXED[example.name]


def test_every_type_has_a_fixed_identity() -> None:
    """A new type gets its line before its first release."""
    fixed = {example.message_type for example in EXAMPLES if example.name in FIXED}
    assert {event_type.name for event_type in CATALOGUE} <= fixed
