"""Carries out a write once for each `Idempotency-Key`, also if the client sends it again.

The rules are those of the IETF's draft: https://datatracker.ietf.org/doc/
draft-ietf-httpapi-idempotency-key-header/. If the same key comes with the same request, it gets the
first answer again, or 409 while the first request is still running. If it comes with another
request, it gets 422. A key counts for one access key and for `KEPT_S`. Only the answer to a write
that was carried out is kept: after an error, the client may send the same key again.

`once` wraps any endpoint that writes. Ingest needs none of this: events have identities.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.access.refusal import KeyRefused
from consumer.api.remembered import RESERVED_S, RememberedWrites, WriteRecord
from consumer.api.unavailable import NOT_AVAILABLE, answered_as_503, unavailable
from consumer.errors import Misfit, Unavailable
from consumer.http.answer import Answer, Problem
from consumer.http.body import BodyTooLarge
from consumer.http.endpoint import AnswerForm, Endpoint
from consumer.http.parameters import BODY_MAX_BYTES, refused
from consumer.http.request import key_of
from consumer.options.check import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.http.request import ReadBody, Request

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotent-replayed"
RUN_MAX_S: Final = RESERVED_S - 15
"""A write that takes longer is ended, because its reservation would end too."""
EXPECTED: Final = "1 to 128 printable ASCII characters"
IN_PROGRESS_RETRY_S: Final = 1
ANSWERS: Final = (
    AnswerForm(
        status=400,
        meaning="The `Idempotency-Key` cannot be used.",
        examples={
            "invalid": {
                "reason": "invalid",
                "detail": "idempotency-key: expected 1 to 128 printable ASCII characters, got ''",
                "errors": [
                    {
                        "field": "idempotency-key",
                        "expected": EXPECTED,
                        "found": "''",
                    }
                ],
            }
        },
    ),
    AnswerForm(
        status=409,
        meaning="The first request with this `Idempotency-Key` is still running, or its answer was "
        "too large to keep.",
        examples={
            "in_progress": {
                "reason": "in_progress",
                "detail": "the first request with this idempotency-key is still running",
            },
            "answer_not_kept": {
                "reason": "answer_not_kept",
                "detail": "this was carried out, but its answer was too large to keep",
            },
        },
        headers={"Retry-After": "the seconds after which to ask again"},
    ),
    AnswerForm(
        status=422,
        meaning="The `Idempotency-Key` was used for another request.",
        examples={
            "idempotency_key_reused": {
                "reason": "idempotency_key_reused",
                "detail": "this idempotency-key was used for another request, expected a new one",
            }
        },
    ),
    NOT_AVAILABLE,
)

_is_usable: Final = re.compile(r"[\x20-\x7e]{1,128}").fullmatch


def as_it_is(answer: Answer) -> Answer:
    """Return an answer that may be kept as it is."""
    return answer


def once(
    endpoint: Endpoint,
    writes: RememberedWrites,
    kept: Callable[[Answer], Answer] = as_it_is,
) -> Endpoint:
    """Return an endpoint that writes, so that it takes an `Idempotency-Key`.

    A request without the header is carried out each time. An `Unavailable` that the endpoint raises
    becomes 503. The endpoint must read no more than `BODY_MAX_BYTES` of body.

    Args:
        endpoint: The endpoint. It needs a key, and has no `take`.
        writes: Where answers are remembered.
        kept: Returns what is kept of an answer, such as the answer without a secret.
    """

    async def handle(request: Request) -> Answer:
        with answered_as_503(request):
            text = request.headers.get(HEADER)
            if text is None:
                return await endpoint.handle(request)
            return await _handle_once(endpoint, request, text, writes, kept)

    return msgspec.structs.replace(
        endpoint,
        handle=handle,
        takes_idempotency_key=True,
        answers=(*map(_with_header, endpoint.answers), *ANSWERS),
    )


async def _handle_once(
    endpoint: Endpoint,
    request: Request,
    text: str,
    writes: RememberedWrites,
    kept: Callable[[Answer], Answer],
) -> Answer:
    name = _name_of(request, text)
    body = await request.read_body(BODY_MAX_BYTES)
    request.read_body = _reader_of(body)
    hashed = _hash_of(request, body)
    reservation = await writes.reserve(name, hashed)
    if isinstance(reservation, WriteRecord):
        return _again(reservation, hashed)
    try:
        async with asyncio.timeout(RUN_MAX_S):
            answer = await endpoint.handle(request)
    except TimeoutError:
        raise unavailable() from None  # nobody knows what was carried out, so the reservation stays
    except (Problem, KeyRefused, Unavailable):
        await writes.release(reservation)
        raise
    await writes.keep(reservation, kept(answer))
    return answer


def _name_of(request: Request, text: str) -> str:
    """Return the name of the record: no other access key can have it.

    Raises:
        Problem: 400: the header has another form.
    """
    if not _is_usable(text):
        misfit = Misfit(HEADER, EXPECTED, shown(text))
        raise refused([misfit])
    return f"{key_of(request).id}.{hashlib.sha256(text.encode()).hexdigest()}"


def _hash_of(request: Request, body: bytes) -> str:
    parts = (request.method.encode(), request.path.encode(), request.query, body)
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _reader_of(body: bytes) -> ReadBody:
    """Return a function that gives a body that was read already."""

    async def read(limit_bytes: int) -> bytes:
        if len(body) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        return body

    return read


def _again(record: WriteRecord, hashed: str) -> Answer:
    """Return the answer to a request whose key was used before.

    Raises:
        Problem: 409 or 422.
    """
    if record.request != hashed:
        raise Problem(
            422,
            "idempotency_key_reused",
            "this idempotency-key was used for another request, expected a new one",
        )
    if record.until_s is not None:
        raise Problem(
            409,
            "in_progress",
            "the first request with this idempotency-key is still running",
            headers={"retry-after": str(IN_PROGRESS_RETRY_S)},
        )
    answer = record.answer
    if answer is None:
        raise Problem(
            409, "answer_not_kept", "this was carried out, but its answer was too large to keep"
        )
    return msgspec.structs.replace(answer, headers={**answer.headers, REPLAYED: "true"})


def _with_header(form: AnswerForm) -> AnswerForm:
    """Add the header of a repeated answer to the description of an answer that may be repeated."""
    if form.schema is None:  # a problem document
        return form
    told = {"Idempotent-Replayed": "`true` if this is the first answer again"}
    return msgspec.structs.replace(form, headers={**form.headers, **told})
