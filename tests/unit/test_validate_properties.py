"""`consumer validate` with the properties of the messages: what a listener would say of them."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from click.testing import CliRunner, Result

from consumer.cli.main import cli
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.tools.validation.cut import EVENT_MAX_BYTES
from tests.support.fates import rejected, sent
from tests.support.samples import casino

if TYPE_CHECKING:
    from pathlib import Path

BODY = casino()
FILES = {
    "plain": BODY,
    "gzip": gzip.compress(BODY),
    "cut off": gzip.compress(BODY)[:-9],
    "deflate": zlib.compress(BODY),
    "zstd": zstandard.compress(BODY),
    "bomb": gzip.compress(bytes(20 << 20)),
    "base64": base64.b64encode(gzip.compress(BODY)),
    "long": BODY[:-1] + b" " * (2 << 20) + b"}",
    "many values": gzip.compress(b'{"a":[' + b"1," * 200_000 + b"1]}"),
}
LABELS = ("gzip", "GZIP", "gzip:UTF-8", "deflate", "zstd", "utf-8", "identity", "br", "gzip, br")


def validate(*arguments: str, stdin: bytes = BODY) -> Result:
    """Run the verb in this process."""
    return CliRunner().invoke(cli, ["validate", *arguments], input=stdin)


def remarks(*arguments: str, stdin: bytes = BODY) -> list[dict[str, Any]]:
    """Return the remarks about events of type CASINO."""
    result = validate("--type", "CASINO", "--format", "json", *arguments, stdin=stdin)
    return [json.loads(line) for line in result.stdout.splitlines()][:-1]


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("name", FILES)
def test_words_are_those_of_a_listener(name: str, label: str, *, strict: bool) -> None:
    """About every body with every label: the same error, or the same oddities."""
    work = Work(sent(FILES[name], "CASINO", content_encoding=label))
    Decoder(strict=strict).decode(Batch([work], 0.0, 0.0))
    died = rejected(work)
    options = ["--content-encoding", label, *(["--strict"] if strict else [])]
    found = remarks(*options, stdin=FILES[name])
    errors = [(one["reason"], one["message"]) for one in found if one["severity"] == "error"]
    assert errors == ([(died.reason.value, died.detail)] if died else [])
    if work.event is not None:
        assert [one["reason"] for one in found] == [odd.name for odd in work.event.oddities]


def test_packed_file_without_the_option_is_unpacked(tmp_path: Path) -> None:
    """As before: the file is packed, and not the messages."""
    file = tmp_path / "casino.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join(casino(activity_id=name) for name in "abc")))
    assert validate(str(file)).stdout == "3 events: 3 good\n"


def test_plain_events_are_cut_with_the_option_too() -> None:
    """Each of them is a message. What is odd about a property is told once for all of them."""
    events = b"\n".join(casino(activity_id=name) for name in "abc")
    result = validate("--type", "CASINO", "--content-encoding", "UTF-8", stdin=events)
    assert result.exit_code == 0
    assert result.stdout.count("the name of a compression, or nothing") == 1
    assert "3 events: 3 good, 1 warning\n" in result.stdout


def test_nothing_is_no_event_with_the_option_too() -> None:
    """An exporter that wrote nothing must not look like one that wrote well."""
    result = validate("--type", "CASINO", "--content-encoding", "gzip", stdin=b" \n")
    assert (result.exit_code, result.stdout) == (1, "no events\n")


def test_body_that_is_too_large_is_told_with_its_size() -> None:
    """It is not kept in memory."""
    size_bytes = EVENT_MAX_BYTES + 17
    (error,) = remarks("--content-encoding", "gzip", stdin=b"x" * size_bytes)
    assert (error["reason"], error["found"]) == ("too_large", str(size_bytes))


def test_quoted_type_is_told_once() -> None:
    """As Spring's header mapper writes it. The events are good."""
    events = b"\n".join(casino(activity_id=name) for name in "abc")
    result = validate("--type", '"CASINO"', "--format", "json", stdin=events)
    warning, told = [json.loads(line) for line in result.stdout.splitlines()]
    assert (warning["reason"], warning["field"]) == ("quoted_type", "type")
    assert (warning["found"], warning["expected"]) == ('"CASINO"', "the name without quotes")
    assert (told["good"], told["warnings"]) == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "message_type"),
    [
        (["--type", ""], None),
        (["--type", "CASINOO"], "CASINOO"),
        (["--type", '"CASINO"', "--strict"], '"CASINO"'),
    ],
)
def test_type_that_a_listener_refuses_is_exit_2(
    arguments: list[str], message_type: str | None
) -> None:
    """With the listener's words."""
    work = Work(sent(BODY, message_type))
    Decoder(strict="--strict" in arguments).decode(Batch([work], 0.0, 0.0))
    result = validate(*arguments)
    assert result.exit_code == 2
    assert str(rejected(work)) in result.stderr
