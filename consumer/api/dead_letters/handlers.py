"""Answers the requests about dead letters: reads what is asked, and asks the desk of the key.

A key reaches the desk of its environment only, and there the letters of its brand only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from consumer.api.dead_letters.asked import MAX_NUMBER, LettersAsked, read_chosen
from consumer.api.dead_letters.desk import LetterDesk, no_such_letter
from consumer.http.answer import Answer
from consumer.http.parameters import BODY_MAX_BYTES, read_query
from consumer.http.places import Places
from consumer.http.request import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.access.key import Key
    from consumer.api.dead_letters.choice import Outcome
    from consumer.deliveries.origin import Environment, Sender
    from consumer.http.request import Request

PAGES_OF_KEY_COUNT: Final = 2
PAGES_COUNT: Final = 8
"""So many lists and letters are read at the same time, for one key and in this process."""
WRITES_OF_BRAND_COUNT: Final = 1
WRITES_COUNT: Final = 4
"""So many replays and drops run at the same time, for one brand and in this process."""

Write = Callable[["Sender", tuple[int, ...] | LettersAsked], Awaitable["Outcome"]]
"""Replays or drops letters: a method of `LetterDesk`."""

log = structlog.get_logger()


class DeadLetterHandlers:
    """The handlers of all requests about dead letters.

    Args:
        desks: The dead letters of each environment that is served.
        admit_again: Checks a key again after the body was read. It gets the key and the address of
            the client, and raises `KeyRefused`.
    """

    def __init__(
        self,
        desks: Mapping[Environment, LetterDesk],
        admit_again: Callable[[Key, str], None],
    ) -> None:
        self._desks = desks
        self._admit_again = admit_again
        self._pages = Places(PAGES_OF_KEY_COUNT, PAGES_COUNT)
        self._writes = Places(WRITES_OF_BRAND_COUNT, WRITES_COUNT)

    async def list_letters(self, request: Request) -> Answer:
        """Answer with a page of letters."""
        key = key_of(request)
        asked = read_query(request, LettersAsked)
        with self._pages.taken(key.id):
            page = await self._desks[key.environment].page(key.sender, asked)
        return Answer(200, msgspec.json.encode(page))

    async def show(self, request: Request) -> Answer:
        """Answer with one letter."""
        key = key_of(request)
        number = _number(request.parameters["number"])
        with self._pages.taken(key.id):
            return Answer(200, await self._desks[key.environment].letter(key.sender, number))

    async def replay(self, request: Request) -> Answer:
        """Replay letters."""
        return await self._write(request, "replayed", lambda desk: desk.replay)

    async def drop(self, request: Request) -> Answer:
        """Drop letters."""
        return await self._write(request, "dropped", lambda desk: desk.drop)

    async def _write(
        self, request: Request, done: str, write_of: Callable[[LetterDesk], Write]
    ) -> Answer:
        key = key_of(request)
        body = await request.read_body(BODY_MAX_BYTES)
        self._admit_again(key, request.address)
        chosen = read_chosen(body)
        write = write_of(self._desks[key.environment])
        with self._writes.taken(key.sender.namespace):
            outcome = await write(key.sender, chosen)
        log.info(
            "dead letters changed over http",
            done=done,
            brand=key.brand,
            environment=key.environment.value,
            key=key.id,
            count=len(outcome.results),
            request=request.id,
        )
        return Answer(200, msgspec.json.encode(outcome))


def _number(text: str) -> int:
    """Read the number of a letter in a path.

    Raises:
        Problem: 404: no letter can have this number.
    """
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_NUMBER)):
        number = int(text)
        if 1 <= number <= MAX_NUMBER:
            return number
    raise no_such_letter()
