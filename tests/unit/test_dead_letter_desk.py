"""Dead letters over HTTP: pages, single letters, replays and drops, with everything in memory."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
from msgspec.structs import replace

from consumer.api.dead_letters import desk as desk_module, page as page_module
from consumer.api.dead_letters.asked import LettersAsked, ReasonName, read_chosen
from consumer.deliveries.origin import Environment, Sender
from consumer.errors import Reason
from consumer.http.answer import Problem
from consumer.http.places import Places
from consumer.readers import pace as pace_module
from consumer.readers.pace import Pace
from tests.support.letters_in_memory import DeskScene, letter_of
from tests.support.memory_sink import jump
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Awaitable

OURS = Sender("ours")


@pytest.fixture
async def scene() -> DeskScene:
    """Return a desk without letters."""
    scene = DeskScene()
    await scene.open()
    return scene


async def listed(scene: DeskScene, **asked: object) -> tuple[list[int], bool, str]:
    """Return the numbers of a page, whether there is more, and the cursor."""
    page: Any = await scene.desk.page(OURS, msgspec.convert(asked, LettersAsked))
    return [one["number"] for one in page["letters"]], page["more"], page["cursor"]


async def status_of(awaited: Awaitable[object]) -> tuple[int, str]:
    """Return the status and the reason of the problem that a call raises."""
    with pytest.raises(Problem) as raised:
        await awaited
    return raised.value.status, raised.value.reason


def put(scene: DeskScene, count: int, brand: str = "ours", **fields: object) -> None:
    """Store so many letters, each with an event of its own."""
    for number in range(count):
        body = casino(activity_id=f"{brand}-{number}")
        scene.shelf.put(replace(letter_of(brand), **({"body": body} | fields)))


async def test_pages_reach_each_letter_once_while_letters_come_and_go(scene: DeskScene) -> None:
    """A cursor is a place between numbers, which never change."""
    put(scene, 5)
    first, more, cursor = await listed(scene, limit=2)
    assert (first, more) == ([1, 2], True)
    await scene.shelf.remove(2)
    await scene.shelf.remove(3)
    put(scene, 1)
    second, more, cursor = await listed(scene, limit=2, after=cursor)
    assert (second, more) == ([4, 5], True)
    third, more, cursor = await listed(scene, limit=2, after=cursor)
    assert (third, more) == ([6], False)
    put(scene, 1)
    assert (await listed(scene, after=cursor))[0] == [7]


async def test_a_page_looks_at_a_bounded_number_of_letters(
    scene: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be empty, because most letters may be of others."""
    monkeypatch.setattr(page_module, "LOOKED_MAX_COUNT", 4)
    put(scene, 6, "others")
    put(scene, 1)
    numbers, more, cursor = await listed(scene)
    assert (numbers, more, scene.shelf.looked_count) == ([], True, 4)
    assert (await listed(scene, after=cursor))[:2] == ([7], False)


async def test_a_page_looks_for_a_bounded_time(
    scene: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is cut short, and the cursor goes on behind what was looked at."""
    monkeypatch.setattr(page_module, "LOOKED_MAX_S", -1.0)
    put(scene, 3, "others")
    put(scene, 1)
    _, more, cursor = await listed(scene)
    assert (more, scene.shelf.looked_count) == (True, 1)
    monkeypatch.undo()
    assert (await listed(scene, after=cursor))[:2] == ([4], False)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"reason": "invalid"}, [2]),
        ({"message_type": "payment"}, [3]),
        ({"since": "2027-01-15T08:00:02.5Z"}, [2, 3]),
        ({"since": "1d"}, [1, 2, 3]),
        ({"reason": "invalid", "message_type": "PAYMENT"}, []),
    ],
)
async def test_filters(scene: DeskScene, asked: dict[str, str], found: list[int]) -> None:
    """By the words of the command line."""
    put(scene, 1)
    put(scene, 1, reason=Reason.INVALID)
    put(scene, 1, message_type="PAYMENT")
    assert (await listed(scene, **asked))[0] == found


def test_each_reason_can_be_asked_for() -> None:
    """The description of the endpoint has them as literals."""
    assert set(get_args(ReasonName)) == {reason.value for reason in Reason}


@pytest.mark.parametrize(
    ("after", "status"),
    [
        *((after, (400, "invalid")) for after in ("x", "-", "1-1-", "1-1-1-1", "1-1-1-1-1-1")),
        *((after, (410, "cursor_expired")) for after in ("1-1", "1-1-1")),
    ],
)
async def test_cursor_that_is_not_of_this_stream_is_refused(
    scene: DeskScene, after: str, status: tuple[int, str]
) -> None:
    """A stream that was made anew begins with 1 again, so letters would be passed over."""
    put(scene, 1)
    asked = LettersAsked(after=after)
    assert await status_of(scene.desk.page(OURS, asked)) == status
    assert await status_of(scene.desk.replay(OURS, asked)) == status


async def test_cursor_ahead_of_the_stream_is_refused(scene: DeskScene) -> None:
    """A stream may have been restored from a backup."""
    put(scene, 3)
    _, _, cursor = await listed(scene)
    scene.shelf.last_number = 2
    asked = LettersAsked(after=cursor)
    assert await status_of(scene.desk.page(OURS, asked)) == (410, "cursor_expired")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [('{"a": "ä\\u0000"}'.encode(), "utf-8"), (b"", "utf-8"), (b"\xff\x00", "base64")],
)
async def test_no_byte_of_a_body_is_lost(scene: DeskScene, body: bytes, encoding: str) -> None:
    """It is text if it is UTF-8, and base64 otherwise."""
    put(scene, 1, body=body)
    shown = json.loads(await scene.desk.letter(OURS, 1))
    text = shown["body"]
    assert shown["body_encoding"] == encoding
    assert (text.encode() if encoding == "utf-8" else base64.b64decode(text)) == body
    assert (shown["size_bytes"], shown["body_left_out"]) == (len(body), None)


async def test_a_large_body_is_left_out(scene: DeskScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """All else is shown."""
    monkeypatch.setattr(desk_module, "BODY_MAX_BYTES", 10)
    put(scene, 1, body=b"x" * 11)
    shown = json.loads(await scene.desk.letter(OURS, 1))
    assert (shown["body"], shown["body_left_out"]) == (None, "too_large")
    assert (shown["number"], shown["headers"]) == (1, {"user-agent": "test"})


async def replayed(scene: DeskScene, chosen: tuple[int, ...] | LettersAsked) -> dict[int, str]:
    """Replay, and return what became of each letter."""
    outcome = await scene.desk.replay(OURS, chosen)
    return {one.number: one.status for one in outcome.results}


async def test_each_number_gets_its_answer(scene: DeskScene) -> None:
    """Stored, known, rejected again under a new number, not ours, not there."""
    put(scene, 1)
    put(scene, 1)  # the same event
    put(scene, 1, body=casino(amount="abc"))
    put(scene, 1, "others")
    outcome = await scene.desk.replay(OURS, (5, 4, 3, 2, 1))
    told = [(one.number, one.status) for one in outcome.results]
    assert told[:3] == [(5, "not_found"), (4, "not_found"), (3, "rejected")]
    assert told[3:] == [(2, "duplicate"), (1, "stored")]
    assert (outcome.more, outcome.cursor) == (False, None)
    assert scene.shelf.of(OURS) == [5]
    rejected = outcome.results[2]
    assert (rejected.reason, rejected.error[:7], rejected.new_number) == ("invalid", "amount:", 5)
    assert len(scene.sink.stored) == 1


async def test_a_replay_by_filter_ends_although_letters_fail_again(scene: DeskScene) -> None:
    """Its cursor holds the end that the first request saw."""
    for name in "abc":
        put(scene, 1, body=casino(activity_id=name, amount="abc"))
    done: list[int] = []
    outcome = await scene.desk.replay(OURS, LettersAsked(limit=1))
    for _ in range(3):
        done += [one.number for one in outcome.results]
        outcome = await scene.desk.replay(OURS, LettersAsked(limit=1, after=outcome.cursor or ""))
    assert outcome.results == []
    assert (done, outcome.more) == ([1, 2, 3], False)
    assert [one.letter.attempt for one in scene.shelf.letters.values()] == [2, 2, 2]
    # A list with this cursor goes on to the letters that came since.
    assert (await listed(scene, after=outcome.cursor))[0] == [4, 5, 6]


@pytest.mark.parametrize("chosen", [LettersAsked(limit=250), tuple(range(1, 251))])
async def test_when_the_time_is_over_the_client_goes_on(
    scene: DeskScene, monkeypatch: pytest.MonkeyPatch, chosen: tuple[int, ...] | LettersAsked
) -> None:
    """What was not begun is told, and nothing is done twice."""
    put(scene, 250)
    monkeypatch.setattr(desk_module, "WRITE_BEGIN_MAX_S", 0.0)
    monkeypatch.setattr(desk_module, "SYSTEM_CLOCK", StepClock())
    outcome = await scene.desk.replay(OURS, chosen)
    done = [one.number for one in outcome.results if one.status == "stored"]
    assert (done, outcome.more) == (list(range(1, 101)), True)
    if isinstance(chosen, LettersAsked):
        outcome = await scene.desk.replay(OURS, replace(chosen, after=outcome.cursor or ""))
        assert outcome.results[0].number == 101
    else:
        assert [one.status for one in outcome.results[100:]] == ["left"] * 150


class StepClock:
    """A clock that shows a later time from its third call on."""

    def __init__(self) -> None:
        self._calls_count = 0

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        self._calls_count += 1
        return 0.001 if self._calls_count > 2 else 0.0


@pytest.mark.parametrize("chosen", [LettersAsked(), (1,)])
@pytest.mark.parametrize("away", ["sink", "letters", "reader"])
async def test_what_is_away_is_answered_at_once(
    scene: DeskScene, away: str, chosen: tuple[int, ...] | LettersAsked
) -> None:
    """With 503. Nothing is removed, and the answer names no server."""
    put(scene, 1)
    scene.sink.down, scene.shelf.down = away == "sink", away == "letters"
    scene.shelf.away = away == "reader"
    with pytest.raises(Problem) as raised:
        await scene.desk.replay(OURS, chosen)
    assert (raised.value.status, raised.value.reason) == (503, "unavailable")
    assert raised.value.headers == {"retry-after": "5"}
    assert "10.0.0.1" not in raised.value.detail
    assert (scene.shelf.of(OURS), scene.sink.stored) == ([1], [])


def test_sink_that_goes_away_meanwhile_is_waited_for_within_the_time() -> None:
    """Then what was done by then is told, and the rest can be replayed later."""

    async def scenario() -> None:
        scene = DeskScene()
        await scene.open()
        put(scene, 150)
        stored = scene.sink.stored

        async def remove(number: int) -> bool:
            scene.sink.down = True  # once the first step was stored
            return scene.shelf.letters.pop(number, None) is not None

        scene.shelf.remove = remove  # type: ignore[method-assign]  # it takes the sink away
        outcome = await scene.desk.replay(OURS, LettersAsked(limit=150))
        assert [one.number for one in outcome.results] == list(range(1, 101))
        assert (outcome.more, len(stored), len(scene.shelf.letters)) == (True, 100, 50)
        assert await status_of(scene.desk.replay(OURS, (101,))) == (503, "unavailable")
        scene.sink.down = False
        outcome = await scene.desk.replay(OURS, LettersAsked(after=outcome.cursor or ""))
        assert [one.status for one in outcome.results] == ["stored"] * 50
        assert len(stored) == 150

    jump(scenario())


async def test_drop_tells_what_it_dropped(scene: DeskScene) -> None:
    """A letter of another brand stays, and is not told of."""
    put(scene, 2)
    put(scene, 1, "others")
    outcome = await scene.desk.drop(OURS, (1, 2, 3, 9))
    told = {one.number: one.status for one in outcome.results}
    assert told == {1: "dropped", 2: "dropped", 3: "not_found", 9: "not_found"}
    assert list(scene.shelf.letters) == [3]


async def test_letter_of_the_other_environment_is_not_there(scene: DeskScene) -> None:
    """Even if it should ever get into the wrong stream."""
    put(scene, 1, environment=Environment.TEST)
    assert (await listed(scene))[0] == []
    assert await status_of(scene.desk.letter(OURS, 1)) == (404, "no_such_letter")
    assert await replayed(scene, (1,)) == {1: "not_found"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", ""),
        (b'{"numbers": [1], "filter": {}}', ""),
        (b'{"numbers": []}', "numbers"),
        (b'{"numbers": [0]}', "numbers"),
        (b'{"numbers": [%s]}' % b",".join([b"1"] * 1001), "numbers"),
        (b'{"filter": {"reason": "broken"}}', "filter.reason"),
        (b'{"filter": {"limit": 1001}}', "filter.limit"),
        (b'{"filter": {"brand": "others"}}', "filter.brand"),
        (b'{"filter": []}', "filter"),
        (b'{"number": 1}', "number"),
        (b"[1]", ""),
    ],
)
def test_what_is_wrong_with_a_choice_is_told(body: bytes, field: str) -> None:
    """A slip must not drop all letters."""
    with pytest.raises(Problem) as raised:
        read_chosen(body)
    assert (raised.value.status, raised.value.errors[0].field) == (400, field)


def test_numbers_that_stand_twice_count_once() -> None:
    """In the order in which they were sent."""
    assert read_chosen(b'{"numbers": [3, 1, 3]}') == (3, 1)


def test_places_are_limited_for_each_and_for_all() -> None:
    """A place is free again when its request is answered, in whatever way."""
    places = Places(2, 3)
    with places.taken("a"), places.taken("a"):
        with pytest.raises(Problem) as of_one, places.taken("a"):
            pass
        with places.taken("b"), pytest.raises(Problem) as of_all, places.taken("c"):
            pass
    assert (of_one.value.status, of_one.value.reason) == (429, "too_many_at_once")
    assert (of_all.value.status, of_all.value.reason) == (503, "busy")
    with places.taken("a"), places.taken("a"), places.taken("c"):
        pass


async def test_all_pages_together_work_for_half_of_the_time() -> None:
    """So posted events pass, however many pages are read."""
    pace = Pace()
    async with pace.page():
        assert pace.pause_s(1.0) == 1.0
        async with pace.page(), pace.page(), pace.page():
            # Four pages work for 1 s each, and each of them again after 8 s.
            assert 4 / (1.0 + pace.pause_s(1.0)) == 0.5
        assert pace.pause_s(1.0) == 1.0


async def test_a_page_pauses_after_a_short_time(
    scene: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other tasks run between its letters."""
    monkeypatch.setattr(pace_module, "SLICE_S", 0.0)
    put(scene, 5)
    turns_count = 0

    async def other() -> None:
        nonlocal turns_count
        while True:
            turns_count += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(other(), name="other")
        await listed(scene)
        task.cancel()
    assert turns_count >= 5
