"""Dedupe windows of single message types: from the file to the identity."""

from __future__ import annotations

import math
from typing import Any

import pytest

from consumer.config.load import Config, build
from consumer.errors import ConfigError
from consumer.events.identity import Identity
from consumer.listeners.registry import kinds
from consumer.options.check import EnvironmentText
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.stores.memory import MemoryStore
from tests.support.fates import sent
from tests.support.memory_sink import HandClock
from tests.support.samples import casino, payment

MONTH_S = 2_592_000.0


def configured(**dedupe: Any) -> Config:  # noqa: ANN401  # any option
    """Return a small configuration with these options in `[dedupe]`."""
    listener = {"kind": "nats", "subject": "in.>"}
    return build({"brand": "b", "listeners": {"one": listener}, "dedupe": dedupe}, kinds())


def window_s(config: Config, message_type: str, body: bytes) -> float:
    """Return the window of what a delivery is decoded to."""
    batch = Batch([Work(sent(body, message_type))], 0.0, 0.0)
    Decoder(config.dedupe).decode(batch)
    event = batch.works[0].event
    assert event is not None
    return event.identity.window_s


@pytest.mark.parametrize("name", ["CASINO", "casino", "Casino"])
def test_type_has_its_own_window_and_others_the_usual(name: str) -> None:
    """Whatever its case, in the file and in the message."""
    config = configured(windows_s={name: MONTH_S}, window_s=7200)
    assert window_s(config, "CASINO", casino()) == MONTH_S
    assert window_s(config, "casino", casino()) == MONTH_S
    assert window_s(config, "PAYMENT", payment()) == 7200


def test_window_of_another_name_is_in_force() -> None:
    """USER_TAG and USER_TAGS are one type."""
    config = configured(windows_s={"user_tags": MONTH_S})
    body = b'{"user_id":"1","origin":"o","timestamp":"2015-03-02T08:27:58Z","tags":"vip"}'
    assert window_s(config, "USER_TAG", body) == MONTH_S


def test_environment_gives_a_single_window() -> None:
    """Text that is a number."""
    config = configured(windows_s={"payment": EnvironmentText("7200")})
    assert window_s(config, "PAYMENT", payment()) == 7200


@pytest.mark.parametrize(
    ("windows_s", "problem"),
    [
        ({"CASNO": 7200}, "CASNO: there is no such message type; did you mean CASINO?"),
        (
            {"CASINO": "30d"},
            "CASINO: holds '30d', expected seconds, more than 0, at most 1,000,000,000",
        ),
        (
            {"CASINO": math.inf},
            "CASINO: holds inf, expected seconds, more than 0, at most 1,000,000,000",
        ),
        ({"CASINO": 60}, "CASINO: holds 60, expected at least sink.duplicate_window_s = 600"),
        ({"CASINO": 7200, "casino": 700}, "casino: is set twice, expected one spelling of it"),
        (
            {"USER_TAG": 7200, "USER_TAGS": 700},
            "USER_TAGS: is set twice, expected one spelling of it",
        ),
    ],
)
def test_wrong_window_is_told(windows_s: dict[str, object], problem: str) -> None:
    """The option, what it holds, what was expected."""
    with pytest.raises(ConfigError) as why:
        configured(windows_s=windows_s)
    assert f"dedupe.windows_s.{problem}" in why.value.problems


def test_windows_have_to_be_a_table() -> None:
    """Said in words."""
    with pytest.raises(ConfigError, match=r"windows_s: holds a single value, expected a table"):
        configured(windows_s=5)


async def test_memory_forgets_each_after_its_own_window() -> None:
    """Nothing is left of what is over, whatever was written behind it."""
    clock = HandClock()
    store = MemoryStore(clock)
    long, short = Identity("long", "f", 100.0), Identity("short", "f", 10.0)
    await store.exchange([long], [short])
    clock.advance(50)
    await store.exchange([], [])
    assert store.count == 1
    clock.advance(50)
    assert await store.exchange([], [long]) == [None]
