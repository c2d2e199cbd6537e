"""The file of a letter that is edited: what stays of it, and what does not."""

from __future__ import annotations

import os
import re
import resource
import stat
from pathlib import Path

import pytest

from consumer.cli.dead.draft import LetterDraft
from consumer.cli.terminal.editor import EditorError

TEXT = b"as it came"


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which folders for drafts are made."""
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.delenv("VISUAL", raising=False)
    return folder


def edit(monkeypatch: pytest.MonkeyPatch, script: str) -> bytes:
    """Edit a draft with a shell script, whose first argument is the file."""
    monkeypatch.setenv("EDITOR", f"sh -c '{script}' editor")
    with LetterDraft(TEXT, lambda path: f"go on with {path}") as draft:
        return draft.edited()


def test_nothing_stays_of_a_draft_that_was_not_changed(
    drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds what a player did."""
    assert edit(monkeypatch, "true") == TEXT
    assert list(drafts.iterdir()) == []


@pytest.mark.usefixtures("drafts")
def test_text_that_was_saved_under_another_name_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user may have chosen the name."""
    edit(monkeypatch, 'echo mended > "$(dirname "$1")/other.json"')
    (kept,) = re.findall(r"your text is kept in (\S+),", capsys.readouterr().err)
    assert (Path(kept) / "other.json").read_text() == "mended\n"


def test_file_that_cannot_be_read_stays(
    drafts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after an editor of another user. Tests may run as root, so here it is a folder."""
    with pytest.raises(EditorError, match="no file that can be read"):
        edit(monkeypatch, 'rm "$1"; mkdir "$1"')
    said = capsys.readouterr().err
    assert "your text is kept in" in said
    assert "go on with" not in said
    (folder,) = drafts.iterdir()
    assert stat.S_IMODE((folder / "letter.json").stat().st_mode) != 0o600


@pytest.mark.usefixtures("drafts")
def test_link_that_an_editor_leaves_changes_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rights are its owner's choice."""
    other = tmp_path / "other"
    other.write_bytes(b"mended")
    other.chmod(0o644)
    assert edit(monkeypatch, f'ln -sf {other} "$1"') == b"mended"
    assert stat.S_IMODE(other.stat().st_mode) == 0o644


def test_draft_for_which_there_is_no_room_leaves_nothing(
    drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would know of the part that was written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setenv("EDITOR", "true")
    draft = LetterDraft(bytes(100_000), os.fspath)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(EditorError, match="cannot be written"):
            draft.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(drafts.iterdir()) == []
