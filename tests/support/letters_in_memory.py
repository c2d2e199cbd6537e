"""Dead letters in memory, read as `LetterReader` reads them, and a desk that looks after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from consumer.api.dead_letters.desk import LetterDesk
from consumer.config.load import Config
from consumer.dead_letters.record import Letter, from_message
from consumer.dead_letters.stream import DeadLetters
from consumer.deliveries.origin import Environment, Sender
from consumer.errors import Reason, SinkUnavailable
from consumer.lanes.outside import Outside, ServedEnvironment
from consumer.readers.pace import Pace
from consumer.sinks.base import Message, Receipt
from consumer.stores.base import DedupeSettings
from consumer.stores.memory import MemoryStore
from consumer.tools.replay.query import Query, StoredLetter
from consumer.tools.replay.read import LetterReader, LettersState, NoSuchLetterError
from tests.support.memory_sink import MemorySink, no_object_store
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.tools.replay.read import Writable

CREATED_S: Final = 1_800_000_000.5
MICROSECONDS_IN_S: Final = 1_000_000


def letter_of(brand: str, environment: Environment = Environment.LIVE) -> Letter:
    """Return a letter whose body has become good meanwhile."""
    return Letter(
        reason=Reason.UNKNOWN_TYPE,
        error="type: no message type is called 'CASINO'",
        listener="api",
        brand=brand,
        environment=environment,
        message_type="CASINO",
        content_encoding="",
        coordinates={"path": "/v1/integration/events"},
        headers={"user-agent": "test"},
        arrived="2026-01-01T00:00:00.000000Z",
        body=casino(activity_id=f"of-{brand}"),
    )


class Shelf(MemorySink):
    """The sink of the dead letters, the reader of them, and the way to that reader.

    Attributes:
        letters: The letters by their numbers.
        last_number: The number of the newest letter that was ever stored.
        looked_count: The number of letters that were looked at by lists.
        away: If true, the letters cannot be read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.letters: dict[int, StoredLetter] = {}
        self.last_number = 0
        self.looked_count = 0
        self.away = False

    def put(self, letter: Letter) -> int:
        """Store a letter, and return its number."""
        self.last_number += 1
        number = self.last_number
        self.letters[number] = StoredLetter(number, CREATED_S + number, len(letter.body), letter)
        return number

    def _store(self, message: Message) -> Receipt:
        receipt = super()._store(message)
        if receipt.earlier_number:
            return receipt
        return Receipt(number=self.put(from_message(message.headers, message.body)))

    async def reader(self) -> LetterReader:
        """See `LetterConnection.reader`."""
        if self.away:
            raise SinkUnavailable("the shelf is away at 10.0.0.1")
        return cast("LetterReader", self)

    async def state(self) -> LettersState:
        """See `LetterReader.state`."""
        return LettersState(round(CREATED_S * MICROSECONDS_IN_S), self.last_number)

    async def looked_at(
        self, query: Query, after_number: int, last_number: int
    ) -> AsyncIterator[StoredLetter]:
        """See `LetterReader.looked_at`."""
        for number in sorted(self.letters):
            if after_number < number <= last_number:
                stored = self.letters[number]
                if query.reason in (None, stored.letter.reason):
                    self.looked_count += 1
                    yield stored

    async def get(self, number: int) -> StoredLetter:
        """See `LetterReader.get`."""
        if number not in self.letters:
            raise NoSuchLetterError(f"there is no dead letter {number}")
        return self.letters[number]

    async def write_body(self, letter: Letter, out: Writable) -> None:
        """See `LetterReader.write_body`."""
        out.write(letter.body)

    async def remove(self, number: int) -> bool:
        """See `LetterReader.remove`."""
        return self.letters.pop(number, None) is not None

    def of(self, sender: Sender) -> list[int]:
        """Return the numbers of the letters of a sender."""
        return [one.number for one in self.letters.values() if one.letter.sender == sender]


class DeskScene:
    """A desk on a shelf, with a sink and a store in memory.

    Attributes:
        shelf: The letters.
        sink: The events.
        desk: The desk.
    """

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.sink = MemorySink()
        config = Config(listeners={}, dedupe=DedupeSettings(store="memory"))
        dead_letters = DeadLetters(self.shelf, config.dead_letters, no_object_store)
        outside = Outside(MemoryStore(), self.sink, dead_letters)
        served = ServedEnvironment(config, outside)
        self.desk = LetterDesk(served, cast("Any", self.shelf), Pace())

    async def open(self) -> None:
        """Open the sinks."""
        await self.sink.open()
        await self.shelf.open()
