"""Keeps our membership in a consumer group: our partitions, and what is committed of them.

aiokafka has no cooperative rebalance. Whenever a member joins or leaves, each member gives up all
its partitions and gets a new set. So before the partitions move, we wait until the deliveries in
flight are settled, and commit them. A delivery that is not settled in time is delivered again, to
the member that gets the partition.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import structlog
from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from consumer.errors import ListenerUnavailable
from consumer.listeners.kafka.connection import unavailable
from consumer.listeners.kafka.offsets import PartitionBook

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    from consumer.listeners.failure import FirstFailure
    from consumer.listeners.kafka.corrupt import CorruptBatches
    from consumer.listeners.kafka.settings import KafkaSettings
    from consumer.listeners.kafka.start import Starts

ANSWER_DEADLINE_S: Final = 5.0
MOVES_MAX_COUNT: Final = 5
MOVES_WINDOW_S: Final = 60.0
"""If the partitions of a static member move `MOVES_MAX_COUNT` times within this time, another
process probably has the same name. The two take the name from each other about every 3 s. The first
join counts as a move."""

log = structlog.get_logger()


class Group(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Our membership in the group.

    Args:
        settings: The listener's options.
        consumer: aiokafka's consumer, not started yet.
        starts: The places at which our partitions begin.
        corrupt: The partitions that wait at a corrupt batch.
        failure: Gets the error if the broker does not say where partitions begin. The connection
            then ends.
        name: The listener's name, for the log.

    Attributes:
        consumer: aiokafka's consumer, over which this member talks to the brokers.
        starts: The places at which our partitions begin.
        corrupt: The partitions that wait at a corrupt batch.
        books: The books of our partitions: one book for each partition.
        assigned: An event that is set while we know our partitions (there may be none), and clear
            while partitions move.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        consumer: AIOKafkaConsumer,
        starts: Starts,
        corrupt: CorruptBatches,
        failure: FirstFailure,
        *,
        name: str,
    ) -> None:
        self._settings = settings
        self.consumer = consumer
        self.starts = starts
        self.corrupt = corrupt
        self._failure = failure
        self._log = log.bind(listener=name, group=settings.group_id)
        self._committing = asyncio.Lock()
        self._progress = asyncio.Event()
        self._closing = False
        self._moving_since_s = asyncio.get_running_loop().time()
        self._moves_s: deque[float] = deque(maxlen=MOVES_MAX_COUNT)
        self.books: dict[TopicPartition, PartitionBook] = {}
        self.assigned = asyncio.Event()

    def moving_s(self) -> float:
        """Return for how long partitions have been moving, in seconds, or 0 if they do not move."""
        if self.assigned.is_set():
            return 0.0
        return asyncio.get_running_loop().time() - self._moving_since_s

    @property
    def complaint(self) -> str:
        """Say that another process probably has our name. Empty if there is no sign of it.

        aiokafka gives no reason when the broker gives our name to another member.
        """
        name, moves_s = self._settings.group_instance_id, self._moves_s
        oldest_s = asyncio.get_running_loop().time() - MOVES_WINDOW_S
        if name is None or len(moves_s) < MOVES_MAX_COUNT or moves_s[0] < oldest_s:
            return ""
        return (
            f"another process seems to have the group_instance_id {name}, because our partitions "
            f"have moved {MOVES_MAX_COUNT} times within {MOVES_WINDOW_S:g} s: give each process a "
            "name of its own"
        )

    def progress(self) -> None:
        """Note that deliveries in hand were settled."""
        self._progress.set()

    def release(self) -> None:
        """Stop waiting for deliveries in hand, because the connection closes."""
        self._closing = True
        self._progress.set()

    async def commit(self) -> None:
        """Commit the settled offsets in one request. If there are no new offsets, do nothing.

        A commit that is refused because partitions move is not an error. Its offsets are committed
        before the partitions are given up, or the deliveries come again.

        Raises:
            ListenerUnavailable: The broker did not confirm within the deadline, or it refuses us.
        """
        async with self._committing:
            books = {partition: book for partition, book in self.books.items() if book.moved}
            if not books:
                return
            moved = {partition: book.committable_offset for partition, book in books.items()}
            try:
                async with asyncio.timeout(ANSWER_DEADLINE_S):
                    await self.consumer.commit(moved)
            except (CommitFailedError, IllegalStateError) as error:
                self._log.debug("commit refused", why=str(error))
                return
            except (KafkaError, TimeoutError) as error:
                raise unavailable(error) from error
            for partition, book in books.items():
                book.committed_offset = moved[partition]

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002  # always all
        """Wait for the deliveries in hand, up to a deadline, and then give up all partitions."""
        self.assigned.clear()
        self._moving_since_s = asyncio.get_running_loop().time()
        self._moves_s.append(self._moving_since_s)
        try:
            async with asyncio.timeout(self._settings.rebalance_timeout_s):
                await self._until_empty()
        except TimeoutError:
            count = sum(book.in_hand_count for book in self.books.values())
            self._log.warning("partitions moved with deliveries in hand", count=count)
        try:
            await self.commit()
        except ListenerUnavailable as error:
            self._log.debug("last commit failed", why=str(error))
        for book in self.books.values():
            book.open = False
        self.books = {}

    async def _until_empty(self) -> None:
        while not self._closing and any(book.in_hand_count for book in self.books.values()):
            self._progress.clear()
            await self._progress.wait()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin with a new set of partitions."""
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await self.starts.find(sorted(assigned))
        except CommitFailedError as error:
            self._log.debug("commit refused", why=str(error))  # the partitions move again already
        except (KafkaError, TimeoutError) as error:
            self._failure.remember(unavailable(error))
        self.books = {partition: PartitionBook() for partition in assigned}
        self.assigned.set()

    async def find_again(
        self, wanted: dict[TopicPartition, int], *, out_of_range: bool = False
    ) -> None:
        """Go on with partitions that may not have the offsets that come next.

        Args:
            wanted: The next offset of each of these partitions.
            out_of_range: True if the broker has refused to read from these offsets.

        Raises:
            ListenerUnavailable: The broker did not answer within the deadline, or it refuses us.
        """
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                went_back = await self.starts.find_again(wanted, out_of_range=out_of_range)
        except IllegalStateError:
            return  # the partition moved meanwhile
        except (KafkaError, TimeoutError) as error:
            raise unavailable(error) from error
        for partition in went_back & self.books.keys():
            # The deliveries in hand have offsets that belong to other records now. The mapping is
            # a new one, so that `KafkaListener.backlog` notices.
            self.books[partition].open = False
            self.books = {**self.books, partition: PartitionBook()}
