"""Takes the movements of players' money from the outbox of a ledger.

    row of the outbox ─► its events, one after the other ─► the row is deleted

A row is deleted once each of its events is confirmed, or is a dead letter. If the process ends
before, the row is taken again, and its events are recognised as duplicates. An account's next row
waits for this one, so a player's events keep the order of the ledger. One process at a time takes
from an outbox; the others wait quietly.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Origin, Sender
from consumer.errors import ListenerUnavailable, Unavailable
from consumer.ledger.amounts import Amounts
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.shown import OUTBOX_ANY, OutboxRow
from consumer.listeners.base import Listener, ListenerSettings
from consumer.listeners.outbox.events import EventMaker, OutgoingEvent
from consumer.listeners.outbox.settings import OUTBOX, OutboxSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from consumer.ledger.base import Ledger

POLL_S: Final = 0.05
"""How often an empty outbox is asked for rows, in seconds."""
OPEN_S: Final = 5.0
"""How long `open` waits for the ledger, in seconds. The process opens both at the same time."""
HOLD_S: Final = 1.0
"""How often the listener asks whether this process may take from the outbox, in seconds."""


class RowOnTheWay(msgspec.Struct):
    """A row whose events are being delivered.

    Attributes:
        row: The row.
        sender: The sender of its events.
        waiting: The events that were not handed out yet, in order.
    """

    row: OutboxRow
    sender: Sender
    waiting: list[OutgoingEvent]


class OutboxListener(Listener[OutboxSettings]):
    """Takes rows, and hands out their events.

    Args:
        name: The listener's name.
        settings: The options.
        ledger: The ledger, which somebody else opens and closes.
    """

    kind: ClassVar[str] = OUTBOX
    settings_type: ClassVar[type[ListenerSettings]] = OutboxSettings

    def __init__(self, name: str, settings: OutboxSettings, ledger: Ledger) -> None:
        super().__init__(name, settings)
        self._ledger = ledger
        self._maker = EventMaker(Amounts({**BUILT_IN, **settings.currencies}))
        self._on_the_way: dict[int, RowOnTheWay] = {}
        self._ready: list[RowOnTheWay] = []
        """The rows whose next event can be handed out."""
        self._settled = asyncio.Event()
        self._after_account_id = 0
        self._holds = False
        self._asked_s = float("-inf")

    async def open(self) -> None:
        """Wait for `OPEN_S` at most until the ledger answers. See `Listener.open`."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + OPEN_S
        while True:
            try:
                await self._ledger.rows(OUTBOX_ANY, ())
            except Unavailable as error:
                if loop.time() >= until_s:
                    raise ListenerUnavailable(str(error)) from error
                await asyncio.sleep(POLL_S)
            else:
                return

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return the next event of each row that is ready. See `Listener.receive`."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        while True:
            await self._take_rows(max_count)
            deliveries = list(self._hand_out(max_count, max_bytes))
            left_s = until_s - loop.time()
            if deliveries or left_s <= 0:
                return deliveries
            await self._news(min(POLL_S, left_s))

    async def _news(self, timeout_s: float) -> None:
        """Wait until something was settled, so that the next event of a player can follow."""
        self._settled.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._settled.wait()

    async def _take_rows(self, max_count: int) -> None:
        """Read rows of accounts that have none on the way."""
        if len(self._ready) >= max_count:
            return
        with _translated():
            if not await self._is_holder():
                return
            limit_count = max_count + len(self._on_the_way)
            # Before the rows are read: a row that is settled meanwhile may still be among them.
            busy = {one.row.account_id for one in self._on_the_way.values()}
            rows = await self._ledger.outbox(limit_count, self._after_account_id)
        self._after_account_id = rows[-1].account_id if len(rows) == limit_count else 0
        for row in rows:
            if row.account_id not in busy:
                sender = Sender(row.brand, self.settings.environment)
                taken = RowOnTheWay(row, sender, self._maker.events_of(row))
                self._on_the_way[row.row_id] = taken
                self._ready.append(taken)

    async def _is_holder(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._asked_s + HOLD_S:
            self._holds = await self._ledger.hold_outbox()
            self._asked_s = now_s
        return self._holds

    def _hand_out(self, max_count: int, max_bytes: int) -> Iterator[Delivery]:
        left_bytes = max_bytes
        for count, one in enumerate(self._ready):
            event = one.waiting[0]
            if count == max_count or (count and len(event.body) > left_bytes):
                self._ready = self._ready[count:]
                return
            left_bytes -= len(event.body)
            del one.waiting[0]
            yield Delivery(
                event.body, event.message_type, one, one.sender, sequence=str(one.row.sequence)
            )
        self._ready = []

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Delete the rows that have no more events. See `Listener.settle`."""
        rows = [_row_of(delivery) for delivery in deliveries]
        self._ready += [one for one in rows if one.waiting]
        done = [one.row.row_id for one in rows if not one.waiting]
        if done:
            with _translated():
                await self._ledger.delete_from_outbox(done)
            for row_id in done:
                del self._on_the_way[row_id]
        self._settled.set()

    async def backlog(self) -> int | None:
        """Return how many rows wait, 100,000 at most. See `Listener.backlog`.

        None if another process takes them: they wait, but not for this one.
        """
        with _translated():
            if not self._holds:
                return None
            return max(0, await self._ledger.outbox_count() - len(self._on_the_way))

    def origin(self, delivery: Delivery) -> Origin:
        """Describe a delivery. See `Listener.origin`."""
        row = _row_of(delivery).row
        coordinates = {
            "ledger_id": str(row.ledger_id),
            "sequence": str(row.sequence),
            "transaction_id": row.external_id,
        }
        return Origin(coordinates, {})

    async def close(self) -> None:
        """Let another process take from the outbox. See `Listener.close`.

        What is not settled is taken again, by whichever process.
        """
        self._ledger.release_outbox()


def _row_of(delivery: Delivery) -> RowOnTheWay:
    if not isinstance(delivery.token, RowOnTheWay):
        raise TypeError("a delivery of another listener")  # a bug of ours
    return delivery.token


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what a ledger raises into the error of a listener.

    Raises:
        ListenerUnavailable: The database does not answer.
    """
    try:
        yield
    except Unavailable as error:
        raise ListenerUnavailable(str(error)) from error
