"""Which identities an id may stand for, and where in the sink to look."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from consumer.cli.input.message_types import known_type
from consumer.cli.seen.text import as_text
from consumer.events import identity
from consumer.tools.seen.find import (
    CandidateIdentity,
    RememberedIdentity,
    SeenAnswer,
    StoredEvent,
    candidates,
    message_ids,
    searched_time,
)
from consumer.tools.seen.report import as_json

NOW_S = 1_000_000.0
HOUR_S = 3600.0
SUFFIXES = (":rollback",)
ENDINGS = st.sampled_from(["17:rollback", ":rollback", "rollback", "17%3Arollback"])


def known(*, done: bool, age_s: float) -> RememberedIdentity:
    """Return what a store remembers."""
    return RememberedIdentity(CandidateIdentity("b", ("1",), "k"), done, NOW_S - age_s, 10.0)


def test_identities_of_a_plain_id() -> None:
    """There is one reading."""
    assert identity.read_id("6f9619ff-8b86") == [("6f9619ff-8b86",)]


def test_identities_of_an_id_with_colons() -> None:
    """The last part may begin behind any of them."""
    assert identity.read_id("2:Credit:x") == [
        ("2:Credit:x",),
        ("2", "Credit:x"),
        ("2", "Credit", "x"),
    ]


@given(st.lists(st.text("a:%235A\x7f é", min_size=1) | ENDINGS, min_size=1, max_size=4))
def test_every_identity_is_among_those_of_its_text(parts: list[str]) -> None:
    """Whatever its values hold, and also where an id ends as a suffix does."""
    assert tuple(parts) in identity.read_id(identity.write_id(tuple(parts), SUFFIXES), SUFFIXES)


def test_candidates_of_all_brands() -> None:
    """With the keys that store and sink know."""
    found = candidates(["a", "b"], known_type("PAYMENT", ""), "2:Credit")
    assert [(one.brand, one.parts) for one in found] == [
        ("a", ("2:Credit",)),
        ("a", ("2", "Credit")),
        ("b", ("2:Credit",)),
        ("b", ("2", "Credit")),
    ]
    assert found[3].key == identity.key("b", "PAYMENT", ("2", "Credit"))


def test_message_ids_under_routes() -> None:
    """That of the event's own subject, and one for each target of a route of its type."""
    wanted = [CandidateIdentity("b", ("1",), "k")]
    routes = {"game.bet": ["game.bet", "copy.bet"], "wallet.*": ["other.*"]}
    ids = message_ids(wanted, known_type("CASINO", ""), routes)
    assert {"k", identity.output_id("k", "copy.bet")} <= ids.keys()
    assert identity.output_id("k", "other.balance") not in ids
    assert set(ids.values()) == set(wanted)


@pytest.mark.parametrize(
    ("marks", "since_s", "expected"),
    [
        ([], None, (NOW_S - HOUR_S, NOW_S)),
        ([], NOW_S - 5, (NOW_S - 5, NOW_S)),
        ([known(done=True, age_s=7200)], None, (NOW_S - 8100, NOW_S - 7140)),
        ([known(done=True, age_s=7200)], NOW_S - 5, (NOW_S - 5, NOW_S)),
        ([known(done=True, age_s=10)], None, (NOW_S - 910, NOW_S)),
        ([known(done=False, age_s=7200)], None, (NOW_S - 7260, NOW_S)),
        (
            [known(done=False, age_s=100), known(done=True, age_s=7200)],
            None,
            (NOW_S - 8100, NOW_S),
        ),
    ],
)
def test_range_of_the_sink(
    marks: list[RememberedIdentity], since_s: float | None, expected: tuple[float, float]
) -> None:
    """As the store tells, unless the user says."""
    assert searched_time(marks, since_s, NOW_S) == expected


def test_what_was_found_before_the_search_broke_off_is_told() -> None:
    """For people and for programs."""
    found = StoredEvent(CandidateIdentity("b", ("1",), "k"), "game.bet", 7, NOW_S)
    cut = SeenAnswer(brands=["b"], stored=[found], sink_why="sink: connection lost")
    assert "game.bet, sequence 7" in as_text(cut)
    assert "not looked at to the end" in as_text(cut)
    assert json.loads(as_json(cut))["sink"][0]["sequence"] == 7
    nothing = SeenAnswer(brands=["b"], sink_why="sink: connection lost")
    assert json.loads(as_json(nothing))["sink"] is None
