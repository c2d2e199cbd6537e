"""How a delivery ends: decided once, by one type, and told as one value."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from consumer.dead_letters.record import first_letters, from_message, to_message
from consumer.deliveries.delivery import Dead, Duplicate, Forwarded
from consumer.deliveries.origin import Environment, Origin, Sender
from consumer.errors import Reason, Rejected
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import STORED, rejected, sent
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Callable

BROKEN = Rejected(Reason.INVALID, "amount: expected number")


def event_work() -> Work:
    """Return a decoded work whose fate is open."""
    work = Work(sent(casino(), "CASINO"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    return work


DECISIONS: dict[str, Callable[[Work], None]] = {
    "die": lambda work: work.die(BROKEN),
    "repeat": lambda work: work.repeat(),
    "join": lambda work: work.join(event_work()),
}


@pytest.mark.parametrize("first", DECISIONS)
@pytest.mark.parametrize("second", DECISIONS)
def test_fate_is_decided_once(first: str, second: str) -> None:
    """A second decision is a bug of ours, and never changes what was told."""
    work = event_work()
    DECISIONS[first](work)
    fate = work.delivery.fate
    with pytest.raises(RuntimeError, match="decided twice"):
        DECISIONS[second](work)
    assert work.delivery.fate is fate


def test_forwarded_event_names_itself() -> None:
    """A sender may be told the id and the subject of what was stored."""
    work = event_work()
    work.confirm(new=True, first_try=True)
    end = work.delivery.end
    assert isinstance(end, Forwarded)
    assert end.event.subject == "game.bet"


def test_further_outputs_do_not_decide_again() -> None:
    """A fan-out is one event, forwarded as soon as one output is new."""
    work = event_work()
    for new in (False, True, False, True):
        work.confirm(new=new, first_try=True)
    assert isinstance(work.delivery.end, Forwarded)


def test_event_that_the_sink_knew_stays_open() -> None:
    """Whether it is a duplicate is the mode's decision, not the sink's."""
    work = event_work()
    work.confirm(new=False, first_try=True)
    assert work.undecided_event is not None
    assert work.in_sink


def test_copy_is_undecided_as_long_as_the_first_is() -> None:
    """It shares an end that is not known yet."""
    first, copy = event_work(), event_work()
    copy.join(first)
    assert copy.delivery.end is None


def test_copy_of_a_stored_event_is_a_duplicate() -> None:
    """Not a second forwarded event, or the books would count two."""
    first, copy = event_work(), event_work()
    copy.join(first)
    first.confirm(new=True, first_try=True)
    assert isinstance(copy.delivery.end, Duplicate)


def test_copy_of_a_dead_delivery_is_dead_for_the_same_reason() -> None:
    """Each of them gets a letter; the letters' stream joins them."""
    first, copy = event_work(), event_work()
    copy.join(first)
    first.die(BROKEN)
    assert copy.delivery.end == Dead(BROKEN)


def test_only_an_event_ends_as_a_duplicate() -> None:
    """A delivery that was not decoded has nothing that could be known."""
    with pytest.raises(TypeError, match="only an event"):
        Work(sent(b"{}", "CASINO")).repeat()


class Held:
    """What a listener keeps in a delivery's token."""


def test_broken_delivery_is_freed_at_once() -> None:
    """An error holds the frames it passed; the collector never looks into a delivery."""
    token = Held()
    freed = weakref.ref(token)
    work = Work(sent(b'{"amount": "abc"}', "CASINO", token=token))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert rejected(work) is not None
    del work, token
    gc.collect()
    assert freed() is None


def test_senders_of_one_lane_do_not_share_identities() -> None:
    """The same id of two brands, and of one brand's tests, are different events."""
    senders = (Sender("a"), Sender("b"), Sender("a", Environment.TEST), Sender("b"))
    works = [Work(sent(casino(), "CASINO")) for _ in senders]
    for work, sender in zip(works, senders, strict=True):
        work.delivery.sender = sender
    Decoder().decode(Batch(works, 0.0, 0.0))
    keys = [work.event.identity.key for work in works if work.event is not None]
    assert len(set(keys)) == 3
    assert keys[1] == keys[3]


def test_test_event_carries_its_brands_own_name() -> None:
    """Only the identities are kept apart; a subscriber sees the brand."""
    work = Work(sent(casino(), "CASINO"))
    work.delivery.sender = Sender("brand-a", Environment.TEST)
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert work.event is not None
    assert b'"brand":"brand-a"' in work.event.body


def test_stored_fate_stands_for_a_stored_event() -> None:
    """The fate that the listeners' suites settle with is one of the pipeline's own."""
    delivery = sent()
    delivery.fate = STORED
    assert delivery.end is STORED


@pytest.mark.parametrize("environment", Environment)
def test_letter_keeps_its_sender(environment: Environment) -> None:
    """A replayed test letter must not become a live event, nor be joined into a live letter."""
    delivery = sent(b"broken", "CASINO")
    delivery.sender = Sender("brand", environment)
    letter = first_letters("lane")(delivery, BROKEN, Origin({}, {}), 0.0)
    message = to_message(letter, "dead", letter.message_id)
    assert from_message(message.headers, message.body).sender == delivery.sender


def test_letters_of_the_environments_are_told_apart() -> None:
    """The same bytes, sent live and as a test, are two letters."""
    ids = set()
    for environment in Environment:
        delivery = sent(b"broken", "CASINO")
        delivery.sender = Sender("brand", environment)
        ids.add(first_letters("lane")(delivery, BROKEN, Origin({}, {}), 0.0).message_id)
    assert len(ids) == len(Environment)


def test_letters_are_joined_only_if_a_replay_reads_them_alike() -> None:
    """Another listener has other options, and another encoding other content."""

    def letter_id(listener: str, encoding: str | None, rejected: Rejected, body: bytes) -> str:
        delivery = sent(body, "CASINO", content_encoding=encoding)
        return first_letters(listener)(delivery, rejected, Origin({}, {}), 0.0).message_id

    usual = letter_id("lane", None, BROKEN, b"broken")
    assert letter_id("lane", None, BROKEN, b"broken") == usual
    others = {
        letter_id("other", None, BROKEN, b"broken"),
        letter_id("lane", "gzip", BROKEN, b"broken"),
        letter_id("lane", None, Rejected(Reason.CONFLICT, ""), b"broken"),
        letter_id("lane", None, BROKEN, b"broken "),
    }
    assert len(others - {usual}) == 4
