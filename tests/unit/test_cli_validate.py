"""`consumer validate` from outside: files, standard input, tables, JSON lines, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from tests.support.samples import casino, payment

if TYPE_CHECKING:
    from pathlib import Path


def validate(*arguments: str, stdin: bytes = b"", columns: int | None = 80) -> Result:
    """Run the verb in this process, with a number of columns in the environment, or without one."""
    env = {"COLUMNS": None if columns is None else str(columns)}
    return CliRunner(env=env).invoke(cli, ["validate", *arguments], input=stdin)


def written(folder: Path, *events: bytes, name: str = "casino.ndjson") -> str:
    """Write a file of events."""
    file = folder / name
    file.write_bytes(b"\n".join(events))
    return str(file)


def in_json(result: Result) -> list[dict[str, Any]]:
    """Return the lines of `--format json`."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_good_events_are_exit_0(tmp_path: Path) -> None:
    """One line; the type is that of the file's name."""
    result = validate(written(tmp_path, casino(), casino(activity_id="b")))
    assert (result.exit_code, result.stdout) == (0, "2 events: 2 good\n")


def test_repetitions_and_warnings_are_exit_0(tmp_path: Path) -> None:
    """They are told all the same."""
    result = validate(written(tmp_path, casino(), casino(), casino(activity_id="b", other=1)))
    assert result.exit_code == 0
    assert "3 events: 2 good, 1 repeats an earlier event, 1 warning\n" in result.stdout


def test_wrong_events_are_exit_1(tmp_path: Path) -> None:
    """With line, field, found and expected."""
    result = validate(written(tmp_path, casino(), b"", casino(activity_id="b", amount="abc")))
    assert result.exit_code == 1
    head, row, _, told = result.stdout.splitlines()
    assert head.split() == ["line", "field", "found", "expected"]
    assert row.split() == ["3", "amount", '"abc"', "number"]
    assert told == "2 events: 1 good, 1 wrong"


def test_conflicts_are_exit_1(tmp_path: Path) -> None:
    """One id for two events."""
    assert validate(written(tmp_path, casino(), casino(amount=13))).exit_code == 1


@pytest.mark.parametrize("data", [b"", b"[]"])
def test_no_event_is_exit_1(data: bytes) -> None:
    """An exporter that wrote nothing must not look like one that wrote well."""
    result = validate("--type", "casino", stdin=data)
    assert (result.exit_code, result.stdout) == (1, "no events\n")


@pytest.mark.parametrize("arguments", [[], ["-"]], ids=["nothing", "dash"])
def test_standard_input_is_read(arguments: list[str]) -> None:
    """Under the type that is given, whatever its case."""
    result = validate(*arguments, "--type", "payment", stdin=payment())
    assert (result.exit_code, result.stdout) == (0, "1 event: 1 good\n")


def test_several_files_are_told_apart(tmp_path: Path) -> None:
    """Each with its own sum, and then all of them."""
    casinos = written(tmp_path, casino(), casino(amount=[]))
    payments = written(tmp_path, payment(), name="payment.json.gz")
    result = validate(casinos, payments)
    assert f"{payments}: PAYMENT\n1 event: 1 good\n" in result.stdout
    assert result.stdout.endswith("all files: 3 events: 2 good, 1 wrong\n")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_fits_the_terminal(tmp_path: Path, columns: int) -> None:
    """Whatever is in it; nothing of it is cut off."""
    long = casino(amount="x" * 70, type="y" * 70, timestamp="2026-13-01", **{"z" * 100: 1})
    result = validate(written(tmp_path, long), columns=columns)
    assert max(map(len, result.stdout.splitlines())) <= columns
    assert result.stdout.count("z") == 100


def test_a_row_is_not_folded_in_a_pipe(tmp_path: Path) -> None:
    """A line that `grep` finds holds the whole row."""
    file = written(tmp_path, casino(timestamp="2262-01-31T12:00:00Z"))
    told = "2262-01-31T12:00:00.000000Z  warning: a time that is at most a day ahead of now"
    assert told in validate(file, columns=None).stdout
    assert told not in validate(file, columns=80).stdout


def test_a_sender_cannot_move_the_cursor(tmp_path: Path) -> None:
    """Control characters are escaped, in names and in values."""
    body = casino(**{"a\x1b[2J": 1}).replace(b"\\u001b", "\u202e\x7f".encode())
    result = validate(written(tmp_path, body, casino(type="\u202e")))
    assert "\\u202e\\x7f[2J" in result.stdout
    assert "\u202e" not in result.stdout


def test_more_than_the_limit_is_counted(tmp_path: Path) -> None:
    """A table is for reading."""
    events = [casino(activity_id=str(number), type="Wager") for number in range(10)]
    result = validate(written(tmp_path, *events), "--limit", "3")
    assert result.stdout.count("Wager") == 3
    assert "… and 7 more" in result.stdout
    assert "10 events: 0 good, 10 wrong" in result.stdout


def test_json_is_for_programs(tmp_path: Path) -> None:
    """A line each finding, and one for the sum."""
    file = written(tmp_path, casino(), casino(activity_id="b", amount="abc"))
    result = validate(file, "--format", "json")
    finding, told = in_json(result)
    assert result.exit_code == 1
    place = {"file": file, "type": "CASINO", "line": 2, "event": 2}
    misfit = {"field": "amount", "expected": "number", "found": '"abc"'}
    message = 'amount: expected number, got "abc"'
    assert finding == place | misfit | {
        "severity": "error",
        "reason": "invalid",
        "message": message,
    }
    counts = {"events": 2, "good": 1, "wrong": 1, "repeated": 0, "warnings": 0}
    assert told == {"severity": "summary"} | counts


def test_strict_is_what_a_strict_listener_does(tmp_path: Path) -> None:
    """A field that the vendor's schema requires."""
    file = written(tmp_path, casino(round_id=...))
    assert validate(file).exit_code == 0
    assert "round_id" in validate(file, "--strict").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "standard input has no name. Say which type it is with --type."),
        (["--type", "CASIN"], "called 'CASIN', did you mean CASINO? There are CASINO, GAME_ROUND"),
        (["no_such_file.json", "--type", "CASINO"], "does not exist"),
    ],
    ids=["no type", "mistyped", "no file"],
)
def test_wrong_usage_is_exit_2(arguments: list[str], told: str) -> None:
    """With what to write instead."""
    result = validate(*arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


def test_a_file_without_a_types_name_is_exit_2(tmp_path: Path) -> None:
    """Nothing is guessed."""
    result = validate(written(tmp_path, casino(), name="casinos.json"))
    assert result.exit_code == 2
    assert "Did you mean CASINO?" in result.stderr


def test_a_broken_gzip_is_exit_1(tmp_path: Path) -> None:
    """With the file's name."""
    file = written(tmp_path, b"\x1f\x8bno", name="casino.gz")
    result = validate(file)
    assert result.exit_code == 1
    assert f"consumer: {file}: cannot be read" in result.stderr
