"""`[routes]`: what is refused at start, and where events go by what is accepted."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from consumer.config.load import build, load
from consumer.config.render import json_schema, to_toml
from consumer.errors import ConfigError
from consumer.events.identity import Identity, output_id
from consumer.events.normalise import Event
from consumer.listeners.registry import kinds
from consumer.pipeline.route import Router
from consumer.sinks.base import SinkSettings
from consumer.sinks.plans import event_plan

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config.load import Config
    from consumer.events.subjects import Routes

HEAD = """
brand = "b"
[listeners.partners]
kind = "nats"
url = "nats://user:secret@HOST:4222,nats://other"
subject = "inbound.>"
[sink]
url = "nats://127.0.0.1:4222"
[routes]
"""
MALFORMED = ". a. .a a..b a.> > * *.a a.* a.b.* _INBOX.x $JS.A a.b.c.d.e.f.g.h.i"
KEY = "0123456789abcdef" * 2


def config(routes: str, **changes: str) -> Config:
    """Read a configuration whose table `[routes]` is this; `host` is the listener's."""
    text = HEAD.replace("HOST", changes.pop("host", "elsewhere"))
    tables: dict[str, Any] = tomllib.loads(text + routes)
    tables["sink"] |= changes
    return build(tables, kinds())


def problem(routes: str, **changes: str) -> str:
    """Return the one line that refuses a table."""
    with pytest.raises(ConfigError) as refused:
        config(routes, **changes)
    (line,) = refused.value.problems
    assert "\n" not in line
    return line


def addressed(routes: Routes, subject: str, prefix: str = "") -> dict[str, str]:
    """Return the message id on each subject that an event goes to."""
    event = Event("1", Identity(KEY, "f"), subject, b"{}", None, ())
    router = Router(prefix, routes)
    assert router.messages(event) == router.messages(event)
    return {message.subject: message.message_id for message in router.messages(event)}


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        (
            '"game.bett" = "a"',
            'routes."game.bett": there is no such subject; did you mean game.bet',
        ),
        ('"gamme.*" = "a"', 'routes."gamme.*": there is no such subject; did you mean game.*?'),
        ('"x" = "a"', 'routes."x": there is no such subject; expected '),
        ('game.bet = "a"', "routes.game: holds a table, expected keys in quotes such as "),
        ('"game.bet" = 5', 'routes."game.bet": holds 5, expected a subject or a list of 1 to 8'),
        ('"game.bet" = []', "holds [], expected a subject or a list of 1 to 8"),
        ('"game.bet" = ["1","2","3","4","5","6","7","8","9"]', "expected a subject or a list of"),
        ('"game.bet" = ["a", 5]', "holds 5, expected a subject of 1 to 8 tokens"),
        ('"game.bet" = ["a", "b", "a"]', "holds 'a' twice, expected each subject once"),
        ('"game.*" = ["a.*", "a.bet"]', "holds 'a.bet' twice for game.bet, expected each"),
        ('"game.bet" = "game.win"', "which puts game.bet on game.win, expected no other event's"),
        ('"game.bet" = "dead.x"', "expected a subject that is not under the dead letters' dead.>"),
        ('"game.*" = "dead.*"', "expected a subject that is not under the dead letters' dead.>"),
    ],
)
def test_wrong_table_is_refused_in_one_line(routes: str, says: str) -> None:
    """The option, what it holds, and what was expected."""
    assert says in problem(routes)


@pytest.mark.parametrize(
    "target",
    ["", "a b", "é", "a\\n", "a.b\\r\\nPUB x", "a" * 65, *MALFORMED.split()],
)
def test_bad_token_is_refused(target: str) -> None:
    """Nothing gets through that NATS would read otherwise."""
    assert "expected a subject of 1 to 8 tokens" in problem(f'"game.bet" = "{target}"')


@pytest.mark.parametrize("target", ["a.b*", "a.b.*", "*.a", "a.*.*", "*"])
def test_wildcard_stands_for_a_whole_second_token_only(target: str) -> None:
    """Also under the key of a family."""
    assert "with * only as the whole second token" in problem(f'"game.*" = "{target}"')


@pytest.mark.parametrize(
    ("host", "target", "refused"),
    [
        ("127.0.0.1", "inbound.bets", True),
        ("127.0.0.1", "inbound", False),
        ("127.0.0.2", "inbound.bets", False),
    ],
)
def test_loop_is_refused(host: str, target: str, *, refused: bool) -> None:
    """Only what the listener would take in again, and only from the sink's own server."""
    routes = f'"game.bet" = "{target}"'
    if refused:
        assert "listeners.partners consumes inbound.> from the same" in problem(routes, host=host)
    else:
        assert config(routes, host=host).routes == {"game.bet": [target]}


def test_prefix_counts_where_targets_are_compared() -> None:
    """What is under the dead letters, or a loop, is decided by the whole subject."""
    assert config('"game.bet" = "dead.x"', subject_prefix="p").routes
    assert "inbound.>" in problem('"game.bet" = "x"', subject_prefix="inbound", host="127.0.0.1")


def test_every_mistake_is_told() -> None:
    """One line each, in other tables too."""
    with pytest.raises(ConfigError) as refused:
        config('"game.bett" = "a"\n"game.bet" = ["a b", ">"]', streem="X")
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CONSUMER__ROUTES": "x"}, r"routes: holds text, expected a table"),
        ({"CONSUMER__ROUTES__GAME__BET": "a"}, r"routes.game: holds a table, expected keys in"),
        ({"CONSUMER__ROUTES__GAME.BETT": "a"}, r"did you mean game.bet"),
        ({"CONSUMER__ROUTES__GAME.BET": "a b"}, r"holds 'a b', expected a subject of 1 to 8"),
    ],
)
def test_environment_is_refused_in_words(
    tmp_path: Path, environment: dict[str, str], says: str
) -> None:
    """Never by a traceback."""
    file = tmp_path / "consumer.toml"
    file.write_text(HEAD)
    with pytest.raises(ConfigError, match=re.escape(says)):
        load(file, environment, kinds())


@pytest.mark.parametrize(("text", "routes"), [("a.b", ["a.b"]), ('["a", "b.c"]', ["a", "b.c"])])
def test_environment_can_hold_a_route(tmp_path: Path, text: str, routes: list[str]) -> None:
    """Where the system allows a dot in a variable's name; it wins over the file."""
    file = tmp_path / "consumer.toml"
    file.write_text(HEAD + '"game.bet" = "x"')
    read = load(file, {"CONSUMER__ROUTES__GAME.BET": text}, kinds())
    assert read.routes == {"game.bet": routes}


def test_routes_are_printed_as_they_can_be_read() -> None:
    """`consumer config` shows what is in force."""
    read = config('"game.bet" = "casino.bets"\n"game.*" = ["game.*", "audit.game"]')
    tables = tomllib.loads(to_toml(read, hide_secrets=False))
    assert tables["routes"] == {"game.bet": ["casino.bets"], "game.*": ["game.*", "audit.game"]}
    assert build(tables, kinds()) == read


def test_schema_knows_every_key() -> None:
    """An editor completes subjects and families, and marks others."""
    routes = json_schema(kinds())["properties"]["routes"]
    assert {"game.*", "game.bet", "wallet.deposit_approved"} <= set(routes["properties"])
    assert routes["additionalProperties"] is False


@pytest.mark.parametrize(
    ("routes", "subject", "expected"),
    [
        ({}, "game.bet", ["game.bet"]),
        ({"game.bet": ["a"]}, "game.bet", ["a"]),
        ({"game.bet": ["a"]}, "game.win", ["game.win"]),
        ({"game.*": ["a", "b.*.c"]}, "game.win", ["a", "b.win.c"]),
        ({"game.*": ["a"], "game.win": ["b", "game.win"]}, "game.win", ["b", "game.win"]),
        ({"game.*": ["a"]}, "wallet.void", ["wallet.void"]),
    ],
)
def test_event_goes_where_its_route_says(routes: Routes, subject: str, expected: list[str]) -> None:
    """The exact key before the family, in the order of the list, behind the prefix."""
    assert list(addressed(routes, subject)) == expected
    assert list(addressed(routes, subject, "p")) == [f"p.{target}" for target in expected]


def test_message_id_is_made_of_key_and_target_only() -> None:
    """So that no other route, place in the list or prefix makes a stored output look new."""
    wanted = {"game.bet": KEY, "a": output_id(KEY, "a"), "b.bet": output_id(KEY, "b.bet")}
    assert addressed({"game.bet": ["game.bet", "a", "b.bet"]}, "game.bet") == wanted
    assert addressed({"game.*": ["b.*", "a", "game.*"]}, "game.bet") == wanted
    prefixed = addressed({"game.bet": ["b.bet", "a"]}, "game.bet", "p")
    assert prefixed == {"p.a": wanted["a"], "p.b.bet": wanted["b.bet"]}
    assert len(set(wanted.values())) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in wanted.values())


def test_stream_gets_the_targets_that_no_family_covers() -> None:
    """One by one: a wildcard could overlap with what a stream has already."""
    sink = SinkSettings(subject_prefix="p")
    plain, routed = (
        event_plan(sink, {}),
        event_plan(
            sink,
            {"game.*": ["game.*", "audit.*", "game.x", "wallet"], "game.bet": ["casino.bets.new"]},
        ),
    )
    more = {"p.audit.win", "p.audit.loss", "p.audit.rollback", "p.wallet", "p.casino.bets.new"}
    assert more <= set(routed.subjects) - set(plain.subjects)
    assert {"p.game.x", "p.audit.bet"}.isdisjoint(routed.subjects)
    assert msgspec.structs.replace(routed, subjects=plain.subjects) == plain
