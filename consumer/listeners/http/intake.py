"""Holds what was posted until the lane takes it, and tells each sender how its deliveries ended.

Responsible for overload. A sender waits for `answer_timeout_s` only, and work for a sender that has
gone makes the others wait. So a question is refused at once if its answer would probably come too
late, and what was not taken in time is dropped. Both senders send again.

- How many deliveries may wait follows from the rate at which deliveries end: no more than end in
  half of the timeout. (Little's law: the time in a queue is its length divided by the rate.)
- That rate says little while few deliveries come: a lane with one delivery at a time and a sink
  20 ms away ends 25 a second, and could end thousands. So `FIRST_COUNT` may wait, whatever the
  rate, as long as nobody has waited for long.
- If the oldest question has waited for half of the timeout, or nothing has ended for so long,
  nothing new is taken. So an outage of the sink is told at once.
- The keys take turns in a batch, and share the room: `http/shares.py`.

An intake lives as long as the process. The listener of each connection reads from it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from consumer.errors import ConsumerError
from consumer.http.shares import Shares
from consumer.listeners.http.question import Question, posted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from consumer.deliveries.delivery import Delivery
    from consumer.http.request import Request

LEAST_COUNT: Final = 100
"""So many deliveries may wait, however slowly they end."""
FIRST_COUNT: Final = 1000
"""So many deliveries may wait as long as nobody has waited for `YOUNG_SHARE`: a full batch for a
key that posts alone."""
YOUNG_SHARE: Final = 0.1
"""The share of the timeout for which a question may be open without a sign of too much work."""
WAITING_SHARE: Final = 0.5
"""The share of the timeout that a delivery may spend here and in the lane."""
MEMORY_SHARE: Final = 0.9
"""How much of what is known of the rate remains after each batch: about the last ten batches
count."""


class Shed(StrEnum):
    """Why a question was not answered: the value of the label `reason` of `http_shed`."""

    CLOSED = "closed"
    """The lane takes nothing in: it is not open yet, or the process drains."""
    FULL = "full"
    """The bytes that wait reach `max_buffered_bytes`."""
    BUSY = "busy"
    """The answer would come too late."""
    LATE = "late"
    """There was no answer within `answer_timeout_s`."""


class NotTaken(ConsumerError):
    """A question has no answer. To send again is safe.

    Attributes:
        why: The reason.
    """

    def __init__(self, why: Shed) -> None:
        super().__init__(why)
        self.why = why


class Intake:
    """What was posted to one lane.

    Args:
        answer_timeout_s: How long a sender waits, in seconds.
        max_bytes: The largest size of all bodies that wait or are in the lane, in bytes.

    Attributes:
        news: The event that is set when something was posted, when enough was posted for a batch,
            and when the intake was closed.
        posted_count: The number of all deliveries that were ever posted.
    """

    def __init__(self, answer_timeout_s: float, max_bytes: int) -> None:
        self._timeout_s = answer_timeout_s
        self._waiting: dict[str, deque[Delivery]] = {}
        self._turns: deque[str] = deque()
        self._questions: deque[Question] = deque()
        """The questions in the order in which they were asked. A question that is answered stays
        until it is the first."""
        self._deliveries = Shares(FIRST_COUNT)
        self._bytes = Shares(max_bytes)
        self._ended_count, self._took_s = 0.0, 0.0
        self._in_time_count = float(FIRST_COUNT)
        """The number of deliveries that end in `_longest_s`, as far as is known."""
        self._last_end_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._open = False
        self._loop: asyncio.AbstractEventLoop  # since `open`
        self._waiting_count = 0
        self.news = asyncio.Event()
        self.posted_count = 0

    @property
    def is_open(self) -> bool:
        """True while a lane reads from the intake."""
        return self._open

    @property
    def waiting_count(self) -> int:
        """The number of deliveries that no lane has taken yet."""
        return self._waiting_count

    @property
    def has_batch(self) -> bool:
        """True if the lane should take a batch now: as much waits as is in the lane.

        While little is posted, the lane is empty, so the first delivery passes at once. Under load,
        two batches share the lane. Many small batches would cost more, because each batch makes
        calls to the store and to the sink.
        """
        in_lane_count = self._deliveries.held_count - self._waiting_count
        return self._waiting_count > 0 and self._waiting_count >= in_lane_count

    def open(self) -> None:
        """Begin to take questions."""
        # Python asks the system for the process' number each time it looks for the running loop.
        # That took 6 % of the time of a request.
        self._loop = asyncio.get_running_loop()
        self._open = True

    def close(self) -> None:
        """Take nothing more, and let everybody go who waits. They send again."""
        self._open = False
        for question in self._questions:
            self._let_go(question, Shed.CLOSED)
        for key_id in list(self._waiting):
            self._drop_unwanted(key_id)
        self._questions.clear()
        self.news.set()

    def refuse_if_full(self, key_id: str) -> None:
        """Refuse a question at once, before its body is read, if it has no chance.

        Raises:
            NotTaken: `closed`, `full` or `busy`.
        """
        if not self._open:
            raise NotTaken(Shed.CLOSED)
        if not self._bytes.has_room(key_id, 0):
            raise NotTaken(Shed.FULL)
        now_s = self._loop.time()
        waited_s = self._waited_s(now_s)
        first_count = FIRST_COUNT if waited_s < self._timeout_s * YOUNG_SHARE else LEAST_COUNT
        self._deliveries.total_count = max(first_count, self._in_time_count)
        is_stuck = waited_s > self._longest_s
        if is_stuck or not self._deliveries.has_room(key_id, 1):
            raise NotTaken(Shed.BUSY)

    async def ask(
        self,
        request: Request,
        key_id: str,
        make: Callable[[Question], list[Delivery]],
        taken: Callable[[int], None] = lambda _: None,
    ) -> list[Delivery]:
        """Hand deliveries to the lane, and wait until all of them have ended.

        Args:
            request: The request, for dead letters.
            key_id: The id of its key.
            make: Makes the deliveries. The question is part of their tokens.
            taken: Is called with the number of deliveries as soon as they wait.

        Returns:
            The deliveries, each with its end, in order.

        Raises:
            NotTaken: There is no room, or no answer. Some of the deliveries may be stored.

        Cancelling: the deliveries go on, and nobody is told.
        """
        if not self._open:
            raise NotTaken(Shed.CLOSED)
        loop = self._loop
        now_s = loop.time()
        question = Question(request, key_id, now_s + self._timeout_s, loop.create_future(), 0)
        deliveries = make(question)
        question.open_count = len(deliveries)
        body_bytes = sum(len(one.body) for one in deliveries)
        if not self._bytes.has_room(key_id, body_bytes):
            raise NotTaken(Shed.FULL)
        if not self._deliveries.has_room(key_id, len(deliveries)):
            raise NotTaken(Shed.BUSY)
        if not deliveries:
            return deliveries
        if not self._deliveries.held_count:
            self._last_end_s = now_s  # the lane was idle until now
        self._deliveries.take(key_id, len(deliveries))
        self._bytes.take(key_id, body_bytes)
        self._add(key_id, deliveries)
        taken(len(deliveries))
        self._questions.append(question)
        if self._timer is None:
            self._timer = loop.call_at(question.until_s, self._expire)
        shed = await question.answered
        if shed is not None:
            raise NotTaken(Shed(shed))
        return deliveries

    def _add(self, key_id: str, deliveries: list[Delivery]) -> None:
        queue = self._waiting.get(key_id)
        if queue is None:
            queue = self._waiting[key_id] = deque()
            self._turns.append(key_id)
        queue.extend(deliveries)
        self.posted_count += len(deliveries)
        is_first = not self._waiting_count
        self._waiting_count += len(deliveries)
        if is_first or self.has_batch:
            self.news.set()

    def take(self, max_count: int, max_bytes: int) -> list[Delivery]:
        """Return deliveries for a batch; the keys take turns.

        Args:
            max_count: The largest number of deliveries.
            max_bytes: The largest size of their bodies together, in bytes. The first delivery is
                returned whatever its size.
        """
        taken: list[Delivery] = []
        taken_bytes = 0
        turns, waiting = self._turns, self._waiting
        while turns and len(taken) < max_count:
            key_id = turns[0]
            queue = waiting[key_id]
            taken_bytes += len(queue[0].body)
            if taken and taken_bytes > max_bytes:
                break
            taken.append(queue.popleft())
            if queue:
                turns.rotate(-1)
            else:
                turns.popleft()
                del waiting[key_id]
        self._waiting_count -= len(taken)
        return taken

    def ended(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the senders of deliveries that have left the lane how they ended."""
        for delivery in deliveries:
            question = posted(delivery).question
            self._release(question.key_id, delivery)
            question.open_count -= 1
            if not question.open_count and not question.answered.done():
                question.answered.set_result(None)
        self._measure(len(deliveries))
        if self.has_batch:
            self.news.set()

    def _measure(self, count: int) -> None:
        """Let the limit of what may wait follow the rate at which deliveries end."""
        now_s = self._loop.time()
        self._ended_count = self._ended_count * MEMORY_SHARE + count
        self._took_s = self._took_s * MEMORY_SHARE + now_s - self._last_end_s
        self._last_end_s = now_s
        if self._took_s > 0:
            self._in_time_count = self._ended_count / self._took_s * self._longest_s

    @property
    def _longest_s(self) -> float:
        return self._timeout_s * WAITING_SHARE

    def _waited_s(self, now_s: float) -> float:
        """Return how long the oldest question has been open, or for how long nothing has ended."""
        if not self._deliveries.held_count:
            return 0.0
        questions = self._questions
        while questions and questions[0].answered.done():
            questions.popleft()
        asked_s = questions[0].until_s - self._timeout_s if questions else now_s
        return now_s - min(asked_s, self._last_end_s)

    def _expire(self) -> None:
        """Let everybody go whose time is over, and wait for the next."""
        self._timer = None
        loop = self._loop
        now_s = loop.time()
        while self._questions:
            question = self._questions[0]
            if not question.answered.done():
                if question.until_s > now_s:
                    self._timer = loop.call_at(question.until_s, self._expire)
                    return
                self._let_go(question, Shed.LATE)
                self._drop_unwanted(question.key_id)
            self._questions.popleft()

    def _let_go(self, question: Question, why: Shed) -> None:
        if not question.answered.done():
            question.answered.set_result(why.value)

    def _drop_unwanted(self, key_id: str) -> None:
        """Drop the oldest deliveries of a key whose sender does not wait any more."""
        queue = self._waiting.get(key_id)
        if queue is None:
            return
        while queue and posted(queue[0]).question.answered.done():
            self._waiting_count -= 1
            self._release(key_id, queue.popleft())
        if not queue:
            del self._waiting[key_id]
            self._turns.remove(key_id)

    def _release(self, key_id: str, delivery: Delivery) -> None:
        self._deliveries.give_back(key_id, 1)
        self._bytes.give_back(key_id, len(delivery.body))
