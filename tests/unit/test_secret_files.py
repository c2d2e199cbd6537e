"""A secret in a file is read again for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.errors import ConfigError
from consumer.options.check import build_struct
from consumer.options.refresh import refreshed
from consumer.sinks.base import SinkSettings
from consumer.stores.base import DedupeSettings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a secret."""
    file = tmp_path / "secret"
    file.write_text("old\n")
    return file


def settings(options: dict[str, object]) -> SinkSettings:
    """Return `[sink]` with these options."""
    problems: list[str] = []
    made = build_struct(SinkSettings, options, "sink", problems)
    assert made is not None, problems
    return made


def test_replaced_file_is_read_again(file: Path) -> None:
    """The settings that were read at start stay as they are."""
    before = settings({"password_file": str(file)})
    file.write_text("new\n")
    assert (before.password, refreshed(before).password) == ("old", "new")


def test_secret_of_a_table_inside_is_read_again(file: Path) -> None:
    """The password of a key is in the table `tls`."""
    before = settings({"tls": {"key_password_file": str(file)}})
    file.write_text("new")
    tls = refreshed(before).tls
    assert tls is not None
    assert tls.key_password == "new"


def test_settings_without_files_stay() -> None:
    """Nothing is made anew for each connection."""
    before = settings({"password": "p", "tls": {}})
    assert refreshed(before) is before


@pytest.mark.parametrize(
    ("option", "held", "told"),
    [
        ("password", None, "password_file: .* cannot be read: "),
        ("password", b"\xff", "password_file: .* cannot be read: "),
        ("url", b"nats://u:hunter/2@h", "url: holds a URL that cannot be read, and is not shown"),
    ],
)
def test_file_that_broke_is_told_without_the_secret(
    file: Path, option: str, held: bytes | None, told: str
) -> None:
    """As an error that the caller may repeat."""
    file.write_text("nats://127.0.0.1")
    before = settings({f"{option}_file": str(file)})
    file.unlink() if held is None else file.write_bytes(held)
    with pytest.raises(ConfigError, match=told) as why:
        refreshed(before)
    assert "hunter" not in str(why.value)


def test_options_that_fit_no_longer_are_told(file: Path) -> None:
    """The file of a URL may hold another kind of URL now."""
    problems: list[str] = []
    file.write_text("rediss://h")
    options: dict[str, object] = {"url_file": str(file), "tls": {}}
    before = build_struct(DedupeSettings, options, "dedupe", problems)
    assert before is not None
    file.write_text("redis://h")
    with pytest.raises(ConfigError, match="must begin with rediss://"):
        refreshed(before)
