"""`POST /v1/validate/{message_type}`: says what would become of an event, and stores nothing.

The words are those of `consumer validate`, and the event is the event that would come out for the
brand of the key.

Looking at an event closely takes many times as long as decoding it. So events are looked at in a
thread, one after the other, and the thread rests for `REST_RATIO` times as long as it has worked.
A key that asks without a pause then takes only a part of the time of the process.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.api.types import NO_TYPE, PLACES, type_of
from consumer.clock import SYSTEM_CLOCK
from consumer.events.registry import find
from consumer.http.answer import Answer, Problem, described
from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint
from consumer.http.request import key_of
from consumer.http.shares import Shares
from consumer.listeners.http.endpoints import JSON_TYPES
from consumer.listeners.http.ingest import undone
from consumer.pipeline.decode import forbidden
from consumer.pipeline.plain_body import EXPECTED
from consumer.tools.schemas import example
from consumer.tools.validation.verdict import Judge, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.clock import Clock
    from consumer.events.base import EventType
    from consumer.http.request import Request
    from consumer.listeners.base import ListenerSettings

WAITING_MAX_COUNT: Final = 32
"""The largest number of requests that wait. One key alone gets half of this."""
REST_RATIO: Final = 3
JUDGES_MAX_COUNT: Final = 256
"""So many judges are kept: one for each brand and message type that was asked about. It takes about
5 ms to make a judge."""
WARNINGS_MAX_COUNT: Final = 100
BUSY_RETRY_S: Final = 2
_THREAD: Final = ThreadPoolExecutor(1, thread_name_prefix="validate")


class Validation:
    """Answers requests to look at an event.

    Args:
        settings: The options of the listener that would take the event.
        max_event_bytes: The largest size of an event, before and after decompression, in bytes.
        clock: The clock.
    """

    def __init__(
        self, settings: ListenerSettings, max_event_bytes: int, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._settings = settings
        self._max_event_bytes = max_event_bytes
        self._clock = clock
        self._judges: dict[tuple[str, str], Judge] = {}
        self._waiting = Shares(WAITING_MAX_COUNT)
        self._turn = asyncio.Lock()
        self._rests_until_s = 0.0

    async def __call__(self, request: Request) -> Answer:
        """Return the verdict on the body of the request."""
        event_type = type_of(request.parameters["message_type"])
        key = key_of(request)
        if not self._waiting.has_room(key.id, 1):
            raise Problem(
                503,
                "busy",
                "too many events wait to be looked at; send again",
                headers={"retry-after": str(BUSY_RETRY_S)},
            )
        self._waiting.take(key.id, 1)
        try:
            body = await request.read_body(self._max_event_bytes)
            encoding = request.headers.get("content-encoding", "")
            return Answer(200, await self._in_turn(event_type, key.brand, body, encoding))
        finally:
            self._waiting.give_back(key.id, 1)

    async def _in_turn(
        self, event_type: EventType, brand: str, body: bytes, encoding: str
    ) -> bytes:
        """Look at an event after the events before it, and after a rest."""
        async with self._turn:
            await asyncio.sleep(self._rests_until_s - self._clock.monotonic_s())
            began_s = self._clock.monotonic_s()
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    _THREAD, self._look, event_type, brand, body, encoding
                )
            finally:
                ended_s = self._clock.monotonic_s()
                self._rests_until_s = ended_s + REST_RATIO * (ended_s - began_s)

    def _look(self, event_type: EventType, brand: str, body: bytes, encoding: str) -> bytes:
        verdict = self._verdict(event_type, brand, body, encoding)
        return msgspec.json.encode(_said(event_type, verdict))

    def _verdict(self, event_type: EventType, brand: str, body: bytes, encoding: str) -> Verdict:
        types = self._settings.types
        if types is not None and event_type not in map(find, types):
            return Verdict(body, rejected=forbidden(event_type))
        if encoding:
            body, encoding = undone(body, encoding, self._max_event_bytes)
        return self._judge(event_type, brand).look(
            body,
            encoding,
            secrets.token_hex(16),  # a new message, as each request to the path of ingest is
            arrived_s=self._clock.now_s(),
            quickly=True,
        )

    def _judge(self, event_type: EventType, brand: str) -> Judge:
        judge = self._judges.get((event_type.name, brand))
        if judge is None:
            if len(self._judges) >= JUDGES_MAX_COUNT:
                self._judges.clear()
            judge = self._judges[event_type.name, brand] = Judge(
                event_type,
                brand,
                strict=self._settings.validation == "strict",
                limit_bytes=self._settings.max_decoded_bytes,
                unwrap=self._settings.unwrap,
                clock=self._clock,
            )
        return judge


def _said(event_type: EventType, verdict: Verdict) -> dict[str, object]:
    warnings = list(_warnings(verdict))[:WARNINGS_MAX_COUNT]
    event, rejected = verdict.event, verdict.rejected
    if event is None:
        if rejected is None:
            raise RuntimeError("neither an event nor a reason")  # a bug of ours
        return {
            "valid": False,
            "type": event_type.name,
            "reason": rejected.reason,
            "detail": rejected.detail,
            "errors": list(map(described, verdict.errors)),
            "warnings": warnings,
        }
    return {
        "valid": True,
        "type": event_type.name,
        "subject": event.subject,
        "id": event.id,
        "identified_by": event_type.identified_by,
        "event": msgspec.Raw(event.body),
        "warnings": warnings,
    }


def _warnings(verdict: Verdict) -> Iterator[dict[str, str | None]]:
    for odd in verdict.around:
        yield {
            "reason": odd.name,
            "field": odd.field,
            "expected": EXPECTED[odd.name],
            "found": odd.found,
        }
    for name, misfit in verdict.oddities:
        yield {"reason": str(name), **described(misfit)}


_WARNING: Final = {
    "title": "Oddity",
    "type": "object",
    "required": ["reason", "field", "expected", "found"],
    "properties": {
        "reason": {"type": "string", "description": "the name of the oddity, for programs"},
        "field": {"type": "string"},
        "expected": {"type": "string"},
        "found": {"type": ["string", "null"]},
        "note": {"type": "string"},
    },
}
_WARNINGS: Final = {
    "type": "array",
    "items": _WARNING,
    "description": "what is odd about the event; it does not keep the event from being stored",
}
_TYPE: Final = {"type": "string", "description": "the name of the message type"}
_GOOD: Final = {
    "title": "ValidEvent",
    "type": "object",
    "required": ["valid", "type", "subject", "id", "identified_by", "event", "warnings"],
    "properties": {
        "valid": {"const": True},
        "type": _TYPE,
        "subject": {"type": "string", "description": "the subject, without the operator's prefix"},
        "id": {"type": "string", "description": "the identity of the event, its CloudEvents id"},
        "identified_by": {
            "type": "array",
            "items": {"type": "string"},
            "description": "what the identity consists of, in words",
        },
        "event": {
            "type": "object",
            "additionalProperties": True,
            "description": "the event that would come out",
        },
        "warnings": _WARNINGS,
    },
}
_WRONG: Final = {
    "title": "InvalidEvent",
    "type": "object",
    "required": ["valid", "type", "reason", "detail", "errors", "warnings"],
    "properties": {
        "valid": {"const": False},
        "type": _TYPE,
        "reason": {"type": "string", "description": "the reason of the dead letter"},
        "detail": {"type": "string", "description": "the error of the dead letter"},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/FieldError"},
            "description": "everything that is wrong, the error of the dead letter first; empty "
            "if the body is no JSON",
        },
        "warnings": _WARNINGS,
    },
}


def validate_endpoint(validation: Validation) -> Endpoint:
    """Return the endpoint.

    Args:
        validation: What answers it.
    """
    casino = type_of("CASINO")
    put_out = example.put_out(casino)
    return Endpoint(
        name="validate_event",
        method="POST",
        path="/v1/validate/{message_type}",
        places=PLACES,
        summary="Look at an event without storing it",
        description="Says what would become of an event if it were posted with this key, in the "
        "words of `consumer validate`. Nothing is stored or remembered, so it does not find "
        "duplicates and conflicts. The answer is 200 for a wrong event too: look at `valid`. Of "
        "an event with more than 8 KiB or more than 150 values, at most 20 errors are told. An "
        "event without an identity of its own gets a new `id` each time.",
        handle=validation,
        body=BodyForm(
            required=False,
            media_types=JSON_TYPES,
            schema={"application/json": {"description": "the event, right or wrong"}},
            examples={"application/json": example.sent(casino)},
        ),
        answers=(
            AnswerForm(
                status=200,
                meaning="The verdict.",
                schema={"oneOf": [_GOOD, _WRONG]},
                examples={
                    "good": {
                        "valid": True,
                        "type": "CASINO",
                        "subject": put_out["type"],
                        "id": put_out["id"],
                        "identified_by": casino.identified_by,
                        "event": put_out,
                        "warnings": [
                            {
                                "reason": "unknown_field",
                                "field": "roundId",
                                "expected": "a known field (did you mean round_id?)",
                                "found": '"636"',
                            }
                        ],
                    },
                    "wrong": {
                        "valid": False,
                        "type": "CASINO",
                        "reason": "invalid",
                        "detail": 'amount: expected number, got "abc"',
                        "errors": [
                            {"field": "amount", "expected": "number", "found": '"abc"'},
                            {"field": "currency", "expected": "str", "found": None},
                        ],
                        "warnings": [],
                    },
                },
            ),
            NO_TYPE,
            AnswerForm(
                status=503,
                meaning="Too many events wait to be looked at.",
                examples={
                    "busy": {
                        "reason": "busy",
                        "detail": "too many events wait to be looked at; send again",
                    }
                },
                headers=RETRY,
            ),
        ),
    )
