"""`consumer dead mend`, and what a replay that fails again says, on a real NATS and Redis."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from consumer.errors import Reason
from tests.support.letters import letter
from tests.support.samples import casino

if TYPE_CHECKING:
    from tests.support.letters import Letters


async def test_failure_is_told_with_its_new_number(letters: Letters) -> None:
    """The old number leads to the new letter."""
    await letters.store(letter(casino(amount="abc")))
    result = await letters.dead("replay")
    assert "letter 1 is now 2: invalid: amount: expected number" in result.stderr
    result = await letters.dead("replay")
    assert "letter 2 is now 3: invalid" in result.stderr
    for number in ("1", "2"):
        result = await letters.dead("show", number)
        assert result.exit_code == 1
        assert f"letter {number} was replayed, and failed again: it is letter 3" in result.stderr
    assert "earlier        1 2" in (await letters.dead("show", "3")).stdout


async def test_nothing_is_dropped_without_being_named(letters: Letters) -> None:
    """A cron job without a filter deleted all letters."""
    await letters.store(letter(b"{"), letter(b"["))
    for arguments in (["drop"], ["drop", "--yes"], ["drop", "--limit", "1", "--yes"]):
        result = await letters.dead(*arguments)
        assert (result.exit_code, "--all" in result.stderr) == (2, True)
    for arguments in (["drop", "--all"], ["drop", "1"], ["drop", "--reason", "unknown_type"]):
        result = await letters.dead(*arguments)
        assert (result.exit_code, "add --yes" in result.stderr) == (2, True)
    assert len(await letters.left()) == 2
    result = await letters.dead("drop", "--all", "--yes")
    assert (result.exit_code, result.stdout) == (0, "dropped 2, 0 gone\n")


async def test_mended_letter_becomes_an_event(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The editor sees readable text, also of a compressed body, and the letter is gone after it."""
    compressed = replace(letter(gzip.compress(casino(amount="abc"))), content_encoding="gzip")
    await letters.store(compressed)
    monkeypatch.setenv("EDITOR", "sed -i s/abc/1.5/")
    result = await letters.dead("mend", "1")
    assert result.exit_code == 0
    assert "1 forwarded" in result.stdout
    assert await letters.left() == []
    (body,) = await letters.scene.sink.bodies()
    assert b"1.5" in body


@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ("true", "nothing was changed, so nothing is sent"),
        ("sed -i s/abc/def/", 'still no event: amount: expected number, got "def"'),
        ("sed -i s/{//", "still no event: "),
    ],
    ids=["unchanged", "still invalid", "no JSON"],
)
async def test_letter_that_is_not_mended_stays(
    letters: Letters, monkeypatch: pytest.MonkeyPatch, editor: str, said: str
) -> None:
    """As it was, and nothing is sent."""
    first = letter(casino(amount="abc"))
    await letters.store(first)
    monkeypatch.setenv("EDITOR", editor)
    result = await letters.dead("mend", "1")
    assert result.exit_code == 1
    assert said in result.stderr
    assert [each.body for each in await letters.left()] == [first.body]
    assert await letters.scene.sink.count() == 0


async def test_letter_can_be_read_as_another_type(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender has named none, or a wrong one."""
    await letters.store(letter(casino(), Reason.MISSING_TYPE, ""))
    monkeypatch.setenv("EDITOR", "true")
    result = await letters.dead("mend", "1", "--type", "CASINO")
    assert "1 forwarded" in result.stdout
