"""What every verb has in common: help, usage errors, and a wrong configuration."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from consumer.cli.dead.command import dead
from consumer.cli.main import VERBS, cli
from consumer.errors import SinkUnavailable

README = Path(__file__).parents[2] / "README.md"
KEYS_VERBS = ("create", "list", "show", "rotate", "revoke", "export", "restore")
ALL_VERBS = [
    *([verb] for verb in VERBS),
    ["dead", "list"],
    ["dead", "show"],
    ["dead", "mend"],
    ["dead", "replay"],
    ["dead", "drop", "1", "--yes"],
    ["dead", "mend", "1"],
    *(["keys", verb] for verb in KEYS_VERBS),
]
WITH_CONFIG = [
    ["run"],
    ["check"],
    ["config"],
    ["send", "CASINO"],
    ["dead", "list"],
    ["dead", "show", "1"],
    ["dead", "replay"],
    ["dead", "drop", "1", "--yes"],
    ["dead", "mend", "1"],
    ["tap"],
    ["top"],
    ["seen", "CASINO", "1"],
    ["keys", "create", "--environment", "live", "--scope", "ingest"],
    ["keys", "list"],
    ["keys", "show", "1"],
    ["keys", "rotate", "1"],
    ["keys", "revoke", "1"],
    ["keys", "export"],
    ["keys", "restore", "-"],
]


def consumer(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(cli, arguments, prog_name="consumer")


def test_help_names_every_verb_of_dead() -> None:
    """The line of `consumer --help` left out `mend`."""
    context = click.Context(cli)
    group = cli.get_command(context, "dead")
    assert isinstance(group, click.Group)
    assert [
        name for name in group.list_commands(context) if name not in VERBS["dead"].lower()
    ] == []


@pytest.mark.parametrize("verb", ALL_VERBS, ids=" ".join)
def test_help_shows_examples(verb: list[str]) -> None:
    """Every verb explains itself with examples, and that is exit code 0."""
    result = consumer(*verb, "--help")
    assert result.exit_code == 0
    assert f"consumer {verb[0]}" in result.output.partition("Examples:")[2]


def test_help_lists_every_verb() -> None:
    """`consumer --help` names all verbs."""
    result = consumer("--help")
    assert result.exit_code == 0
    assert all(f"  {verb} " in result.output for verb in VERBS)


def test_readme_names_every_verb() -> None:
    """The first column of its table, and for `dead` every verb inside."""
    _, _, table = README.read_text(encoding="utf-8").partition("| Verb | Does |\n")
    column = [row.split("|")[1] for row in table.partition("\n\n")[0].splitlines()[1:]]
    rows = [re.findall(r"`(?:consumer )?([^`]+)`", cell) for cell in column]
    assert set(VERBS) <= {name.split()[0] for row in rows for name in row}
    (letters,) = (row for row in rows if row[0].startswith("dead "))
    assert {name.removeprefix("dead ").split()[0] for name in letters} == set(dead.commands)


def test_line_of_dead_names_every_verb_inside() -> None:
    """Somebody who looks for a way to correct a letter reads this line first."""
    assert all(name in VERBS["dead"].lower() for name in dead.commands)


@pytest.mark.parametrize("verb", ALL_VERBS, ids=" ".join)
def test_unknown_option_is_exit_2(verb: list[str]) -> None:
    """A mistyped option is named."""
    result = consumer(*verb, "--no-such-option")
    assert result.exit_code == 2
    assert "--no-such-option" in result.stderr


def test_unknown_verb_is_exit_2() -> None:
    """A mistyped verb is named."""
    result = consumer("snd")
    assert result.exit_code == 2
    assert "snd" in result.stderr


@pytest.mark.parametrize("verb", WITH_CONFIG, ids=" ".join)
def test_wrong_configuration_is_exit_2(verb: list[str], tmp_path: Path) -> None:
    """Option, held value and expectation stand in one line."""
    file = tmp_path / "consumer.toml"
    file.write_text('brand = "a"\n[listeners.p]\nkind = "pigeon"\n')
    result = consumer(*verb, "--config", str(file))
    assert result.exit_code == 2
    assert "listeners.p.kind: holds 'pigeon', expected rabbitmq or" in result.stderr


@pytest.mark.parametrize("verb", WITH_CONFIG, ids=" ".join)
def test_missing_file_is_exit_2(verb: list[str], tmp_path: Path) -> None:
    """A file that is not there is named."""
    result = consumer(*verb, "--config", str(tmp_path / "nothing.toml"))
    assert result.exit_code == 2
    assert "nothing.toml: there is no such file" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["send", "PIGEON"], "'PIGEON': there are samples of all, BONUS, CART, CASINO"),
        (["send", "CASINO", "--duplicates", "110%"], "expected 0% to 100%"),
        (["send", "CASINO", "--duplicates", "60%", "--broken", "40%"], "less than 100%"),
        (["send", "CASINO", "--reason", "conflict"], "expected --broken PERCENT with it"),
        (["send", "CASINO", "--broken", "5%", "--reason", "internal"], "'malformed'"),
        (
            ["send", "LOGIN_V2", "--broken", "5%", "--reason", "conflict"],
            "no two events of LOGIN_V2 can contradict each other",
        ),
        (["send", "all", "--file", __file__], "expected one TYPE"),
        (["send", "CASINO", "--file", __file__, "--count", "5"], "leave out --count"),
        (["send", "CASINO", "--file", __file__, "--broken", "5%"], "leave out --broken"),
        (["dead", "list", "--since", "yesterday"], "expected 30m, 1h, 2d or 2026-"),
        (["dead", "list", "--reason", "ugly"], "'malformed'"),
        (["dead", "list", "--listener", ">"], "expected a listener's name"),
        (["dead", "show", "0"], "x>=1"),
        (["tap", "game.*.>.x"], "'game.*.>.x': expected tokens"),
        (["tap", "game bet"], "'game bet': expected tokens"),
        (
            ["tap", "--type", "CASIN"],
            "'--type': no message type is called 'CASIN'. Did you mean CASINO?",
        ),
        (["tap", "--dead", "--user", "u"], "--user does not go with --dead"),
        (["tap", "--count", "0"], "x>=1"),
        (["top", "ftp://a"], "'ftp://a': expected host:port"),
        (["top", "a:b"], "'a:b': expected host:port"),
        (["top", "--every", "0s"], "'0s': expected 2s, 0.5s or 1m"),
        (["seen", "PIGEON", "1"], "'TYPE': no message type is called 'PIGEON'. There are CASINO"),
        (["run", "--sample"], "--sample needs --embedded"),
        (
            ["run", "--embedded", "--sample", "--config", "a.toml"],
            "--sample does not go with --config",
        ),
        (["demo", "--broken", "100%"], "less than 100%"),
        (["validate", "--type", "CASIN"], "did you mean CASINO?"),
    ],
    ids=" ".join,
)
def test_wrong_usage_says_what_was_expected(arguments: list[str], told: str) -> None:
    """Exit code 2, and what to write instead."""
    result = consumer(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_tap_of_a_family_without_its_wildcard_is_exit_2(tmp_path: Path) -> None:
    """The server would take it, and nothing would ever come."""
    config = tmp_path / "consumer.toml"
    config.write_text('brand = "b"\n[listeners.a]\nkind = "rabbitmq"\nqueue = "q"\n')
    result = consumer("tap", "game", "--config", str(config))
    assert result.exit_code == 2
    assert "did you mean 'game.*'?" in " ".join(result.output.split())


def test_bug_beside_an_error_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task group can hold both."""
    failures: list[Exception] = [SinkUnavailable("away"), ZeroDivisionError()]

    def fail() -> None:
        raise ExceptionGroup("tasks", failures)

    monkeypatch.setitem(cli.commands, "demo", click.Command("demo", callback=fail))
    assert isinstance(consumer("demo").exception, ExceptionGroup)
    del failures[1]
    result = consumer("demo")
    assert (result.exit_code, result.stderr) == (1, "consumer: away\n")
