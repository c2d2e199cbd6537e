"""docs/sending.md against the code: its event, its errors, its terminal."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import NamedTuple

from consumer.errors import Reason
from consumer.events.conflict import conflict_text
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.pipeline.owned import OwnedByWallet
from tests.support import vendor
from tests.support.fates import rejected, sent
from tests.support.samples import casino

PAGE = (Path(__file__).parents[2] / "docs" / "sending.md").read_text(encoding="utf-8")
ERRORS = PAGE.partition("## What an error means")[2]
ROWS = re.findall(r"^\| ([^|]*)\| `(.*?)` \| ", ERRORS, re.MULTILINE)
"""Reason, empty where it is that of the row above, and error."""


class Bad(NamedTuple):
    """A message that becomes a dead letter."""

    body: bytes
    type: str | None = "CASINO"
    encoding: str | None = None


BALANCES = "USER_BALANCES_UPDATE"
BALANCE = json.dumps(
    vendor.BALANCES.body | {"balances": [vendor.BALANCES.body["balances"][0] | {"amount": "x"}]}
).encode()
LOTTERY = json.dumps(vendor.LOTTERY_V2.body | {"ticket_id": "T-5501"}).encode()
BONUS = json.dumps(vendor.BONUS.body | {"product": "Live Casino"}).encode()
BAD = [
    *(Bad(b'{"activity_id": "a", '), Bad(b'{"activity_id": a}'), Bad(b"[" * 20_000)),
    *(Bad(b""), Bad(b"<event/>"), Bad(casino().decode().encode("utf-16"))),
    Bad(casino().replace(b"activity_id", b"activityId")),
    Bad(
        json.dumps(vendor.SPORTSBOOK.changed("", type=..., Type="Bet").body).encode(), "SPORTSBOOK"
    ),
    Bad(casino(Status="Rollback")),
    *(Bad(casino(activity_id="undefined")), Bad(casino(activity_id="1.23457E+15"))),
    Bad(json.dumps(vendor.LOGIN.body | {"user_id": "undefined"}).encode(), "LOGIN_V2"),
    Bad(json.dumps(vendor.GAME_ROUND.body | {"round_id": "null"}).encode(), "GAME_ROUND"),
    Bad(casino(game_name="X").replace(b'"X"', b'"\xff"')),
    *(Bad(gzip.compress(casino())[:-9], encoding="gzip"), Bad(b"not packed", encoding="gzip")),
    *(Bad(casino(user_id=...)), Bad(b"[]"), Bad(casino(amount="12,30"))),
    Bad(casino(amount="1e999")),
    *(Bad(casino(user_id=True)), Bad(casino(user_id=None)), Bad(casino(activity_id=""))),
    *(Bad(casino(activity_id="a\nb")), Bad(casino(currency=978))),
    *(Bad(casino(is_round_end="yes")), Bad(casino(meta=[])), Bad(b'{"balances":{}}', BALANCES)),
    *(Bad(BALANCE, BALANCES), Bad(casino(type="Wager"))),
    *(Bad(casino(timestamp="02.03.2015 08:27")), Bad(casino(timestamp=1425284878))),
    *(Bad(casino(timestamp="0001-01-01T00:00:00Z")), Bad(b"\xef\xbb\xbf" + casino())),
    *(Bad(casino(), encoding="utf-8"), Bad(gzip.compress(casino()))),
    Bad(casino(), encoding="gzip"),
    *(Bad(rb'{"game": "\ud83d"}'), Bad(b'{"payload": ' + casino() + b"}")),
    *(Bad(casino(round_id=...)), Bad(casino(amount=-5)), Bad(casino(game_name=""))),
    *(Bad(casino(vendor_name=None)), Bad(casino(user_id=17)), Bad(casino(type="bet"))),
    *(Bad(LOTTERY, "LOTTERY_V2"), Bad(BONUS, "BONUS")),
    Bad(casino(timestamp="2026-01-31 12:00:00")),
    *(Bad(casino(), None), Bad(casino(), "CASINOO"), Bad(casino(), encoding="br")),
    *(Bad(gzip.compress(bytes(20 << 20)), encoding="gzip"), Bad(bytes(3_000_000))),
    Bad(casino(meta={"all": [1] * 70_000})),
    *(Bad(casino(vendor_id="acme")), Bad(casino(activity_id="w-42"))),
]
CONFLICT = conflict_text(Normaliser(CATALOGUE[0], "b").normalise(casino(), 0.0), None, 3 * 3600.0)
ELSEWHERE = {CONFLICT, "KeyError in the decoder", "type: this listener does not take PAYMENT"}
"""Errors that the decoder does not make of a body."""


def refused(bad: Bad, *, strict: bool) -> tuple[str, str] | None:
    """Return reason and error of a message's dead letter; None: it would be an event."""
    work = Work(sent(bad.body, bad.type, content_encoding=bad.encoding))
    owned = OwnedByWallet({work.delivery.sender.brand: ("acme",)})
    Decoder(strict=strict, owned=owned).decode(Batch([work], 0.0, 0.0))
    died = rejected(work)
    return (died.reason, died.detail) if died else None


def documented() -> list[tuple[str, str, bool]]:
    """Return every reason and error of the page, and whether only strict listeners make it."""
    found: list[tuple[str, str, bool]] = []
    named = ""
    for cell, error in ROWS:
        named = cell.strip() or named
        found.append((named.split("`")[1], error, "strict" in named))
    return found


def test_every_error_of_the_page_is_made_by_the_code() -> None:
    """With that reason, to the letter, and where it says strict, only then."""
    lenient = {refused(bad, strict=False) for bad in BAD}
    strict = {refused(bad, strict=True) for bad in BAD} - lenient
    for reason, error, only_strict in documented():
        if error not in ELSEWHERE and not error.startswith("event: "):
            assert (reason, error) in (strict if only_strict else lenient)


def test_every_error_here_is_on_the_page() -> None:
    """An error text that changes has to change there too."""
    told = {(reason, error) for reason, error, _ in documented()}
    assert [found for bad in BAD if (found := refused(bad, strict=True)) not in told] == []


def test_every_reason_is_on_the_page() -> None:
    """None is left without an explanation."""
    assert {reason for reason, _, _ in documented()} == {reason.value for reason in Reason}
