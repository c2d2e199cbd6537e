"""Holds what was posted until the lane takes it, and tells each sender how its deliveries ended.

Responsible for overload. A sender waits for `answer_timeout_s` only. Work for a sender that has
gone makes the other senders wait. So the intake refuses a question at once if its answer would
probably come too late, and drops deliveries that the lane has not taken in time. The senders send
again.

The intake holds a delivery from the moment at which it is posted until it ends. Until the lane
takes it, the delivery waits. After that it is in the lane.

- The intake holds no more deliveries than end in half of the timeout, at the rate at which
  deliveries ended lately. (Little's law: the time in a queue is its length divided by the rate.)
- That rate says little while few deliveries come. A lane that holds one delivery at a time, with a
  sink 20 ms away, ends 25 deliveries a second, and could end thousands. So the intake holds
  `FIRST_COUNT` deliveries at any rate, as long as no question has been open for long.
- The intake takes nothing new if the oldest question has been open for half of the timeout, or if
  no delivery has ended for this time. So senders hear of an outage of the sink at once.
- The keys take turns when a batch is taken, and share the room (`http/shares.py`).

An intake lives as long as the process. After each failure of a listener, a new listener is made,
which reads from the same intake.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from consumer.http.shares import Shares
from consumer.listeners.http.question import Question, posted
from consumer.listeners.http.shed import NotTaken, Shed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from consumer.deliveries.delivery import Delivery
    from consumer.http.request import Request

LEAST_COUNT: Final = 100
"""The intake may always hold so many deliveries, even if they end slowly."""
FIRST_COUNT: Final = 1000
"""The intake may hold so many deliveries as long as no question has been open for `YOUNG_SHARE` of
the timeout. A key that posts alone gets half of it, which is a full batch."""
YOUNG_SHARE: Final = 0.1
"""A question that is open for longer than this share of the timeout is a sign of too much work."""
WAITING_SHARE: Final = 0.5
"""The share of the timeout for which the intake wants to hold a delivery at most."""
MEMORY_SHARE: Final = 0.9
"""The weight of all earlier batches after each new batch, when the rate is measured. So the rate is
that of about the last ten batches."""


class Intake:
    """The deliveries that were posted to one lane and have not ended.

    Args:
        answer_timeout_s: How long a sender waits, in seconds.
        max_bytes: The largest size of the bodies of all deliveries that are held, in bytes.

    Attributes:
        news: An `asyncio.Event`. It is set when a first delivery waits, when enough deliveries
            wait for a batch, and when the intake is closed.
        posted_count: The number of all deliveries that were ever posted.
    """

    def __init__(self, answer_timeout_s: float, max_bytes: int) -> None:
        self._timeout_s = answer_timeout_s
        self._waiting: dict[str, deque[Delivery]] = {}
        self._turns: deque[str] = deque()
        self._questions: deque[Question] = deque()
        """The questions in the order in which they were asked. An answered question is removed when
        it is the first in the queue."""
        self._deliveries = Shares(FIRST_COUNT)
        self._bytes = Shares(max_bytes)
        self._ended_count, self._took_s = 0.0, 0.0
        self._in_time_count = float(FIRST_COUNT)
        """The number of deliveries that end in `_longest_s`, at the rate that was measured."""
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
        """True if the lane should take a batch now: at least as many deliveries wait as it holds.

        While few deliveries are posted, the lane is empty, so it takes a delivery at once. Under
        load, there are two batches in the lane. More and smaller batches would cost more, because
        each batch makes calls to the store and to the sink.
        """
        in_lane_count = self._deliveries.held_count - self._waiting_count
        return self._waiting_count > 0 and self._waiting_count >= in_lane_count

    def open(self) -> None:
        """Let questions in: a lane reads from the intake now."""
        # Python asks the system for the process' number each time it looks for the running loop.
        # That took 6 % of the time of a request.
        self._loop = asyncio.get_running_loop()
        self._open = True

    def close(self) -> None:
        """Take no more questions, and tell all waiting senders to send again."""
        self._open = False
        for question in self._questions:
            self._let_go(question, Shed.CLOSED)
        for key_id in list(self._waiting):
            self._drop_unwanted(key_id)
        self._questions.clear()
        self.news.set()

    def refuse_if_full(self, key_id: str) -> None:
        """Refuse a question of a key before the body of the request is read, if there is no room.

        Raises:
            NotTaken: The reason is `closed`, `full` or `busy`.
        """
        self._check_room(key_id, 0, 1)

    def _check_room(self, key_id: str, body_bytes: int, count: int) -> float:
        """Refuse deliveries for which there is no room. Return the time on the loop's clock."""
        if not self._open:
            raise NotTaken(Shed.CLOSED)
        if not self._bytes.has_room(key_id, body_bytes):
            raise NotTaken(Shed.FULL)
        now_s = self._loop.time()
        waited_s = self._waited_s(now_s)
        first_count = FIRST_COUNT if waited_s < self._timeout_s * YOUNG_SHARE else LEAST_COUNT
        self._deliveries.total_count = max(first_count, self._in_time_count)
        is_stuck = waited_s > self._timeout_s * WAITING_SHARE
        if is_stuck or not self._deliveries.has_room(key_id, count):
            raise NotTaken(Shed.BUSY)
        return now_s

    async def ask(
        self,
        request: Request,
        key_id: str,
        make: Callable[[Question], list[Delivery]],
        taken: Callable[[int], None] = lambda _: None,
    ) -> list[Delivery]:
        """Hand deliveries to the lane, and wait until all of them have ended.

        Args:
            request: The request, which dead letters describe.
            key_id: The id of the request's key.
            make: Makes the deliveries. The token of each delivery holds the question.
            taken: Is called with the number of deliveries when the intake has taken them.

        Returns:
            The deliveries, each with its end, in the order in which `make` returned them.

        Raises:
            NotTaken: There is no room, or there was no answer in time. Some of the deliveries may
                be stored.

        Cancelling: the lane still stores the deliveries, and nobody hears how they ended.
        """
        if not self._open:
            raise NotTaken(Shed.CLOSED)
        question = _Awaited(request, key_id, answered=self._loop.create_future())
        deliveries = make(question)
        if not deliveries:
            return deliveries
        self.put(question, deliveries)
        taken(len(deliveries))
        try:
            shed = await question.answered
        finally:
            question.is_over = True
        if shed is not None:
            raise NotTaken(shed)
        return deliveries

    def put(self, question: Question, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries to the lane. `ended` or `let_go` of the question is called later.

        Args:
            question: A new question.
            deliveries: At least one delivery. The token of each delivery holds the question.

        Raises:
            NotTaken: There is no room. Nothing was taken.
        """
        key_id, count = question.key_id, len(deliveries)
        body_bytes = 0
        for delivery in deliveries:
            body_bytes += len(delivery.body)
        now_s = self._check_room(key_id, body_bytes, count)
        question.until_s = now_s + self._timeout_s
        question.open_count = count
        if not self._deliveries.held_count:
            self._last_end_s = now_s  # the lane was idle until now
        self._deliveries.take(key_id, count)
        self._bytes.take(key_id, body_bytes)
        self._add(key_id, deliveries)
        self._questions.append(question)
        if self._timer is None:
            self._timer = self._loop.call_at(question.until_s, self._expire)

    def _add(self, key_id: str, deliveries: Sequence[Delivery]) -> None:
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
        """Return waiting deliveries for a batch. The keys take turns, one delivery at a time.

        Args:
            max_count: The largest number of deliveries.
            max_bytes: The largest size of all their bodies together, in bytes. The first delivery
                is returned even if it is larger.
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
            if not queue:
                turns.popleft()
                del waiting[key_id]
            elif len(turns) > 1:
                turns.rotate(-1)
        self._waiting_count -= len(taken)
        return taken

    def ended(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the senders how their deliveries ended, which have left the lane."""
        for delivery in deliveries:
            question = posted(delivery).question
            self._release(question.key_id, delivery)
            question.open_count -= 1
            if not question.open_count and not question.is_over:
                question.is_over = True
                question.ended(delivery)
        self._measure(len(deliveries))
        if self.has_batch:
            self.news.set()

    def _measure(self, count: int) -> None:
        """Measure the rate at which deliveries end, for the limit of deliveries that are held."""
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
        """Return how long the oldest question has been open, or for how long nothing has ended.

        The longer of these two times is returned. If no delivery is held, the time is 0.
        """
        questions = self._questions
        while questions and questions[0].is_over:
            questions.popleft()
        if not self._deliveries.held_count:
            return 0.0
        asked_s = questions[0].until_s - self._timeout_s if questions else now_s
        return now_s - min(asked_s, self._last_end_s)

    def _expire(self) -> None:
        """Answer the questions whose time is over with `late`, and set a timer for the next."""
        self._timer = None
        loop = self._loop
        now_s = loop.time()
        while self._questions:
            question = self._questions[0]
            if not question.is_over:
                if question.until_s > now_s:
                    self._timer = loop.call_at(question.until_s, self._expire)
                    return
                self._let_go(question, Shed.LATE)
                self._drop_unwanted(question.key_id)
            self._questions.popleft()

    def _let_go(self, question: Question, why: Shed) -> None:
        if not question.is_over:
            question.is_over = True
            question.let_go(why)

    def _drop_unwanted(self, key_id: str) -> None:
        """Drop the oldest waiting deliveries of a key, as long as their senders have gone."""
        queue = self._waiting.get(key_id)
        if queue is None:
            return
        while queue and posted(queue[0]).question.is_over:
            self._waiting_count -= 1
            self._release(key_id, queue.popleft())
        if not queue:
            del self._waiting[key_id]
            self._turns.remove(key_id)

    def _release(self, key_id: str, delivery: Delivery) -> None:
        self._deliveries.give_back(key_id, 1)
        self._bytes.give_back(key_id, len(delivery.body))


class _Awaited(Question, eq=False, kw_only=True):
    """A question for whose answer a task waits.

    Attributes:
        answered: The future of the answer: None once all deliveries have ended, otherwise the
            reason why the sender has to send again.
    """

    answered: asyncio.Future[Shed | None]

    def ended(self, _: Delivery, /) -> None:
        """See `Question.ended`."""
        self._resolve(None)

    def let_go(self, why: Shed, /) -> None:
        """See `Question.let_go`."""
        self._resolve(why)

    def _resolve(self, why: Shed | None) -> None:
        if not self.answered.done():  # otherwise the task was cancelled a moment ago
            self.answered.set_result(why)
