"""How one event or dead letter looks on a terminal, and in a pipe."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console

from consumer.cli.tap.command import TapOptions
from consumer.cli.terminal.event_line import event_json, event_line, print_cut
from consumer.events import envelope
from consumer.events.registry import CATALOGUE

if TYPE_CHECKING:
    from typing import Any

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "6f9619ff-8b86",
    "source": "/brand-a/casino",
    "type": "game.bet",
    "brand": "brand-a",
    "time": "2015-03-02T08:27:58.100000Z",
    "subject": "player-17",
    "datacontenttype": "application/json",
    "data": {"amount": "12.30", "currency": "EUR"},
}


def line_of(subject: str = "game.bet", **changes: object) -> str:
    """Return an event's line."""
    return event_line(subject, envelope.read(msgspec.json.encode(EVENT | changes))).plain


def test_line_tells_what_passed() -> None:
    """Time, subject, amount, player, id."""
    assert line_of().split() == [
        "08:27:58",
        "game.bet",
        "12.30",
        "EUR",
        "player-17",
        "6f9619ff-8b86",
    ]


@pytest.mark.parametrize("data", [{}, {"amount": 5}, {"amount": None}, {"amount": {"a": []}}])
def test_amount_that_is_no_money_is_left_out(data: object) -> None:
    """A CUSTOM event may call anything so."""
    assert line_of(data=data).split() == ["08:27:58", "game.bet", "player-17", "6f9619ff-8b86"]


def test_nothing_of_a_sender_reaches_the_terminal_as_a_command() -> None:
    """Ids are an outsider's text."""
    assert "\x1b" not in line_of(id="a\x1b[31m", subject="\u202e", data={"amount": "\x9b"})


def test_line_is_cut_at_the_terminals_width() -> None:
    """One line an event."""
    out = io.StringIO()
    console = Console(file=out, width=80)
    print_cut(
        console,
        event_line("game.bet", envelope.read(msgspec.json.encode(EVENT | {"id": "x" * 99}))),
    )
    (line,) = out.getvalue().splitlines()
    assert len(line) == 80
    assert line.endswith("x…")


def test_every_subject_of_the_catalogue_fits_its_column() -> None:
    """So the amounts stand below each other."""
    subjects = {subject for one in CATALOGUE for subject in one.subjects.values()}
    ends = {line_of(subject).index("12.30 EUR") for subject in subjects}
    assert len(ends) == 1


def test_event_is_one_line_in_a_pipe() -> None:
    """The line ends of a sender's own field are between tokens only."""
    body = b'{"id":"1","data":{"meta":{\n "a": "b\\n c"}}}'
    assert event_json(body) == b'{"id":"1","data":{"meta":{"a":"b\\n c"}}}'
    assert json.loads(event_json(body)) == json.loads(body)


def test_event_is_its_own_bytes_in_a_pipe() -> None:
    """Whatever is on one line is not touched."""
    body = b'{ "id" : "1" }'
    assert event_json(body) == body


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (TapOptions(), True),
        (TapOptions(brand="brand-a", user="player-17", message_type="CASINO"), True),
        (TapOptions(brand="brand-b"), False),
        (TapOptions(user="player-1"), False),
        (TapOptions(message_type="PAYMENT"), False),
    ],
)
def test_filters(wanted: TapOptions, *, fits: bool) -> None:
    """Each has to fit."""
    event = envelope.read(msgspec.json.encode(EVENT))
    assert wanted.fits(event.brand, event.message_type, event.subject) is fits
