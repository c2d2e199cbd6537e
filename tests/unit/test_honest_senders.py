"""What honest senders send by themselves becomes what is right, case by case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from consumer.errors import Reason
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import reason, rejected, sent
from tests.support.honest import CASES, FOUND, fits, is_told
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino

if TYPE_CHECKING:
    from tests.support.honest import Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_case_becomes_what_is_right(case: Case) -> None:
    """Events, letters and duplicates."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    for body in case.bodies:
        await pipeline.source.send(body, case.message_type, content_encoding=case.content_encoding)
    await pipeline.drain()
    events = [json.loads(message.body) for message in pipeline.sink.stored]
    assert len(events) == len(case.want["events"])
    assert all(map(fits, case.want["events"], events))
    assert pipeline.count("duplicates") == case.want["duplicates"]
    assert pipeline.count("dead_letters") == len(case.want["letters"])
    # Two equal broken messages are one letter.
    for letter in pipeline.letters.stored:
        error = unquote(letter.headers["Dead-Error"])
        assert any(
            is_told(wanted, letter.headers["Dead-Reason"], error) for wanted in case.want["letters"]
        )


@pytest.mark.parametrize(
    "case", [case for case in FOUND if "memory" in case.transports], ids=lambda case: case.name
)
def test_found_case_becomes_what_is_right(case: Case) -> None:
    """Events in order, letters in order; no event could be dropped as a duplicate of another."""
    works = [
        Work(sent(body, case.message_type, content_encoding=case.content_encoding))
        for body in case.bodies
    ]
    Decoder().decode(Batch(works, 0.0, 0.0))
    events = [work.event for work in works if work.event is not None]
    letters = [died for work in works if (died := rejected(work)) is not None]
    assert len({event.identity.key for event in events}) == len(case.want["events"])
    assert len(letters) == len(case.want["letters"])
    for wanted, event in zip(case.want["events"], events, strict=True):
        assert fits(wanted, json.loads(event.body))
    for told, letter in zip(case.want["letters"], letters, strict=True):
        assert is_told(told, letter.reason, letter.detail)


@pytest.mark.parametrize("quoted", ['"CASINO"', '"casino"'])
def test_quoted_type_is_odd(quoted: str) -> None:
    """One pair of quotes; a strict listener knows no such type."""
    works = [Work(sent(casino(), quoted)) for _ in range(2)]
    Decoder().decode(Batch(works, 0.0, 0.0))
    for work in works:
        assert work.event is not None
        assert [odd.name for odd in work.event.oddities] == ["quoted_type"]
    strict = Work(sent(casino(), quoted))
    Decoder(strict=True).decode(Batch([strict], 0.0, 0.0))
    assert reason(strict) == Reason.UNKNOWN_TYPE


@pytest.mark.parametrize("name", ['"', '""', '""CASINO""', '"CASINO', 'CASINO"', "'CASINO'"])
def test_other_quotes_are_no_type(name: str) -> None:
    """Nobody's library writes them."""
    work = Work(sent(casino(), name))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert reason(work) == Reason.UNKNOWN_TYPE


WRAPPED = [
    *(json.dumps({name: json.loads(casino())}).encode() for name in ("message", "Payload")),
    *(json.dumps({"n": 1, name: casino().decode()}).encode() for name in ("message", "Payload")),
]


@pytest.mark.parametrize("body", WRAPPED)
def test_event_is_taken_out_of_its_wrapper(body: bytes) -> None:
    """As an object, or as text with JSON in it: the same event as without a wrapper."""
    field = "message" if b"message" in body else "Payload"
    work, plain = Work(sent(body, "CASINO")), Work(sent(casino(), "CASINO"))
    Decoder(unwrap=field).decode(Batch([work], 0.0, 0.0))
    Decoder().decode(Batch([plain], 0.0, 0.0))
    assert work.event is not None
    assert plain.event is not None
    assert (work.event.identity, work.event.body) == (plain.event.identity, plain.event.body)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (casino(), "invalid: message: required, but missing"),
        (b'{"message": 1}', "invalid: message: expected object, or JSON in text, got 1"),
        (b'{"message": null}', "invalid: message: expected object, or JSON in text, got null"),
        (b'{"message": []}', "invalid: message: expected object, or JSON in text, got []"),
        (
            b'{"message": "hello"}',
            'invalid: message: expected object, or JSON in text, got "hello"',
        ),
        (b'{"message": "{"}', "malformed: Input data was truncated"),
        (b"[]", "invalid: expected object, got []"),
        (b"[", "malformed: Input data was truncated"),
        (b"[" * 20_000, "malformed: nested too deeply, or too large to read"),
    ],
)
def test_body_without_the_wrapper_is_refused(body: bytes, error: str) -> None:
    """With the name of the field."""
    work = Work(sent(body, "CASINO"))
    Decoder(unwrap="message").decode(Batch([work], 0.0, 0.0))
    died = rejected(work)
    assert died is not None
    assert f"{died.reason.value}: {died.detail}" == error


@pytest.mark.parametrize(
    ("text", "half"),
    [
        (rb"\ud83d", rb"\ud83d) at byte 6"),
        (rb"ab\uD83D cd", rb"\uD83D) at byte 8"),
        (rb"\ude00", rb"\ude00) at byte 6"),
        (rb"\ud83d\ude00\ud83d", rb"\ud83d) at byte 18"),
        (rb"\ud83d\ud83d\ude00", rb"\ud83d) at byte 6"),
        (rb"\\\ud83d", rb"\ud83d) at byte 8"),
        (rb"\n\u0041\ud83d\n", rb"\ud83d) at byte 14"),
    ],
)
def test_half_a_surrogate_pair_is_named(text: bytes, half: bytes) -> None:
    """A cut emoji, wherever it stands."""
    work = Work(sent(b'{"x":"' + text + b'"}', "CASINO"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    died = rejected(work)
    assert died is not None
    assert died.detail == f"half a surrogate pair ({half.decode()}"


def test_search_for_half_a_pair_takes_no_time() -> None:
    """A megabyte of escapes is gone through once, by the library; more is not searched at all."""
    for count in (500_000, 600_000):
        body = b'{"x":"' + rb"\n" * count
        work = Work(sent(body, "CASINO"))
        Decoder().decode(Batch([work], 0.0, 0.0))
        assert reason(work) == Reason.MALFORMED


def test_usual_wrong_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender has one wrong name, and sends it a million times."""
    asked: list[str] = []

    def nearest(name: str) -> str:
        asked.append(name)
        return "CASINO"

    monkeypatch.setattr("consumer.pipeline.decode.nearest", nearest)
    Decoder().decode(Batch([Work(sent(b"{}", "CASINOO")) for _ in range(100)], 0.0, 0.0))
    assert asked == ["CASINOO"]


def test_right_name_of_a_type_is_suggested_for_a_few_names_only() -> None:
    """To find it takes time, and whoever may publish could send a million wrong names."""
    works = [Work(sent(b"{}", f"CASINO{number}")) for number in range(100)]
    Decoder().decode(Batch(works, 0.0, 0.0))
    told = [died.detail for work in works if (died := rejected(work)) is not None]
    assert len(told) == 100
    assert ["did you mean CASINO?" in detail for detail in told] == [True] * 20 + [False] * 80
