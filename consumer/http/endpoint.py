"""Defines an endpoint: a verb and a path, who may call it, what it does, and how it is described.

One table of endpoints is the source of the routing, of the OpenAPI document, of the labels of the
metrics, and of the tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from consumer.access.key import Scope
from consumer.http.answer import JSON, Answer
from consumer.http.outlet import StreamSession
from consumer.http.request import Request

Handle = Callable[[Request], Awaitable[Answer]]
"""Answers a request. Raises `Problem`."""
Reply = Callable[[Callable[[], Answer]], None]
"""Answers a request with what a function returns. An exception of the function, such as `Problem`,
becomes a problem document. It is called once, and never raises."""
OpenStream = Callable[[Request], StreamSession]
"""Makes the session of a stream for a request whose key was checked. It must not wait. If it raises
`Problem` or `KeyRefused`, the request is answered with this, and no stream begins."""
CheckStream = Callable[[Request], Awaitable[None]]
"""Raises `Problem` or `KeyRefused` if no stream may begin."""
Take = Callable[[Request, bytes, Reply], None]
"""Begins to answer a request whose whole body is here, and answers it now or later. If it raises
`Problem` or `KeyRefused`, the request is answered with this, and `Reply` must not be called."""
RETRY: Final = {"Retry-After": "the seconds after which the request may be sent again"}
"""The header of an answer to a request that may be sent again, for its description."""


class AnswerForm(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that an endpoint can give, for its description.

    Attributes:
        status: The status code.
        meaning: When this answer is given, in a sentence.
        schema: The JSON Schema of the body. None for a problem document. A part whose `title` is
            one word, such as `StoredEvent`, is a type of this name in generated clients.
        media_type: The media type of a body with a schema. None means that there is no body.
        examples: Bodies, by the names of the examples.
        headers: The further headers, each with its meaning.
    """

    status: int
    meaning: str
    schema: Mapping[str, object] | None = None
    media_type: str | None = JSON
    examples: Mapping[str, Mapping[str, object] | str] = {}
    headers: Mapping[str, str] = {}


def because(reason: str, detail: str) -> dict[str, dict[str, object]]:
    """Return the example of a problem document, under the name of its reason."""
    return {reason: {"reason": reason, "detail": detail}}


class BodyForm(msgspec.Struct, frozen=True, kw_only=True):
    """The body that an endpoint takes, for its description and for the check of the media type.

    Attributes:
        media_types: The media types. The first is taken if a request names none.
        schema: The JSON Schema, by media type.
        examples: An example of a body, by media type. A body whose schema is that of a message type
            needs none.
        required: If false, the body may be empty.
    """

    media_types: tuple[str, ...]
    schema: Mapping[str, Mapping[str, object]]
    examples: Mapping[str, object] = {}
    required: bool = True


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One verb on one path.

    Attributes:
        name: The name in metrics and logs, and the operation's id for generated clients.
        method: The verb, in upper case.
        path: The path. `{name}` stands for one variable part.
        summary: What it does, in a few words.
        description: What a caller has to know. Markdown.
        handle: Answers a request.
        take: Answers a request that arrived in one piece. It needs no task, which saves a quarter
            of the time of a small request. None means that `handle` answers such requests too.
        scope: The scope that the key needs. None means that any key will do.
        takes_ticket: If true, the query of a request may have a `ticket` in place of a key.
        needs_key: If false, no key is asked for.
        is_signed: If true, the handler itself checks the signature of a request.
        open_stream: Makes the session of a stream. Then the endpoint is a GET that answers with
            Server-Sent Events, or becomes a WebSocket with the subprotocol `consumer.v1`, and
            `handle` answers requests that ask for neither.
        check_stream: Refuses a request for Server-Sent Events before the stream begins. Here it may
            wait.
        places: The JSON Schema of each variable part of the path, with its description.
        query: The struct of the parameters in its query: see `parameters.read_query`. The
            description of each field is in its `Meta`. None means that it takes no parameters.
        takes_idempotency_key: If true, it takes the header `Idempotency-Key`: see
            `api/idempotency.py`.
        body: The body that it takes. None means no body.
        answers: The answers that the endpoint itself gives. Those of the checks before it are
            described once for all endpoints.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str = ""
    handle: Handle
    take: Take | None = None
    scope: Scope | None = None
    takes_ticket: bool = False
    needs_key: bool = True
    is_signed: bool = False
    open_stream: OpenStream | None = None
    check_stream: CheckStream | None = None
    places: Mapping[str, Mapping[str, object]] = {}
    query: type[msgspec.Struct] | None = None
    takes_idempotency_key: bool = False
    body: BodyForm | None = None
    answers: tuple[AnswerForm, ...] = ()
