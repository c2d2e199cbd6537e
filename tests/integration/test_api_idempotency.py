"""`Idempotency-Key` on a real server: a write is carried out once, whichever process gets it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from msgspec.structs import replace
from nats.js.errors import NotFoundError

from consumer.api.idempotency import once
from consumer.api.remembered import (
    ANSWER_MAX_BYTES,
    KEPT_S,
    RESERVED_S,
    RememberedWrites,
    Reservation,
)
from consumer.errors import SinkUnavailable
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import Endpoint
from consumer.nats.connection import NatsSettings, connected
from tests.support.http_application import OpenGate, application_of, client_of
from tests.support.memory_sink import HandClock
from tests.support.posting import KEY
from tests.support.watching_keys import Place, place_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from nats.aio.client import Client

    from consumer.http.request import Request

TEXT: Final = "5c1e2f0a try 1"


class Process:
    """A process with an endpoint that writes.

    Attributes:
        written: The bodies that it has written.
        begun: The event that is set when a write begins.
        may_write: The event for which each write waits.
        writes: Its records.
        problem: What it raises in place of writing.
    """

    def __init__(self, client: Client, bucket: str, clock: HandClock) -> None:
        self.written: list[bytes] = []
        self.begun = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.writes = RememberedWrites(lambda: client, bucket, 1, clock)
        self.problem: Problem | SinkUnavailable | None = None
        self.answer = Answer(201, b'{"number": 1}', headers={"x-made": "yes"})

    async def write(self, request: Request) -> Answer:
        """Write the body of a request."""
        body = await request.read_body(1000)
        self.begun.set()
        await self.may_write.wait()
        if self.problem is not None:
            raise self.problem
        self.written.append(body)
        return replace(self.answer, body=self.answer.body.replace(b"1", b"%d" % len(self.written)))

    def client(self, gate: OpenGate | None = None) -> httpx.AsyncClient:
        """Return a client of this process."""
        endpoint = Endpoint(name="w", method="POST", path="/w", summary="", handle=self.write)
        other = replace(endpoint, path="/other")
        wrapped = [once(one, self.writes) for one in (endpoint, other)]
        return client_of(application_of(wrapped, gate))


class Two(NamedTuple):
    """Two processes on one bucket.

    Attributes:
        one, other: The processes.
        clock: The clock of both.
        place: The bucket of keys, beside which their bucket is.
    """

    one: Process
    other: Process
    clock: HandClock
    place: Place

    @property
    def bucket(self) -> str:
        """The bucket of answers."""
        return f"{self.place.name}_ANSWERS"


@pytest.fixture
async def two(nats_url: str) -> AsyncIterator[Two]:
    """Open two processes on a bucket of their own."""
    server, clock = NatsSettings(url=nats_url), HandClock()
    async with (
        place_on(nats_url) as place,
        connected(server, name="test") as one,
        connected(server, name="test") as other,
    ):
        two = Two(Process(one, place.name, clock), Process(other, place.name, clock), clock, place)
        yield two
        with contextlib.suppress(NotFoundError):
            await place.jetstream.delete_key_value(two.bucket)


async def ask(
    process: Process, body: bytes = b"{}", text: str | None = TEXT, path: str = "/w"
) -> httpx.Response:
    """Send a write to a process."""
    headers = {} if text is None else {b"idempotency-key": text.encode("latin-1")}
    async with process.client() as client:
        return await client.post(path, content=body, headers=headers)


async def test_same_request_gets_the_first_answer_again(two: Two) -> None:
    """From each process, with a header that says so."""
    first = await ask(two.one)
    assert (first.status_code, first.json()) == (201, {"number": 1})
    assert "idempotent-replayed" not in first.headers
    for process in (two.one, two.other):
        again = await ask(process)
        assert (again.status_code, again.content) == (201, first.content)
        assert (again.headers["idempotent-replayed"], again.headers["x-made"]) == ("true", "yes")
    assert (len(two.one.written), len(two.other.written)) == (1, 0)


async def test_request_without_the_header_just_writes(two: Two) -> None:
    """Each time."""
    await ask(two.one, text=None)
    await ask(two.one, text=None)
    assert len(two.one.written) == 2


@pytest.mark.parametrize(("body", "path"), [(b"[]", "/w"), (b"{}", "/other"), (b"{}", "/w?a=1")])
async def test_other_request_with_the_same_text_is_refused(
    two: Two, body: bytes, path: str
) -> None:
    """Its sender has made a mistake, and nothing is written."""
    await ask(two.one)
    answer = await ask(two.other, body, path=path)
    assert (answer.status_code, answer.json()["reason"]) == (422, "idempotency_key_reused")
    assert two.other.written == []


async def test_text_counts_for_one_access_key(two: Two) -> None:
    """Brands do not know each other's texts."""
    await ask(two.one)
    gate = OpenGate(replace(KEY, id="BBBBBBBBBBBB"))
    async with two.other.client(gate) as client:
        answer = await client.post("/w", content=b"[]", headers={"idempotency-key": TEXT})
    assert (answer.status_code, len(two.other.written)) == (201, 1)


async def test_request_while_the_first_is_running_is_told_so(two: Two) -> None:
    """Also by another process. The first answer can be had later."""
    two.one.may_write.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(ask(two.one))
        await two.one.begun.wait()
        answer = await ask(two.other)
        assert (answer.status_code, answer.json()["reason"]) == (409, "in_progress")
        assert int(answer.headers["retry-after"]) > 0
        two.one.may_write.set()
    assert (await ask(two.other)).content == first.result().content


async def test_of_many_at_once_one_writes(two: Two) -> None:
    """Each of the others is told that it is running, or gets the answer."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(one)) for one in (two.one, two.other) for _ in range(10)]
    assert len(two.one.written) + len(two.other.written) == 1
    statuses = [task.result().status_code for task in asked]
    assert statuses.count(201) >= 1
    assert {*statuses} <= {201, 409}


@pytest.mark.parametrize(
    ("problem", "status"),
    [(Problem(409, "changed", "try again"), 409), (SinkUnavailable("NATS is away"), 503)],
)
async def test_error_is_not_kept(two: Two, problem: Problem | SinkUnavailable, status: int) -> None:
    """The same text may be sent again, also with a corrected request."""
    two.one.problem = problem
    assert (await ask(two.one)).status_code == status
    assert (await ask(two.other, b"[1]")).status_code == 201


async def test_reservation_of_a_process_that_died_ends(two: Two) -> None:
    """It does not keep the client waiting for a day."""
    two.one.may_write.clear()
    asking = asyncio.get_running_loop().create_task(ask(two.one))
    await two.one.begun.wait()
    asking.cancel()
    await asyncio.wait([asking])
    assert (await ask(two.other)).status_code == 409
    two.clock.advance(RESERVED_S + 1)
    assert (await ask(two.other)).status_code == 201
    assert len(two.other.written) == 1


async def test_process_that_comes_back_too_late_does_not_overwrite(two: Two) -> None:
    """Its client gets its own answer. Those who ask again get the kept answer."""
    reservation = await two.one.writes.reserve("a.b", "1")
    assert isinstance(reservation, Reservation)
    two.clock.advance(RESERVED_S + 1)
    second = await two.other.writes.reserve("a.b", "1")
    assert isinstance(second, Reservation)
    await two.other.writes.keep(second, Answer(200, b"second"))
    await two.one.writes.keep(reservation, Answer(200, b"first"))
    await two.one.writes.release(reservation)
    found = await two.one.writes.reserve("a.b", "1")
    assert not isinstance(found, Reservation)
    assert found.answer == Answer(200, b"second")


async def test_answer_that_is_too_large_is_not_kept(two: Two) -> None:
    """The request is not carried out again."""
    two.one.answer = Answer(200, b"x" * (ANSWER_MAX_BYTES + 1))
    assert (await ask(two.one)).status_code == 200
    answer = await ask(two.one)
    assert (answer.status_code, answer.json()["reason"]) == (409, "answer_not_kept")
    two.one.answer = Answer(200, b"x" * ANSWER_MAX_BYTES)
    first, again = [await ask(two.one, text="other") for _ in range(2)]
    assert first.content == again.content
    assert len(two.one.written) == 2


@pytest.mark.parametrize("text", ["", "\u00e9", "a" * 129, "a\tb"])
async def test_text_of_another_form_is_refused(two: Two, text: str) -> None:
    """Before anything is written."""
    answer = await ask(two.one, text=text)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "idempotency-key")
    assert two.one.written == []


async def test_longest_text_is_taken(two: Two) -> None:
    """128 characters, from space to tilde."""
    assert (await ask(two.one, text="a ~" + "b" * 125)).status_code == 201


async def test_bucket_forgets_after_a_day_and_is_bounded(two: Two) -> None:
    """So a key that writes without a pause cannot fill the disk."""
    await ask(two.one)
    config = (await two.place.jetstream.stream_info(f"KV_{two.bucket}")).config
    assert (config.max_age, config.max_msgs_per_subject) == (KEPT_S, 1) == (86_400, 1)
    assert (config.max_bytes, config.max_msg_size) == (256 * 1024 * 1024, 64 * 1024)


async def test_bucket_that_is_full_refuses(two: Two) -> None:
    """Nothing is written that could be written twice."""
    await ask(two.one)
    stream = (await two.place.jetstream.stream_info(f"KV_{two.bucket}")).config
    stream.max_bytes = 300
    await two.place.jetstream.update_stream(stream)
    answer = await ask(two.one, text="another")
    assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert len(two.one.written) == 1


async def test_bucket_that_was_deleted_is_made_again(two: Two) -> None:
    """The first write may notice it with a 503."""
    await ask(two.one)
    await two.place.jetstream.delete_key_value(two.bucket)
    statuses = [(await ask(two.one)).status_code for _ in range(2)]
    assert statuses[-1] == 201
    assert len(two.one.written) == 2


async def test_nothing_is_written_while_the_server_is_away(two: Two) -> None:
    """With the header: nobody could tell a repetition. The answer does not tell why."""

    def away() -> Client:
        raise SinkUnavailable("nats.internal:4222: connection refused")

    two.one.writes = RememberedWrites(away, two.place.name, 1, two.clock)
    answer = await ask(two.one)
    assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
    assert "internal" not in answer.text
    assert two.one.written == []
