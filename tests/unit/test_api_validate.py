"""`POST /v1/validate/{message_type}`: the verdict of `consumer validate`, over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
import zstandard

from consumer.api.types import type_of
from consumer.api.validate import REST_RATIO, WAITING_MAX_COUNT, Validation, validate_endpoint
from consumer.clock import SystemClock
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
from consumer.http.answer import Problem
from consumer.listeners.http.settings import HttpListenerSettings
from consumer.tools.schemas import example
from consumer.tools.validation.cut import Record
from consumer.tools.validation.validator import Severity, Validator
from tests.support.http_application import application_of, client_of
from tests.support.posting import KEY, request_with

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from consumer.events.base import EventType

CASINO: Final = type_of("CASINO")
GOOD: Final = json.dumps(example.sent(CASINO)).encode()
MAX_BYTES: Final = 64 * 1024
LENIENT: Final = HttpListenerSettings()


async def sent(
    body: bytes,
    message_type: str = "CASINO",
    encoding: str = "",
    settings: HttpListenerSettings = LENIENT,
) -> httpx.Response:
    """Return the answer to a body."""
    endpoint = validate_endpoint(Validation(settings, MAX_BYTES))
    headers = {"content-encoding": encoding} if encoding else {}
    async with client_of(application_of([endpoint])) as client:
        path = f"/v1/validate/{message_type}"
        return await client.post(path, content=body, headers=headers)


async def verdict(
    body: bytes, message_type: str = "CASINO", settings: HttpListenerSettings = LENIENT
) -> dict[str, Any]:
    """Return the verdict on a body."""
    answer = await sent(body, message_type, settings=settings)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def with_fields(**fields: object) -> bytes:
    """Return a good event with some fields changed."""
    return json.dumps({**example.sent(CASINO), **fields}).encode()


@pytest.mark.parametrize("event_type", CATALOGUE, ids=lambda one: one.name)
async def test_good_event_comes_back_as_it_would_come_out(event_type: EventType) -> None:
    """Under the brand of the key."""
    body = json.dumps(example.sent(event_type)).encode()
    said = await verdict(body, event_type.name.lower())
    event = Normaliser(event_type, KEY.brand).normalise(body, 0.0)
    assert (said["valid"], said["type"], said["subject"]) == (True, event_type.name, event.subject)
    assert said["identified_by"] == list(event_type.identified_by)
    assert said["id"] == said["event"]["id"]
    assert said["event"]["brand"] == KEY.brand
    assert said["event"]["data"] == json.loads(event.body)["data"]
    if not event_type.uses_occurrence:
        assert said["id"] == event.id


@pytest.mark.parametrize(
    "body",
    [
        with_fields(amount="abc", currency=7, tip=1),
        with_fields(type="Bett"),
        with_fields(status="Aproved", exchange_rate=None, activity_id=" a "),
        with_fields(roundId="1"),
        b'{"type": "Bet"}',
        b"{",
        b"[]",
        b"",
        b"\xff\xfe{",
        b"\xef\xbb\xbf" + GOOD,
        json.dumps(GOOD.decode()).encode(),
    ],
)
@pytest.mark.parametrize("validation", ["lenient", "strict"])
async def test_words_are_those_of_the_command(
    body: bytes, validation: Literal["lenient", "strict"]
) -> None:
    """Each error and each warning, in the same order."""
    settings = HttpListenerSettings(validation=validation)
    said = await verdict(body, settings=settings)
    remarks = Validator(CASINO, strict=validation == "strict").look(Record(1, 1, body))
    errors = [one for one in remarks if one.severity is Severity.ERROR]
    assert said["valid"] == (not errors)
    if errors:
        assert (said["reason"], said["detail"]) == (errors[0].reason, errors[0].message)
        whole = [one.message for one in errors if not one.expected.startswith("JSON (")]
        assert len(said["errors"]) == len(whole)
    told = [(one["field"], one["found"]) for one in (*said.get("errors", ()), *said["warnings"])]
    wanted = [(one.field, one.found) for one in remarks if not one.expected.startswith("JSON (")]
    assert told == wanted


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
async def test_body_may_be_compressed(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """As ingest takes it. The limit counts after decompression."""
    answer = await sent(pack(GOOD), encoding=encoding)
    assert answer.json()["valid"], answer.text
    large = await sent(pack(with_fields(note="x" * MAX_BYTES)), encoding=encoding)
    assert (large.status_code, large.json()["reason"]) == (413, "too_large")
    broken = await sent(b"\x1f\x8bxx", encoding=encoding)
    assert broken.json()["reason"] == "malformed"


async def test_body_over_the_limit_is_refused() -> None:
    """As at ingest."""
    answer = await sent(with_fields(note="x" * MAX_BYTES))
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


async def test_unknown_type_gets_a_hint() -> None:
    """The name is in the path."""
    answer = await sent(GOOD, "CASNO")
    assert answer.status_code == 404
    assert "did you mean CASINO?" in answer.json()["detail"]


async def test_type_that_the_listener_does_not_take_is_told() -> None:
    """With the words of the dead letter."""
    settings = HttpListenerSettings(types=("PAYMENT",))
    said = await verdict(GOOD, settings=settings)
    assert (said["valid"], said["reason"]) == (False, "forbidden_type")
    assert said["detail"] == "type: this listener does not take CASINO"


async def test_event_inside_a_field_is_taken_out() -> None:
    """If the listener does that."""
    settings = HttpListenerSettings(unwrap="payload")
    assert (await verdict(b'{"payload": %b}' % GOOD, settings=settings))["valid"]
    assert not (await verdict(GOOD, settings=settings))["valid"]


async def test_large_event_is_not_looked_at_closely() -> None:
    """What each of a thousand unknown fields means would take seconds. At most 20 errors."""
    unknown = {f"round_i{number}": 1 for number in range(1_000)}
    said = await verdict(with_fields(**unknown))
    assert said["valid"]
    assert [one["expected"] for one in said["warnings"]] == ["a known field"] * 100
    said = await verdict(json.dumps({"bonus_id": [], **unknown}).encode())
    assert 1 < len(said["errors"]) <= 20
    assert said["warnings"] == []


async def test_key_waits_with_a_bounded_number_of_requests() -> None:
    """A key alone gets half, and a body that never comes holds no more than that."""
    validation = Validation(LENIENT, MAX_BYTES)
    never = asyncio.Event()

    async def call() -> None:
        request = request_with(GOOD)
        request.parameters = {"message_type": "CASINO"}

        async def read(_: int) -> bytes:
            await never.wait()
            return GOOD

        request.read_body = read
        await validation(request)

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(call()) for _ in range(WAITING_MAX_COUNT // 2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await call()
        assert (refused.value.status, refused.value.reason) == (503, "busy")
        assert int(refused.value.headers["retry-after"]) > 0
        for task in waiting:
            task.cancel()
    never.set()
    await call()


async def test_thread_rests_after_its_work() -> None:
    """So that a key that asks without a pause takes a part of the time of the process."""

    class SlowClock(SystemClock):
        """A clock on which each look takes 20 ms."""

        looks_count = 0

        def monotonic_s(self) -> float:
            """See `Clock.monotonic_s`."""
            self.looks_count += 1
            return super().monotonic_s() + 0.02 * (self.looks_count // 3)

    validation = Validation(LENIENT, MAX_BYTES, SlowClock())
    request = request_with(GOOD)
    request.parameters = {"message_type": "CASINO"}
    loop = asyncio.get_running_loop()
    await validation(request)
    began_s = loop.time()
    await validation(request)
    assert loop.time() - began_s >= (REST_RATIO - 1) * 0.02
