"""`consumer dead replay` and `drop` on a real NATS and Redis."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from consumer.dead_letters.stream import open_bodies
from consumer.errors import Reason
from consumer.pipeline.decode import HELD_BYTES, Decoder
from consumer.tools.replay.query import StoredLetter
from consumer.tools.replay.replay import decoded, paced, whole
from tests.support.letters import Letters, letter
from tests.support.memory_sink import jump
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.tools.replay.read import LetterReader


async def test_letter_becomes_one_event_and_is_removed(letters: Letters) -> None:
    """Once the version that reads it understands it."""
    await letters.store(letter(casino(activity_id="a")), letter(casino(activity_id="b")))
    result = await letters.dead("replay")
    assert result.stdout == (
        "replayed 2: 2 forwarded, 0 duplicates, 0 dead letters again, 0 gone\n"
    )
    assert result.exit_code == 0
    assert await letters.scene.sink.ids() == {"a": 1, "b": 1}
    assert await letters.left() == []


async def test_event_that_came_in_again_meanwhile_is_a_duplicate(letters: Letters) -> None:
    """Its letter is removed, and it is not stored twice."""
    await letters.store(letter(casino(activity_id="a")))
    await letters.dead("replay")
    await letters.store(letter(casino(activity_id="a")))
    result = await letters.dead("replay")
    assert "replayed 1: 0 forwarded, 1 duplicates" in result.stdout
    assert await letters.scene.sink.ids() == {"a": 1}
    assert await letters.left() == []


async def test_what_fails_again_keeps_its_history(letters: Letters) -> None:
    """With its origin, its first arrival, and every reason so far."""
    first = letter(casino(amount="abc"))
    await letters.store(first)
    for _ in range(2):
        result = await letters.dead("replay")
        assert result.exit_code == 1
        assert "1 dead letters again" in result.stdout
    (again,) = await letters.left()
    assert (again.attempt, again.reason) == (3, Reason.INVALID)
    assert [(past.number, past.reason) for past in again.history] == [
        (1, "unknown_type"),
        (2, "invalid"),
    ]
    kept = ("listener", "brand", "message_type", "coordinates", "headers", "arrived", "body")
    assert [getattr(again, name) for name in kept] == [getattr(first, name) for name in kept]


async def test_history_is_shown(letters: Letters) -> None:
    """By `dead show`, a line for each attempt."""
    await letters.store(letter(casino(amount="abc")))
    await letters.dead("replay")
    result = await letters.dead("show", "2")
    assert "attempt 1" in result.stdout
    assert "unknown_type: type: no message type is called 'CASINO'" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "replayed"),
    [
        (["--reason", "invalid"], {"b"}),
        (["--type", "casino"], {"a", "b"}),
        (["--listener", "other"], set()),
        (["--until", "2020-01-01T00:00:00Z"], set()),
        (["--since", "1h", "--limit", "1"], {"a"}),
        (["2", "2"], {"b"}),
    ],
)
async def test_only_the_chosen_ones_are_replayed(
    letters: Letters, arguments: list[str], replayed: set[str]
) -> None:
    """By filter, or by number; the oldest first."""
    await letters.store(
        letter(casino(activity_id="a")),
        letter(casino(activity_id="b"), Reason.INVALID),
        letter(b"{}", message_type="IT_PING"),
    )
    result = await letters.dead("replay", *arguments)
    assert f"replayed {len(replayed)}:" in result.stdout
    assert set(await letters.scene.sink.ids()) == replayed
    assert len(await letters.left()) == 3 - len(replayed)


async def test_dry_run_says_what_would_happen_and_changes_nothing(letters: Letters) -> None:
    """Nothing is stored, claimed or removed."""
    await letters.store(letter(casino()), letter(casino(amount="abc")), letter(b"{"))
    result = await letters.dead("replay", "--dry-run")
    assert result.stdout == ("would forward 1, recognise 0, fail again 2: invalid 1, malformed 1\n")
    assert result.exit_code == 1
    assert len(await letters.left()) == 3
    assert await letters.scene.sink.count() == 0


@pytest.mark.parametrize("chunk_count", [1, 500], ids=["in two chunks", "in one chunk"])
async def test_dry_run_compares_letters_with_each_other(
    letters: Letters, monkeypatch: pytest.MonkeyPatch, chunk_count: int
) -> None:
    """It promised an event for each of two equal letters, and for each of two that contradict."""
    monkeypatch.setattr("consumer.tools.replay.replay.CHUNK_COUNT", chunk_count)
    bodies = [casino(amount=amount) for amount in (1, 1, 2)]
    await letters.store(*map(letter, bodies))
    result = await letters.dead("replay", "--dry-run")
    assert result.stdout == "would forward 1, recognise 1, fail again 1: conflict 1\n"
    result = await letters.dead("replay")
    assert result.stdout == (
        "replayed 3: 1 forwarded, 1 duplicates, 1 dead letters again, 0 gone\n"
    )


async def test_body_in_the_object_store_is_replayed(letters: Letters) -> None:
    """It is read from there; the event fits although the letter did not."""
    body = casino(activity_id="large", game_name="x" * 500_000)
    large = letter(body)
    objects = await open_bodies(letters.jetstream, letters.scene.dead_letter_settings)
    await objects.put(large.body_id, body)
    await letters.store(replace(large, body=b"", body_object=large.body_id))
    result = await letters.dead("replay")
    assert "1 forwarded" in result.stdout
    assert await letters.scene.sink.ids() == {"large": 1}
    assert await letters.scene.sink.large_body(large.body_id) == body


async def test_drop_removes_the_chosen_ones(letters: Letters) -> None:
    """And only those."""
    await letters.store(letter(casino()), letter(b"{", Reason.MALFORMED))
    result = await letters.dead("drop", "--reason", "malformed", "--yes")
    assert (result.exit_code, result.stdout) == (0, "dropped 1, 0 gone\n")
    assert [one.reason for one in await letters.left()] == [Reason.UNKNOWN_TYPE]


async def test_letter_that_is_gone_is_no_hindrance(letters: Letters) -> None:
    """A replay by numbers that was stopped can be run again as it was."""
    await letters.store(letter(casino(activity_id="a")), letter(casino(activity_id="b")))
    await letters.dead("replay", "1")
    result = await letters.dead("replay", "1", "2", "17")
    assert (result.exit_code, result.stdout[:11]) == (0, "replayed 1:")
    assert await letters.scene.sink.ids() == {"a": 1, "b": 1}


async def test_number_and_filter_together_mean_both(letters: Letters) -> None:
    """Or a slip would delete another listener's letter."""
    await letters.store(letter(casino()), letter(b"{", Reason.MALFORMED))
    result = await letters.dead("drop", "1", "2", "--reason", "malformed", "--yes")
    assert result.stdout == "dropped 1, 0 gone\n"
    assert [one.reason for one in await letters.left()] == [Reason.UNKNOWN_TYPE]


async def test_limit_bounds_numbers_too(letters: Letters) -> None:
    """The oldest are taken, as without numbers."""
    await letters.store(letter(casino()), letter(b"{"), letter(b"["))
    result = await letters.dead("drop", "1", "2", "3", "--limit", "1", "--yes")
    assert result.stdout == "dropped 1, 0 gone\n"
    assert [one.body for one in await letters.left()] == [b"{", b"["]


async def test_stream_that_forbids_to_delete_is_told(letters: Letters) -> None:
    """The server's error is the same as for a letter that is gone."""
    await letters.store(letter(casino()))
    info = await letters.jetstream.stream_info(letters.scene.dead_letter_settings.stream)
    await letters.jetstream.delete_stream(info.config.name or "")
    await letters.jetstream.add_stream(info.config, deny_delete=True)
    await letters.store(letter(casino()))
    result = await letters.dead("drop", "--all", "--yes")
    assert result.exit_code == 1
    assert "dropped 0, 0 gone" in result.stdout
    assert "delete" in result.stderr


async def test_dry_run_does_not_count_what_others_removed(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of it that could fail."""
    await letters.store(letter(casino()), letter(casino()))

    async def whole_or_gone(reader: LetterReader, number: int) -> StoredLetter:
        if number == 1:
            await reader.remove(number)
        return await whole(reader, number)

    monkeypatch.setattr("consumer.cli.dead.replay.whole", whole_or_gone)
    result = await letters.dead("replay", "--dry-run")
    assert result.stdout == "would forward 1, recognise 0, fail again 0\n"
    assert result.exit_code == 0


async def test_compressed_bodies_are_decoded_in_parts() -> None:
    """A few kilobytes of letters can make gigabytes of events."""
    body = gzip.compress(casino(game_name="x" * (HELD_BYTES // 3)))
    bombs = [
        StoredLetter(number, 0.0, 0, replace(letter(body), content_encoding="gzip"))
        for number in range(1, 11)
    ]
    decoder = Decoder(limit_bytes=lambda: HELD_BYTES)
    lists = [works async for works in decoded(lambda _: decoder, bombs)]
    assert [len(works) for works in lists] == [3, 3, 3, 1]
    assert all(work.event is not None for works in lists for work in works)


async def test_letter_whose_body_is_gone_stays_and_hinders_nobody(letters: Letters) -> None:
    """The object store forgets by age as well."""
    lost = replace(letter(b"x"), body=b"", body_object="forgotten")
    await letters.store(lost, letter(casino(activity_id="a")))
    result = await letters.dead("replay")
    assert result.exit_code == 1
    assert result.stdout == (
        "replayed 2: 1 forwarded, 0 duplicates, 0 dead letters again, 0 gone, 1 without body\n"
    )
    assert [one.body_object for one in await letters.left()] == ["forgotten"]


async def test_two_letters_of_one_body_that_fail_again_stay_two(letters: Letters) -> None:
    """They came in different windows, each is a delivery of its own."""
    first = letter(b"{", Reason.MALFORMED)
    await letters.store(first, replace(first, arrived="2026-01-02T00:00:00.000000Z"))
    await letters.dead("replay")
    left = await letters.left()
    assert [(one.attempt, one.arrived[:10]) for one in left] == [
        (2, "2026-01-01"),
        (2, "2026-01-02"),
    ]


async def test_dry_drop_only_counts(letters: Letters) -> None:
    """Nothing is deleted."""
    await letters.store(letter(casino()), letter(b"{", Reason.MALFORMED))
    result = await letters.dead("drop", "--dry-run", "--reason", "malformed")
    assert result.stdout == "would drop 1\n"
    assert len(await letters.left()) == 2


async def test_memory_store_is_warned_of(letters: Letters) -> None:
    """It forgets everything with its process, and the daemon's is another one."""
    letters.scene.tables["dedupe"] = {"store": "memory"}
    await letters.store(letter(casino()))
    result = await letters.dead("replay")
    assert result.exit_code == 0
    assert "store is memory" in result.stderr


class LoopClock:
    """A clock that goes as the event loop's."""

    def now_s(self) -> float:
        """See `Clock.now_s`."""
        return self.monotonic_s()

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return asyncio.get_running_loop().time()


def test_rate_is_kept() -> None:
    """2,000 letters at 1,000 a second: the last ones after almost 2 s."""

    async def given() -> AsyncIterator[list[StoredLetter]]:
        for _ in range(4):
            yield [cast("StoredLetter", None)] * 500

    async def scenario() -> None:
        clock = LoopClock()
        began_s = clock.monotonic_s()
        sizes = [len(chunk) async for chunk in paced(given(), 1000, clock)]
        assert sum(sizes) == 2000
        assert 1.6 < clock.monotonic_s() - began_s < 2

    jump(scenario())


async def test_dry_run_foresees_what_the_store_knows(letters: Letters) -> None:
    """It promised 5 events of letters that are conflicts again."""
    first, other = letter(casino()), letter(casino(amount=99), Reason.CONFLICT)
    await letters.store(first)
    assert (await letters.dead("replay")).exit_code == 0
    await letters.store(first, other, letter(casino(activity_id="new")))
    for _ in range(2):
        result = await letters.dead("replay", "--dry-run")
        assert result.stdout == "would forward 1, recognise 1, fail again 1: conflict 1\n"
    result = await letters.dead("replay")
    assert result.stdout == (
        "replayed 3: 1 forwarded, 1 duplicates, 1 dead letters again, 0 gone\n"
    )
