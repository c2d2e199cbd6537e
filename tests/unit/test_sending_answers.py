"""What docs/sending.md answers to a brand's engineer, tried on the real pipeline in memory."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from consumer.events.identity import WINDOW_S
from tests.support.memory_sink import HandClock, MemoryPipeline, jump
from tests.support.samples import casino, payment


class Sent(NamedTuple):
    """A message, and how long after the message before it it is sent, in seconds."""

    body: bytes
    message_type: str = "CASINO"
    content_encoding: str | None = None
    after_s: float = 0.0


class Tried:
    """Messages that went through a pipeline, one after the other.

    Attributes:
        became: What became of each message: `event`, `duplicate`, or the reason of its dead letter.
        events: The events that were put out, as CloudEvents.
    """

    def __init__(self, *messages: Sent) -> None:
        self.became: list[str] = []
        self._clock = HandClock()
        self._pipeline = MemoryPipeline(clock=self._clock)
        self._pipeline.max_share = 1.0
        jump(self._try_all(messages))
        self.events = [json.loads(message.body) for message in self._pipeline.sink.stored]

    async def _try_all(self, messages: tuple[Sent, ...]) -> None:
        await self._pipeline.open()
        for message in messages:
            self._clock.advance(message.after_s)
            self.became.append(await self._try(message))

    async def _try(self, message: Sent) -> str:
        sink, letters = self._pipeline.sink.stored, self._pipeline.letters.stored
        before = (len(sink), len(letters))
        encoding = message.content_encoding
        await self._pipeline.source.send(
            message.body, message.message_type, content_encoding=encoding
        )
        await self._pipeline.drain()
        if len(sink) > before[0]:
            return "event"
        return letters[-1].subject.rpartition(".")[2] if len(letters) > before[1] else "duplicate"


@pytest.mark.parametrize(
    "changes",
    [
        {"balance_after": 99},
        {"exchange_rate": 2},
        {"game_name": "Another"},
        {"timestamp": "2030-01-01T00:00:00Z"},
        {"meta": {"corrected": True}},
        {"not_in_the_catalogue": 1},
    ],
)
def test_other_changes_of_a_resend_are_lost(changes: dict[str, Any]) -> None:
    """The event that came first is the only event, and nothing tells of the second."""
    tried = Tried(Sent(casino()), Sent(casino(**changes)))
    assert tried.became == ["event", "duplicate"]
    assert tried.events == Tried(Sent(casino())).events


def test_change_of_a_deciding_field_is_a_conflict() -> None:
    """Until the window is over, and then nothing is compared any more."""
    resend = casino(amount=1)
    tried = Tried(Sent(casino()), Sent(resend), Sent(resend, after_s=WINDOW_S + 1))
    assert tried.became == ["event", "conflict", "event"]


def test_any_change_of_a_hashed_body_is_another_event() -> None:
    """CUSTOM has no identity but its body."""
    whole = {"user_id": "1", "origin": "o", "timestamp": "2026-01-31T12:00:00Z", "data": {}}
    bodies = [json.dumps(whole | {"notification_type": kind}).encode() for kind in "aab"]
    tried = Tried(*(Sent(body, "CUSTOM") for body in bodies))
    assert tried.became == ["event", "duplicate", "event"]


def test_resend_after_the_window_is_put_out_again() -> None:
    """With the same id. A resend inside the window does not make the window longer."""
    tried = Tried(*(Sent(casino(), after_s=after_s) for after_s in (0, WINDOW_S - 60, 61)))
    assert tried.became == ["event", "duplicate", "event"]
    assert tried.events[0]["id"] == tried.events[1]["id"]


@pytest.mark.parametrize(
    ("time", "became"),
    [
        ("1970-01-01T23:59:59Z", "invalid"),
        ("1970-01-02T00:00:00Z", "event"),
        ("2999-12-31T23:59:59Z", "event"),
    ],
)
def test_no_time_that_was_set_is_too_early_or_too_late(time: str, became: str) -> None:
    """Only a time that was never set is refused."""
    assert Tried(Sent(casino(timestamp=time))).became == [became]


def test_window_begins_when_the_event_arrives() -> None:
    """The event's own time may be years away from it."""
    old = Sent(casino(timestamp="1999-12-31T00:00:00Z"))
    assert Tried(old, old).became == ["event", "duplicate"]


def test_rollback_is_not_compared_with_its_bet() -> None:
    """Neither with a bet that came, nor with a bet that never came."""
    without_bet = casino(activity_id="never bet", status="Rollback")
    of_another_amount = casino(amount=1, user_id="another", status="Rollback")
    tried = Tried(*map(Sent, (without_bet, casino(), of_another_amount)))
    assert tried.became == ["event", "event", "event"]
    assert [event["type"] for event in tried.events] == [
        "game.rollback",
        "game.bet",
        "game.rollback",
    ]


def test_case_of_a_currency_is_kept_and_makes_a_difference() -> None:
    """`eur` and `EUR` are two values."""
    tried = Tried(*(Sent(payment(currency=text), "PAYMENT") for text in ("eur", "EUR")))
    assert tried.became == ["event", "conflict"]
    assert tried.events[0]["data"]["currency"] == "eur"


LATIN = casino(game_name="X").replace(b'"X"', b'"Caf\xe9"')


@pytest.mark.parametrize(
    ("label", "body", "became"),
    [
        ("UTF-8", casino(game_name="Café"), "event"),
        ("us-ascii", casino(game_name="Café"), "event"),
        ("iso-8859-1", casino(), "unsupported_encoding"),
        (None, LATIN, "malformed"),
        ("utf-8", LATIN, "malformed"),
        (None, casino().decode().encode("utf-16"), "malformed"),
    ],
)
def test_only_utf_8_is_read_whatever_the_label(label: str | None, body: bytes, became: str) -> None:
    """The label of another charset is refused, even if the body is good."""
    assert Tried(Sent(body, content_encoding=label)).became == [became]
