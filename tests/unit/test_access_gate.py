"""The gate: which key is let in, why another key is not, and what is told about it."""

from __future__ import annotations

import pytest
import structlog.testing
from msgspec.structs import replace

from consumer.access import token
from consumer.access.key import Key, KeySecret, Scope
from consumer.access.refusal import KeyRefused, Refusal
from consumer.access.refusal_log import LOG_EVERY_S
from consumer.deliveries.origin import Environment
from tests.support.keys_in_memory import SANDBOX_PER_S, SECRET, GateWith, key_of, text_of
from tests.support.memory_sink import HandClock

KEY = key_of()
TEXT = text_of(KEY)
WRONG_SECRET = text_of(KEY, "w" * 32)
OTHER = key_of("B" * 12)


def test_good_key_is_let_in_and_noted_as_used() -> None:
    """And it says for whom its holder acts."""
    one = GateWith(KEY)
    assert one.gate.admit(TEXT, Scope.INGEST, "192.0.2.1") is KEY
    assert one.used == [KEY.id]
    assert KEY.sender.brand == "brand-a"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (None, Refusal.MISSING),
        ("", Refusal.MISSING),
        ("secret", Refusal.MALFORMED),
        (TEXT[:-1], Refusal.MALFORMED),
        (text_of(OTHER), Refusal.UNKNOWN),
        (WRONG_SECRET, Refusal.UNKNOWN),
        (text_of(replace(KEY, environment=Environment.TEST)), Refusal.UNKNOWN),
    ],
)
def test_key_that_is_none_is_refused_and_counted(text: str | None, refusal: Refusal) -> None:
    """And it is not noted as used."""
    one = GateWith(KEY)
    assert one.why(text) is refusal
    assert one.refused_count(refusal) == 1
    assert one.used == []


def test_unknown_key_and_wrong_secret_get_the_same_words() -> None:
    """Otherwise anybody could find out which keys exist."""
    one = GateWith(KEY)
    unknown, wrong = one.refused(text_of(OTHER)), one.refused(WRONG_SECRET)
    assert str(unknown) == str(wrong)
    assert (unknown and unknown.refusal) is (wrong and wrong.refusal)


@pytest.mark.parametrize("key", [key_of(revoked_s=1.0), key_of(expires_s=1.0)])
def test_state_of_a_key_is_told_to_its_holder_only(key: Key) -> None:
    """With a wrong secret, a revoked or expired key is as unknown as any other."""
    one = GateWith(key)
    assert one.why(WRONG_SECRET) is Refusal.UNKNOWN
    assert one.why(TEXT) in (Refusal.REVOKED, Refusal.EXPIRED)


def test_checks_have_their_order() -> None:
    """Key, environment, scope, address, rate: the first that fails is told."""
    everything_wrong = key_of(
        environment=Environment.TEST, scopes=(), addresses=("203.0.113.0/24",), revoked_s=1.0
    )
    for fields, refusal in (
        ({}, Refusal.REVOKED),
        ({"revoked_s": None}, Refusal.ENVIRONMENT),
        ({"environment": Environment.LIVE}, Refusal.SCOPE),
        ({"scopes": (Scope.INGEST,), "events_per_s": 0.001}, Refusal.ADDRESS),
        ({"addresses": ()}, None),
    ):
        everything_wrong = replace(everything_wrong, **fields)
        one = GateWith(everything_wrong, environments=[Environment.LIVE])
        one.gate.spend_events(everything_wrong, 5)
        assert one.why(text_of(everything_wrong)) is (refusal or Refusal.RATE)


def test_expiry_and_end_of_a_secret_count_from_their_second_on() -> None:
    """A key is good before, and not at that time."""
    ends_s = HandClock().now_s() + 10
    expiring = key_of(expires_s=ends_s)
    ending = key_of("B" * 12, secrets=(KeySecret(token.hash_of(SECRET), ends_s),))
    one = GateWith(expiring, ending)
    one.clock.advance(9.9)
    assert one.why(text_of(expiring)) is one.why(text_of(ending)) is None
    one.clock.advance(0.1)
    assert one.why(text_of(expiring)) is Refusal.EXPIRED
    assert one.why(text_of(ending)) is Refusal.UNKNOWN


@pytest.mark.parametrize("scope", Scope)
def test_key_does_only_what_its_scopes_say(scope: Scope) -> None:
    """Every scope by itself; no scope includes another."""
    key = key_of(scopes=(scope,))
    one = GateWith(key)
    let_in = [each for each in Scope if one.why(text_of(key), each) is None]
    assert let_in == [scope]
    assert one.why(text_of(key), None) is None


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("203.0.113.7", True),
        ("::ffff:203.0.113.7", True),
        ("203.0.114.7", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        ("203.0.113.7:80", False),
        ("unix:", False),
    ],
)
def test_addresses_are_those_of_the_key(*, address: str, inside: bool) -> None:
    """An address that cannot be read is outside."""
    one = GateWith(key_of(addresses=("203.0.113.0/24", "2001:db8::/32")))
    assert one.why(TEXT, address=address) is (None if inside else Refusal.ADDRESS)


def test_network_that_cannot_be_read_lets_nobody_in() -> None:
    """A limit that is not understood is not no limit."""
    one = GateWith(key_of(addresses=("192.0.2.0/24", "everywhere")))
    assert one.why(TEXT) is Refusal.ADDRESS


def test_requests_over_the_rate_wait() -> None:
    """After a burst of 2 s. Waiting as long as told is enough."""
    one = GateWith(key_of(requests_per_s=10.0))
    assert [one.why(TEXT) for _ in range(21)] == [None] * 20 + [Refusal.RATE]
    refused = one.refused(TEXT)
    assert refused is not None
    assert str(refused) == "the key may send 10 requests a second"
    assert refused.retry_after_s == pytest.approx(0.1)
    one.clock.advance(0.1)
    assert [one.why(TEXT) for _ in range(2)] == [None, Refusal.RATE]


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"revoked_s": 1.0}, Refusal.REVOKED),
        ({"addresses": ("203.0.113.0/24",)}, Refusal.UNREAD),
        ({"secrets": ()}, Refusal.UNREAD),
        (None, Refusal.UNKNOWN),
    ],
)
def test_key_is_checked_again_behind_the_body(
    fields: dict[str, object] | None, refusal: Refusal
) -> None:
    """A client may take long for its body."""
    one = GateWith(KEY)
    one.keyring.replace({} if fields is None else {KEY.id: replace(KEY, **fields)})
    with pytest.raises(KeyRefused) as refused:
        one.gate.admit_again(KEY, "192.0.2.1")
    assert refused.value.refusal is refusal


def test_key_that_was_only_read_again_still_passes() -> None:
    """After a lost watch, all keys are read again."""
    one = GateWith(KEY)
    one.keyring.replace({KEY.id: replace(KEY)})
    one.gate.admit_again(KEY, "192.0.2.1")


def test_key_may_expire_while_a_body_is_read() -> None:
    """It passed at the beginning."""
    key = key_of(expires_s=HandClock().now_s() + 10)
    one = GateWith(key)
    assert one.why(text_of(key)) is None
    one.clock.advance(10)
    with pytest.raises(KeyRefused, match="expired"):
        one.gate.admit_again(key, "192.0.2.1")


def test_batch_may_overdraw_and_waits_afterwards() -> None:
    """So a batch that is larger than the burst can be posted at all."""
    key = key_of(events_per_s=10.0)
    one = GateWith(key)
    assert one.why(TEXT) is None
    one.gate.spend_events(key, 1020)
    refused = one.refused(TEXT)
    assert refused is not None
    assert refused.retry_after_s == pytest.approx(100.1)
    one.clock.advance(100.1)
    assert one.why(TEXT) is None


def test_rate_of_events_holds_back_only_ingest() -> None:
    """Who has sent too much may still read."""
    key = key_of(events_per_s=1.0, scopes=tuple(Scope))
    one = GateWith(key)
    one.gate.spend_events(key, 100)
    assert one.why(TEXT) is Refusal.RATE
    assert one.why(TEXT, Scope.EVENTS_READ) is None
    assert one.why(TEXT, None) is None


@pytest.mark.parametrize(("own_per_s", "expected"), [(None, SANDBOX_PER_S), (7.0, 7.0)])
def test_test_key_has_the_rate_of_the_sandbox(own_per_s: float | None, expected: float) -> None:
    """Unless it has a rate of its own; a live key has no limit by itself."""
    key = key_of(environment=Environment.TEST, events_per_s=own_per_s)
    one = GateWith(key, OTHER)
    assert one.gate.events_per_s(key) == expected
    assert one.gate.events_per_s(OTHER) is None
    one.gate.spend_events(OTHER, 1_000_000)
    assert one.why(text_of(OTHER)) is None


def test_one_key_does_not_spend_the_rate_of_another() -> None:
    """Each has its own."""
    keys = [key_of(letter * 12, requests_per_s=1.0) for letter in "AB"]
    one = GateWith(*keys)
    assert [one.why(text_of(keys[0])) for _ in range(3)] == [None, None, Refusal.RATE]
    assert one.why(text_of(keys[1])) is None


def test_refused_request_costs_no_rate() -> None:
    """Else a stranger with a wrong secret could use up the rate of a key."""
    one = GateWith(key_of(requests_per_s=1.0))
    for _ in range(10):
        one.why(WRONG_SECRET)
        one.why(TEXT, Scope.ADMIN)
    assert one.why(TEXT) is None


def test_unknown_key_is_not_called_unknown_while_keys_are_not_read_whole() -> None:
    """It is told when to come again. A key that is known works on."""
    one = GateWith(KEY)
    one.keyring.complete = False
    refused = one.refused(text_of(OTHER))
    assert refused is not None
    assert refused.refusal is Refusal.UNREAD
    assert refused.retry_after_s
    assert one.why(WRONG_SECRET) is Refusal.UNKNOWN
    assert one.why(TEXT) is None


def test_open_request_is_good_as_long_as_its_key() -> None:
    """It ends with a revocation, an expiry or a deletion, and not because the watch is lost."""
    one = GateWith(KEY)
    assert one.gate.is_still_good(KEY)
    one.keyring.keys[KEY.id] = replace(KEY, revoked_s=1.0)
    assert not one.gate.is_still_good(KEY)
    one.keyring.keys[KEY.id] = replace(KEY, expires_s=1000.0)
    assert not one.gate.is_still_good(KEY)
    del one.keyring.keys[KEY.id]
    assert not one.gate.is_still_good(KEY)
    one.keyring.complete = False
    assert one.gate.is_still_good(KEY)


def test_refusals_are_logged_in_sums() -> None:
    """The first at once, and then a line a minute for each key and reason."""
    one = GateWith(KEY, OTHER)
    with structlog.testing.capture_logs() as logs:
        for _ in range(1000):
            one.why(WRONG_SECRET, address="192.0.2.9")
        one.why(text_of(OTHER), Scope.ADMIN)
        assert [line["count"] for line in logs] == [1, 1]
        one.clock.advance(LOG_EVERY_S)
        one.why(TEXT)
    assert [(line["reason"], line["key"], line["count"]) for line in logs] == [
        ("unknown", KEY.id, 1),
        ("scope", OTHER.id, 1),
        ("unknown", KEY.id, 999),
    ]
    assert logs[2]["last_address"] == "192.0.2.9"
    assert SECRET not in str(logs)


def test_refusals_of_made_up_keys_are_one_sum() -> None:
    """A stranger can make up ids without end; no memory is spent on them."""
    one = GateWith(KEY)
    with structlog.testing.capture_logs() as logs:
        for number in range(1000):
            one.why(text_of(key_of(f"{number:012}")))
        one.clock.advance(LOG_EVERY_S)
        one.why(None)
    assert [(line["key"], line["count"]) for line in logs] == [("", 1), ("", 999), ("", 1)]


def test_key_that_is_refused_no_more_is_forgotten() -> None:
    """After a minute in which it was not refused. Its next refusal is logged at once again."""
    one = GateWith(KEY)
    with structlog.testing.capture_logs() as logs:
        one.why(WRONG_SECRET)
        one.clock.advance(LOG_EVERY_S)
        one.why(TEXT)
        one.why(WRONG_SECRET)
    assert [line["count"] for line in logs] == [1, 1]
