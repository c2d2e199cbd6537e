"""The endpoints that let platform engineers read events: the stream, its tickets, and history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.access.ticket import TEXT_MAX_CHARACTERS
from consumer.access.token import mark_of
from consumer.errors import SinkUnavailable
from consumer.events import timestamp
from consumer.events.moments import WORDS
from consumer.http.answer import Answer, Problem
from consumer.http.parameters import BODY_MAX_BYTES, read_object, read_query
from consumer.http.places import Places
from consumer.http.request import key_of, key_text_in
from consumer.readers.cursor import CursorExpired, state_of
from consumer.readers.event_source import EventSourceReader
from consumer.readers.history import read_page
from consumer.readers.messages import StreamError, SubjectPatterns
from consumer.readers.selection import Rights, SelectionRefused, rights_of, select
from consumer.readers.socket import SocketReader, start_of

if TYPE_CHECKING:
    from consumer.access.gate import Gate
    from consumer.http.outlet import StreamSession
    from consumer.http.request import Request
    from consumer.readers.cursor import Cursor
    from consumer.readers.readers import Readers
    from consumer.readers.selection import Selection

PAGES_COUNT: Final = 8
PAGES_PER_KEY_COUNT: Final = 2
"""So many pages of history are read at the same time, in the process and for each key."""
TICKET_S: Final = 60

User = Annotated[str, Meta(min_length=1, max_length=256, description="the id of a player")]
After = Annotated[str, Meta(description="the cursor behind which the events begin")]
Since = Annotated[str, Meta(description=f"a time of storing: {WORDS}")]


class StreamQuery(msgspec.Struct, kw_only=True):
    """The query of a stream over Server-Sent Events. Over a WebSocket, only `ticket` counts."""

    subject: SubjectPatterns = ()
    user: User | None = None
    after: After | None = None
    since: Since | None = None
    ticket: Annotated[str, Meta(description="a ticket in place of a key")] | None = None


class EventsQuery(msgspec.Struct, kw_only=True):
    """The query of a page of history."""

    subject: SubjectPatterns = ()
    user: User | None = None
    message_type: Annotated[str, Meta(description="a message type, such as CASINO")] | None = None
    after: After | None = None
    since: Since | None = None
    limit_count: Annotated[
        int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")
    ] = msgspec.field(default=100, name="limit")


class TicketWish(msgspec.Struct, kw_only=True):
    """The body of a request for a ticket."""

    subjects: SubjectPatterns = ()
    user: User | None = None
    expires_s: Annotated[
        int, Meta(ge=30, le=3600, description="a whole number of seconds from 30 to 3600")
    ] = TICKET_S


class ReadersEndpoints:
    """Answers the requests of readers.

    Args:
        readers: All readers of the process.
        gate: Makes tickets.
    """

    def __init__(self, readers: Readers, gate: Gate) -> None:
        self._readers = readers
        self._gate = gate
        self._pages = Places(
            PAGES_PER_KEY_COUNT,
            PAGES_COUNT,
            reason="too_many_pages",
            holder_has_all=f"at most {PAGES_PER_KEY_COUNT} pages of a key are read at a time; "
            "send again",
            all_are_taken=f"at most {PAGES_COUNT} pages are read at a time; send again",
        )

    def open_stream(self, request: Request) -> StreamSession:
        """Make the session of a stream: see `Endpoint.open_stream`."""
        rights = _rights_in(request)
        query = read_query(request, StreamQuery)
        if request.wants_websocket:
            self._readers.reserve(rights.key)
            return SocketReader(self._readers, rights)
        selection, start = _wanted(rights, query)
        comes_back = request.headers.get("last-event-id")
        if comes_back:
            start = _start(comes_back, None)
        self._readers.reserve(rights.key)
        return EventSourceReader(self._readers, rights, selection, start)

    async def check_stream(self, request: Request) -> None:
        """Refuse an expired cursor in the query of a stream over Server-Sent Events.

        Raises:
            Problem: 410. Also 400 or 403 if the query is wrong, and 503 if the sink is away.
        """
        query = read_query(request, StreamQuery)
        if query.after is None or request.headers.get("last-event-id"):
            return
        rights = _rights_in(request)
        _, start = _wanted(rights, query)
        source = self._readers.source_of(rights.key)
        try:
            state = await state_of(source.connection.client, source.place.stream)
            if start is not None and not isinstance(start, float):
                state.check(start)
        except CursorExpired as error:
            raise _gone(error) from error
        except SinkUnavailable as error:
            raise _away() from error

    async def no_stream(self, _: Request) -> Answer:
        """Answer a request that asks for neither form of a stream."""
        raise Problem(
            406,
            "not_acceptable",
            "expected a WebSocket, or Accept: text/event-stream",
        )

    async def ticket(self, request: Request) -> Answer:
        """Make a ticket."""
        rights = _rights_in(request)
        wish = read_object(await request.read_body(BODY_MAX_BYTES), TicketWish)
        try:
            select(rights, wish.subjects, wish.user)
        except SelectionRefused as refused:
            raise refused_selection(refused) from refused
        text, expires_s = self._gate.make_ticket(
            rights.key, rights.mark, wish.subjects, wish.user, wish.expires_s
        )
        if len(text) > TEXT_MAX_CHARACTERS:
            raise Problem(400, "invalid", "subjects: the ticket would be too long, expected fewer")
        told = {"ticket": text, "expires": timestamp.from_epoch_s(expires_s)}
        return Answer(201, msgspec.json.encode(told), headers={"cache-control": "no-store"})

    async def events(self, request: Request) -> Answer:
        """Answer with a page of history."""
        rights = _rights_in(request)
        query = read_query(request, EventsQuery)
        selection, start = _wanted(rights, query)
        try:
            with self._pages.taken(rights.key.id):
                page = await read_page(
                    self._readers.source_of(rights.key), selection, start, query.limit_count
                )
        except CursorExpired as error:
            raise _gone(error) from error
        except SinkUnavailable as error:
            raise _away() from error
        return Answer(200, page.as_json(), headers={"cache-control": "no-store"})


def _rights_in(request: Request) -> Rights:
    """Return what the sender of a request may read."""
    key = key_of(request)
    rights = rights_of(key)
    ticket = request.ticket
    if ticket is None:
        mark = mark_of(key_text_in(request.headers) or "")
        return msgspec.structs.replace(rights, mark=mark)
    allowed = msgspec.structs.replace(key, subjects=ticket.subjects)
    subjects = rights.subjects & rights_of(allowed).subjects
    return Rights(key, subjects, ticket.user, ticket.mark)


def _wanted(
    rights: Rights, query: StreamQuery | EventsQuery
) -> tuple[Selection, Cursor | float | None]:
    message_type = query.message_type if isinstance(query, EventsQuery) else None
    try:
        selection = select(rights, query.subject, query.user, message_type)
    except SelectionRefused as refused:
        raise refused_selection(refused) from refused
    return selection, _start(query.after, query.since)


def _start(after: str | None, since: str | None) -> Cursor | float | None:
    try:
        return start_of(after, since)
    except StreamError as error:
        raise Problem(400, "invalid", str(error)) from error


def refused_selection(refused: SelectionRefused) -> Problem:
    """Return the answer to a request for events that may not be read, or that do not exist."""
    status = 403 if refused.reason.startswith("forbidden") else 400
    return Problem(status, refused.reason, str(refused))


def _gone(error: CursorExpired) -> Problem:
    return Problem(410, "cursor_expired", str(error), facts={"earliest": str(error.earliest)})


def _away() -> Problem:
    text = "events cannot be read at this moment; send again"
    return Problem(503, "unavailable", text, headers={"retry-after": "2"})
