"""A brand cannot send what only the wallet may send: its bets, and ids like those of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.config.load import load
from consumer.config.wallet import OUTBOX_LISTENERS
from consumer.deliveries.origin import Sender
from consumer.errors import Reason
from consumer.lanes.wire import make_decoder
from consumer.listeners.registry import kinds
from consumer.pipeline.batch import Batch, Work
from tests.support.fates import reason, rejected, sent
from tests.support.samples import casino, payment

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config.load import Config

OWNED = Reason.OWNED_BY_WALLET


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return a configuration in which the wallet owns a vendor of one of two brands."""
    file = tmp_path / "consumer.toml"
    file.write_text(
        'brand = "b"\n[listeners.l]\nkind = "http"\n[http]\n'
        '[wallet]\ndatabase = "sqlite:w.db"\n[wallet.providers.acme]\n'
        '[wallet.brands.b]\norigin = "o"\nexchange_rates = {}\nowns_vendors = ["Acme", "17"]\n'
        '[wallet.brands.c]\norigin = "o"\nexchange_rates = {}\n'
    )
    return load(file, {}, kinds())


def read(
    config: Config, *bodies: bytes, kind: str = "CASINO", brand: str = "b", listener: str = "l"
) -> list[Work]:
    """Decode events of a brand at a listener."""
    works = [Work(sent(body, kind)) for body in bodies]
    for work in works:
        work.delivery.sender = Sender(brand)
    make_decoder(config, listener, lambda: 1024 * 1024).decode(Batch(works, 0.0, 0.0))
    return works


@pytest.mark.parametrize(
    "vendor",
    [
        {"vendor_id": "acme"},
        {"vendor_id": " ACME"},
        {"vendor_id": 17},
        {"vendor_id": "17"},
        {"vendor_id": "9", "vendor_name": "Acme"},
    ],
)
def test_owned_vendor_is_refused(config: Config, vendor: dict[str, object]) -> None:
    """In any case, by id or by name, for bets and for rollbacks."""
    bodies = [casino(**vendor), casino(status="Rollback", **vendor)]
    assert [reason(work) for work in read(config, *bodies)] == [OWNED, OWNED]


def test_error_names_the_vendor(config: Config) -> None:
    """So that the brand knows what to stop."""
    (work,) = read(config, casino(vendor_id="acme"))
    died = rejected(work)
    assert died is not None
    assert died.detail == (
        'vendor_id: expected a vendor whose bets the wallet does not send, got "acme"'
    )


def test_other_vendors_pass(config: Config) -> None:
    """Also one whose name only begins alike, and one without a name."""
    bodies = [
        casino(vendor_id="acme2", vendor_name="Acme Two"),
        casino(vendor_id="9", vendor_name=None),
        casino(vendor_id="170"),
    ]
    assert [reason(work) for work in read(config, *bodies)] == [None] * 3


def test_owned_vendor_of_one_brand_is_free_for_another(config: Config) -> None:
    """A brand without the option, and a brand without a wallet."""
    for brand in ("c", "d"):
        (work,) = read(config, casino(vendor_id="acme"), brand=brand)
        assert reason(work) is None


@pytest.mark.parametrize("number", ["w-1", "w-4711"])
def test_ids_of_the_wallet_are_reserved(config: Config, number: str) -> None:
    """Otherwise the wallet's own event would be a conflict later."""
    bodies = [casino(activity_id=number), casino(activity_id=number, status="Rollback")]
    for brand in ("b", "c"):
        assert [reason(work) for work in read(config, *bodies, brand=brand)] == [OWNED, OWNED]


@pytest.mark.parametrize("number", ["w-", "w-x", "w-1x", "aw-1", "W-1", "w-1-2"])
def test_other_ids_pass(config: Config, number: str) -> None:
    """A brand may have ids that only resemble them."""
    (work,) = read(config, casino(activity_id=number))
    assert reason(work) is None


def test_ids_of_payments_are_reserved_too(config: Config) -> None:
    """The wallet sends deposits under them."""
    (work,) = read(config, payment(payment_id="w-7"), kind="PAYMENT")
    assert reason(work) == OWNED


def test_wallet_may_send_them(config: Config) -> None:
    """Live and test."""
    for listener in OUTBOX_LISTENERS:
        (work,) = read(config, casino(activity_id="w-1", vendor_id="acme"), listener=listener)
        assert reason(work) is None
