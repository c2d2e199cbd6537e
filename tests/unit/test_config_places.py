"""Mistakes in the configuration name their place: a line of the file, or a variable."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from consumer.cli.main import cli
from consumer.config.load import load
from consumer.config.places import OptionPlaces, lines_of
from consumer.errors import ConfigError
from consumer.listeners.nats.settings import NatsListenerSettings
from consumer.listeners.registry import kinds

CONFIG: Final = """\
brand = "brand-a"

[listeners.payments]
kind = "nats"
subject = "a.>"

[listeners.casino]
kind = "kafka"
bootstrap_servers = [
    "127.0.0.1:9092",  # [sink]
]
topics = ["casino"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of the configuration."""
    return tmp_path / "consumer.toml"


def told(file: Path, text: str, **environment: str) -> list[str]:
    """Return the problems of a configuration, with `FILE` in place of the file's path."""
    file.write_text(text)
    with pytest.raises(ConfigError) as why:
        load(file, environment, kinds())
    return [problem.replace(str(file), "FILE") for problem in why.value.problems]


@pytest.mark.parametrize(
    ("changed", "into", "said"),
    [
        ('"casino"]', '"casino"]\ntopic = 1', "FILE:13: listeners.casino.topic: there is no such"),
        ('["casino"]', '"casino"', "FILE:12: listeners.casino.topics: holds 'casino', expected a "),
        (
            '"casino"]',
            '"casino"]\nskip_corrupt = ["casino/0/1234-1000"]',
            "FILE:7: listeners.casino: skip_corrupt holds 'casino/0/1234-1000', expected a first ",
        ),
        (
            '"casino"]',
            '"casino"]\nskip_corrupt = ["casino/0/0-9223372036854775807"]',
            "FILE:7: listeners.casino: skip_corrupt holds 'casino/0/0-9223372036854775807', expe",
        ),
        (
            '"casino"]',
            '"casino"]\nskip_corrupt = ["casino/0/0-92233720368547758070"]',
            "FILE:13: listeners.casino.skip_corrupt: holds ['casino/0/0-92233720368547758070'], e",
        ),
        ('subject = "a.>"\n', "", "FILE:3: listeners.payments.subject: is missing, expected text"),
        ("brand-a", "brand a", "FILE:1: brand: holds 'brand a'"),
        ('"a.>"', '"a.>"\ntls = { ca_file = "/nowhere/x" }', "FILE:6: listeners.payments.tls.ca_f"),
        ('"a.>"', '"a.>"\ntls.ca_file = "/nowhere/x"', "FILE:6: listeners.payments.tls.ca_file: "),
        ('"casino"]', '"casino"]\n[routes]\n"game.bett" = "a"', 'FILE:14: routes."game.bett": '),
        (
            '"casino"]',
            '"casino"]\n[[sink]]',
            "FILE:13: sink: holds a list, expected a table [sink]",
        ),
        ("[listeners.payments]", "[listeners.'a b']", "FILE:3: listeners.a b: the name: holds"),
        ("[listeners.payments]", "[listener.payments]", "FILE:3: listener: there is no such opt"),
    ],
)
def test_mistake_in_the_file_names_its_line(file: Path, changed: str, into: str, said: str) -> None:
    """An option that is missing names the line of its table."""
    assert told(file, CONFIG.replace(changed, into, 1))[0].startswith(said)


def test_mistake_among_defaults_names_the_file(file: Path) -> None:
    """No line holds it."""
    (problem,) = told(file, CONFIG, CONSUMER__LISTENERS__PAYMENTS__BRAND="b c")
    assert problem.startswith("CONSUMER__LISTENERS__PAYMENTS__BRAND: listeners.payments.brand: ")
    assert told(file, "")[0].startswith("FILE: listeners: there is none, expected at least one")


def test_mistake_of_the_environment_names_the_variable(file: Path) -> None:
    """Also if the file holds the option too, and if the name is none."""
    variables = {"CONSUMER__LISTENERS__CASINO__TOPICS": "casino", "CONSUMER__SINK__STREM": "x"}
    stream, topics = told(file, CONFIG, **variables)
    assert stream == (
        "CONSUMER__SINK__STREM: sink.strem: there is no such option; did you mean stream?"
    )
    assert topics == (
        "CONSUMER__LISTENERS__CASINO__TOPICS: listeners.casino.topics: holds 'casino', "
        'expected a list such as ["casino"]'
    )


def test_variable_of_a_listener_that_is_not_in_the_file_is_told_the_nearest(file: Path) -> None:
    """The variable would otherwise begin a new listener, which lacks a kind."""
    (problem,) = told(file, CONFIG, CONSUMER__LISTENERS__PAYMENT__QUEUE="y")
    assert problem == (
        "CONSUMER__LISTENERS__PAYMENT__QUEUE: listeners.payment: there is no such listener; "
        "did you mean payments? A new listener needs CONSUMER__LISTENERS__PAYMENT__KIND"
    )


def test_text_that_looks_like_a_table_is_no_table() -> None:
    """Values of several lines are passed over as a whole."""
    text = 'a = """\n[b]\n# c\n"""\nd = [\n  1, # [e]\n  2\n]\nf = 1\n[g.h]\n[g]\ni = {j = 1}\n'
    named = {".".join(path): line for path, line in lines_of(text).items()}
    assert named == {
        "a": 1, "d": 5, "f": 9, "g": 11, "g.h": 10, "g.i": 12, "g.i.j": 12
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        '""""q"""""',
        "''''q\n'''''",
        '"""\\"""\n[b]"""',
        '"#[" # it\'s ["',
        "'\\' # \"",
        '[ # ]\n"]", [\n"""\n]""", \'[\' ]\n]',
        '{a = "}", b = [\n]}',
    ],
)
def test_quotes_and_brackets_end_no_statement_too_early_or_too_late(value: str) -> None:
    """Those in a text or in a comment do not count."""
    text = f"a = {value}\n[\"]\".'#'] # [\nc = 1\n"
    line = text.count("\n", 0, text.index("c = 1")) + 1
    lines = lines_of(text)
    assert lines["]", "#"] == line - 1
    assert lines["]", "#", "c"] == line


def test_file_is_read_once_for_all_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it has a value of many lines. On SIGHUP, the daemon waited for seconds."""
    parsed_count = 0
    loads = tomllib.loads

    def counting(text: str) -> dict[str, object]:
        nonlocal parsed_count
        parsed_count += len(text)
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", counting)
    topics = "'a',\n" * 1000
    text = f"topics = [\n{topics}]\nother = 1\n"
    found = OptionPlaces(Path("FILE"), text)
    assert found.located("other: is wrong") == "FILE:1003: other: is wrong"
    assert found.located("topics: are wrong") == "FILE:1: topics: are wrong"
    assert parsed_count <= len(text)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (None, "FILE: there is no such file"),
        (b"a = \n", "FILE: cannot be read as TOML: Invalid value (at line 1, column 5)"),
        (b"a = \xff\n", "FILE: cannot be read as TOML: 'utf-8' codec"),
        (b"a = " + b"9" * 5000, "FILE: cannot be read as TOML: Exceeds the limit"),
    ],
)
def test_file_that_cannot_be_read_is_told(file: Path, held: bytes | None, said: str) -> None:
    """With exit code 2, and without a traceback."""
    if held is not None:
        file.write_bytes(held)
    result = CliRunner().invoke(cli, ["config", "--config", str(file)])
    assert result.exit_code == 2
    assert result.stderr.replace(str(file), "FILE").startswith(f"consumer: {said}")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CONSUMER_BRAND", "CONSUMER__BRAND"),
        ("CONSUMER_SINK_CREATE_STREAM", "CONSUMER__SINK__CREATE_STREAM"),
        ("CONSUMER__SINK_URL", "CONSUMER__SINK__URL"),
        ("CONSUMER__SINK__TLS_KEY_PASSWORD_FILE", "CONSUMER__SINK__TLS__KEY_PASSWORD_FILE"),
        ("CONSUMER__DEAD__LETTERS__STREAM", "CONSUMER__DEAD_LETTERS__STREAM"),
        ("CONSUMER_LISTENERS_CASINO_TOPICS", "CONSUMER__LISTENERS__CASINO__TOPICS"),
    ],
)
def test_wrong_underscores_are_told(file: Path, variable: str, meant: str) -> None:
    """The variable would have no effect, and the process would run with another value."""
    problems = told(file, CONFIG, **{variable: "x"})
    assert problems[0] == f"{variable}: is not read; did you mean {meant}, with two underscores?"


@pytest.mark.parametrize(
    "variable",
    ["CONSUMER_KEY", "CONSUMER_PORT", "CONSUMER_HTTP_SERVICE_HOST", "consumer_brand", "BRAND"],
)
def test_variables_of_others_are_ignored(file: Path, variable: str) -> None:
    """Kubernetes makes some for a service, and the command line has one."""
    file.write_text(CONFIG)
    assert load(file, {variable: "x"}, kinds()).brand == "brand-a"


@pytest.mark.parametrize(
    "variable", ["CONSUMER__DEDUPE__PASSWORD", "CONSUMER__LISTENERS__PAYMENTS__PASSWORD"]
)
@pytest.mark.parametrize("password", ["123456", "1e3", "true", "0123", "[1]"])
def test_password_that_looks_like_a_number_is_text(
    file: Path, variable: str, password: str
) -> None:
    """As docs/operations.md says: the value is taken as it is."""
    file.write_text(CONFIG)
    config = load(file, {variable: password}, kinds())
    payments = config.listeners["payments"]
    assert isinstance(payments, NatsListenerSettings)
    assert password in (config.dedupe.password, payments.password)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SINK", 'sink = "nats://u:hunter2@h"'),
        ("SINK", 'sink = ["nats://u:hunter2@h"]'),
        ("SINK", '[[sink]]\nurl = "nats://u:hunter2@h"'),
        ("SINK__TLS", 'sink.tls = "hunter2"'),
        ("LISTENERS", 'listeners = "amqp://u:hunter2@h"'),
        ("LISTENERS__CASINO", 'listeners.casino = "amqp://u:hunter2@h"'),
        ("WALLET__BRANDS", '[wallet]\nbrands = "hunter2"'),
        ("DEDUPE__WINDOWS_S", '[dedupe]\nwindows_s = "hunter2"'),
        ("WALLET__PROVIDERS__ACME", '[wallet]\nproviders.acme = "hunter2"'),
    ],
)
def test_value_in_place_of_a_table_is_not_shown(file: Path, variable: str, text: str) -> None:
    """Neither that of the file nor that of a variable: it may be an address with a password."""
    for problems in (told(file, text), told(file, "", **{f"CONSUMER__{variable}": "u:hunter2@h"})):
        assert any("expected a table" in problem for problem in problems)
        assert "hunter" not in "".join(problems)
