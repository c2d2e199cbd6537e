"""What brands post over HTTP, and what they are answered. The lane is a stand-in."""

from __future__ import annotations

import gc
import gzip
import json
from typing import TYPE_CHECKING, Final

import pytest

from consumer.deliveries.delivery import Dead, Duplicate
from consumer.errors import Misfit, Reason, Rejected
from consumer.events.registry import CATALOGUE
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.listeners.http.question import Question
from tests.support.fates import STORED, end_all
from tests.support.http_application import Transport, ingesting

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.deliveries.delivery import Delivery

pytestmark = pytest.mark.usefixtures("each_way")
CASINO: Final = "/v1/integration/casino"
MISFIT: Final = Misfit("amount", "number", '"abc"')


@pytest.fixture(params=[True, False], ids=["at once", "with a task"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test for requests that arrive in one piece, and for those whose body comes later."""
    monkeypatch.setattr(Transport, "at_once", request.param)


def dying(reason: Reason) -> Callable[[Delivery], None]:
    """Return the end of every delivery: a dead letter."""
    return lambda delivery: end_all([delivery], Dead(Rejected(reason, MISFIT)))


def test_every_path_belongs_to_a_type_of_the_catalogue() -> None:
    """And only these have none, as the vendor names none."""
    without = {event_type.name for event_type in CATALOGUE} - set(PATHS)
    assert without == {"USER_TAG", "USER_MIGRATION", "USER_MIGRATION_APPROVE", "IT_PING"}


@pytest.mark.parametrize("name", PATHS)
async def test_path_names_the_type(name: str) -> None:
    """With the verb of the vendor."""
    method, path = PATHS[name]
    async with ingesting() as (client, lane):
        answer = await client.request(method, path, content=b"{}")
    assert answer.status_code == 200
    assert [delivery.message_type for delivery in lane.taken] == [name]


async def test_stored_event_is_answered_with_its_id_and_type() -> None:
    """Under which subscribers find it."""
    async with ingesting() as (client, _):
        answer = await client.post(CASINO, content=b"{}")
    assert answer.json() == {"status": "stored", "id": "a", "type": "game.bet"}


async def test_answered_posts_are_freed() -> None:
    """Also by a collector that does not look into deliveries."""
    async with ingesting() as (client, lane):
        for _ in range(20):
            await client.post(CASINO, content=b"{}")
        lane.taken.clear()
        gc.collect()
        left = [each for each in gc.get_objects() if isinstance(each, Question)]
    assert len(left) <= 1  # the intake may hold the last one for a while


async def test_duplicate_is_answered_like_a_stored_event() -> None:
    """Its sender may go on."""
    async with ingesting(lambda one: end_all([one], Duplicate(STORED.event))) as (client, _):
        answer = await client.post(CASINO, content=b"{}")
    assert (answer.status_code, answer.json()["status"]) == (200, "duplicate")


@pytest.mark.parametrize(
    ("reason", "status"),
    [(Reason.INVALID, 400), (Reason.MALFORMED, 400), (Reason.CONFLICT, 409)],
)
async def test_rejected_event_is_a_problem(reason: Reason, status: int) -> None:
    """With the words of `consumer validate`, in a text and in parts."""
    async with ingesting(dying(reason)) as (client, _):
        answer = await client.post(CASINO, content=b"{}")
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["reason"], problem["detail"]) == (reason, str(MISFIT))
    assert problem["errors"][0] == {"field": "amount", "expected": "number", "found": '"abc"'}


async def test_all_errors_of_an_event_are_told_at_once() -> None:
    """Otherwise its sender would need a try for each of them."""
    body = b'{"amount": "abc", "type": "Bet", "status": "Sent"}'
    async with ingesting(dying(Reason.INVALID)) as (client, _):
        answer = await client.post(CASINO, content=body)
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields[0] == "amount"
    assert {"activity_id", "status", "user_id"} <= set(fields)
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("reason", [Reason.INVALID, Reason.CONFLICT])
async def test_rejected_event_may_be_answered_with_200(reason: Reason) -> None:
    """For senders that repeat everything until they get 200."""
    async with ingesting(dying(reason), rejected_status=200) as (client, _):
        answer = await client.post(CASINO, content=b"{}")
    assert answer.status_code == 200
    assert answer.json()["status"] == "rejected"
    assert answer.json()["reason"] == reason


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
async def test_compressed_event_is_delivered_plain(encoding: str) -> None:
    """It was undone to measure what is inside."""
    async with ingesting() as (client, lane):
        headers = {"content-encoding": encoding}
        await client.post(CASINO, content=gzip.compress(b'{"a": 1}'), headers=headers)
    assert (lane.taken[0].body, lane.taken[0].content_encoding) == (b'{"a": 1}', "")


@pytest.mark.parametrize("encoding", ["gzip", "utf-8", "br"])
async def test_wrong_encoding_is_left_for_the_pipeline(encoding: str) -> None:
    """Which knows what real senders mean by it."""
    async with ingesting() as (client, lane):
        await client.post(CASINO, content=b"{}", headers={"content-encoding": encoding})
    assert (lane.taken[0].body, lane.taken[0].content_encoding) == (b"{}", encoding)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"x" * 101, {}), (gzip.compress(b"x" * 101), {"content-encoding": "gzip"})],
    ids=["plain", "compressed"],
)
async def test_large_event_is_refused_without_a_letter(
    body: bytes, headers: dict[str, str]
) -> None:
    """It never reaches the lane."""
    async with ingesting(max_event_bytes=100) as (client, lane):
        answer = await client.post(CASINO, content=body, headers=headers)
    assert (answer.status_code, lane.taken) == (413, [])


LINES: Final = b'{"type": "CASINO", "data": {"a": 1}}\n\n{"type":"payment","data":{"b":2}}\r\n'
ARRAY: Final = b'[{"type": "CASINO", "data": {"a": 1}},\n {"type":"payment","data":{"b":2}}]'


@pytest.mark.parametrize(
    ("body", "numbers"),
    [(LINES, [1, 3]), (ARRAY, [1, 2]), (b"\xef\xbb\xbf" + LINES, [1, 3])],
    ids=["lines", "array", "byte order mark"],
)
async def test_many_events_are_answered_in_order(body: bytes, numbers: list[int]) -> None:
    """Lines and arrays, each with its number."""
    async with ingesting() as (client, lane):
        answer = await client.post(MANY_PATH, content=body)
    assert [(one.message_type, one.body) for one in lane.taken] == [
        ("CASINO", b'{"a": 1}'),
        ("payment", b'{"b":2}'),
    ]
    results = answer.json()["results"]
    assert [result["line"] for result in results] == numbers
    assert results[0] == {"line": numbers[0], "status": "stored", "id": "a", "type": "game.bet"}


async def test_one_event_may_be_spread_over_lines() -> None:
    """As `json.dumps(event, indent=2)` writes it."""
    event = {"type": "CASINO", "data": {"a": [1, 2]}}
    async with ingesting() as (client, lane):
        await client.post(MANY_PATH, content=json.dumps(event, indent=2).encode())
    assert [json.loads(one.body) for one in lane.taken] == [{"a": [1, 2]}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", Reason.MALFORMED),
        (b"17", Reason.INVALID),
        (b'{"type": "CASINO"}', Reason.INVALID),
        (b'{"type": 5, "data": {}}', Reason.INVALID),
        (b"\xff", Reason.MALFORMED),
    ],
)
async def test_unreadable_line_goes_its_way_alone(line: bytes, reason: Reason) -> None:
    """To the dead letters, whole, while the others are stored."""
    async with ingesting() as (client, lane):
        await client.post(MANY_PATH, content=line + b"\n" + LINES)
    first, *others = lane.taken
    assert first.unread is not None
    assert (first.unread.reason, first.body, first.message_type) == (reason, line, None)
    assert len(others) == 2


async def test_rejected_lines_are_counted() -> None:
    """Each with its reason and error."""
    async with ingesting(dying(Reason.INVALID)) as (client, _):
        answer = await client.post(MANY_PATH, content=LINES)
    first = answer.json()["results"][0]
    assert (answer.status_code, answer.json()["rejected"]) == (200, 2)
    assert first == {"line": 1, "status": "rejected", "reason": "invalid", "error": str(MISFIT)}


async def test_large_line_refuses_the_batch() -> None:
    """Before anything of it is taken, with the number of the line."""
    async with ingesting(max_event_bytes=100) as (client, lane):
        answer = await client.post(MANY_PATH, content=LINES + b'{"a": "%s"}' % (b"x" * 100))
    assert answer.status_code == 413
    assert "line 4" in answer.json()["detail"]
    assert lane.taken == []


@pytest.mark.parametrize("body", [b"[", b'[{"type": "CASINO", "data": {}},]'])
async def test_broken_array_is_one_dead_letter(body: bytes) -> None:
    """Nobody knows where its elements end."""

    def die(delivery: Delivery) -> None:
        assert delivery.unread is not None
        end_all([delivery], Dead(delivery.unread))

    async with ingesting(die) as (client, lane):
        answer = await client.post(MANY_PATH, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "malformed")
    assert [(one.body, one.message_type) for one in lane.taken] == [(body, None)]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"[]"])
async def test_batch_without_events_is_no_error(body: bytes) -> None:
    """There is nothing to store."""
    async with ingesting() as (client, _):
        answer = await client.post(MANY_PATH, content=body)
    assert (answer.status_code, answer.json()) == (200, {"rejected": 0, "results": []})


@pytest.mark.parametrize(
    "body", [b"\n" * 100_000, b"0\n" * 20_001, b"[" + b"0," * 20_000 + b"0]"], ids=len
)
async def test_too_many_lines_refuse_the_batch(body: bytes) -> None:
    """A short body would stand for so many lines that the event loop hangs."""
    async with ingesting() as (client, lane):
        answer = await client.post(MANY_PATH, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
    assert "20000" in answer.json()["detail"]
    assert lane.taken == []


async def test_batch_of_several_pieces_is_answered_whole() -> None:
    """In order, and the next one as well."""
    async with ingesting() as (client, lane):
        for _ in range(2):
            answer = await client.post(MANY_PATH, content=b'{"type":"CASINO","data":{}}\n' * 1100)
            assert [one["line"] for one in answer.json()["results"]] == [*range(1, 1101)]
    assert len(lane.taken) == 2200


async def test_key_with_too_many_rejected_events_has_to_wait() -> None:
    """It leaves no further letters, not even from the rest of its batch."""
    async with ingesting(dying(Reason.INVALID)) as (client, lane):
        answer = await client.post(MANY_PATH, content=b'{"type":"CASINO","data":{}}\n' * 10_000)
        assert (answer.status_code, answer.json()["reason"]) == (429, "too_many_rejected")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        taken_count = len(lane.taken)
        assert (await client.post(CASINO, content=b"{}")).status_code == 429
    assert taken_count == len(lane.taken) <= 500
