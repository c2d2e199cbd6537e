"""What every listener does, whatever its broker: the list that a new one has to pass.

Those on a network pass `listener_outages.py` as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from consumer.errors import ListenerUnavailable
from tests.support.eventually import eventually
from tests.support.fates import REJECTED, STORED, end_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from consumer.deliveries.delivery import Delivery, Fate
    from consumer.listeners.base import Listener
    from tests.support.sources import Source

MANY = 100
MEGABYTE = 1024 * 1024
WITHIN_S = 15.0
ANSWER_S = 6.0
"""What the contract gives `backlog` and `close`, 5 s, and a little for a busy machine."""
OPEN_S = 30.0
"""The supervisor's patience with `open`."""


async def send_many(source: Source, count: int, *, padding: str = "") -> list[bytes]:
    """Send so many, numbered, and return their bodies."""
    bodies = [f"{number}{padding}".encode() for number in range(count)]
    for body in bodies:
        await source.send(body)
    return bodies


async def opened(listener: Listener[Any]) -> Listener[Any]:
    """Open it."""
    await listener.open()
    return listener


async def take(listener: Listener[Any], count: int) -> list[Delivery]:
    """Receive exactly so many."""
    taken: list[Delivery] = []
    deadline_s = time.monotonic() + WITHIN_S
    while len(taken) < count:
        assert time.monotonic() < deadline_s, f"{len(taken)} of {count} arrived"
        taken += await listener.receive(count - len(taken), 100 * MEGABYTE, 0.2)
    return taken


async def settle(listener: Listener[Any], deliveries: list[Delivery], fate: Fate = STORED) -> None:
    """Settle all with one fate."""
    end_all(deliveries, fate)
    await listener.settle(deliveries)


async def until_lost(listener: Listener[Any], *, ask: bool) -> None:
    """Receive, and ask for the backlog besides, until the connection is known to be gone."""
    async with asyncio.timeout(WITHIN_S):
        try:
            while True:
                await listener.receive(1, MEGABYTE, 0.1)
                await (listener.backlog() if ask else asyncio.sleep(0))
        except ListenerUnavailable:
            return


@contextlib.contextmanager
def at_most(limit_s: float) -> Iterator[None]:
    """Fail when the block took longer; unlike a timeout, without cancelling anything."""
    started_s = time.monotonic()
    yield
    assert time.monotonic() - started_s < limit_s


async def bodies_left(source: Source) -> list[bytes]:
    """Return what a new listener still gets, after the source has said how much it is.

    Or more: a busy broker hears late of a connection that was cut, and gives back late.
    """
    count = await source.remaining()
    listener = await opened(source.listener())
    try:
        left = await take(listener, count)
        while late := await listener.receive(100, MEGABYTE, 0.3):
            left += late
        await settle(listener, left)
    finally:
        await listener.close()
    return [delivery.body for delivery in left]


class ReceivingContract:
    """What every listener does, also if its source keeps nothing. A subclass provides `source`."""

    @pytest.fixture
    async def listener(self, source: Source) -> AsyncIterator[Listener[Any]]:
        """Return an open listener."""
        listener = await opened(source.listener())
        yield listener
        await listener.close()

    @pytest.mark.parametrize("body", [b"{}", b"", b"\xff\x00\r\n", b"x" * 1_000_000])
    async def test_body_arrives_untouched(
        self, source: Source, listener: Listener[Any], body: bytes
    ) -> None:
        """Whatever its bytes are."""
        await source.send(body)
        (delivery,) = await take(listener, 1)
        assert delivery.body == body

    @pytest.mark.parametrize("message_type", ["CASINO", "casino", None])
    async def test_message_type_is_as_sent(
        self, source: Source, listener: Listener[Any], message_type: str | None
    ) -> None:
        """None where the message carries none."""
        await source.send(b"{}", message_type)
        (delivery,) = await take(listener, 1)
        assert delivery.message_type == message_type

    async def test_content_encoding_is_carried(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """And absent where there is none."""
        await source.send(b"{}", content_encoding="gzip")
        await source.send(b"{}")
        encoded, plain = await take(listener, 2)
        assert encoded.content_encoding == "gzip"
        assert not plain.content_encoding

    async def test_order_of_the_source_is_kept(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """Over many batches."""
        sent = await send_many(source, MANY)
        assert [delivery.body for delivery in await take(listener, MANY)] == sent

    async def test_receive_ends_empty_after_its_timeout(self, listener: Listener[Any]) -> None:
        """Not before, which would be a busy loop, and not much later."""
        started_s = time.monotonic()
        assert await listener.receive(10, MEGABYTE, 0.3) == []
        assert 0.2 < time.monotonic() - started_s < 2

    async def test_single_message_is_returned_at_once(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """Batches form only from what is there already."""
        await source.send(b"one")
        with at_most(WITHIN_S / 2):
            assert len(await listener.receive(500, MEGABYTE, WITHIN_S)) == 1

    async def test_waiting_receive_is_woken(self, source: Source, listener: Listener[Any]) -> None:
        """By the first message, while other tasks ask and settle over the same connection."""
        await source.send(b"first")
        taken = await take(listener, 1)
        with at_most(WITHIN_S / 2):
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(listener.receive(10, MEGABYTE, WITHIN_S))
                await settle(listener, taken)
                await listener.backlog()
                await source.send(b"second")
        assert [delivery.body for delivery in waiting.result()] == [b"second"]

    async def test_max_count_is_respected(self, source: Source, listener: Listener[Any]) -> None:
        """The rest waits for the next call."""
        await send_many(source, 10)
        total = 0
        while total < 10:
            batch = await listener.receive(3, MEGABYTE, WITHIN_S)
            assert 0 < len(batch) <= 3
            total += len(batch)

    async def test_max_bytes_is_respected(self, source: Source, listener: Listener[Any]) -> None:
        """But one larger body always passes."""
        for size in (40, 40, 40, 400):
            await source.send(b"x" * size)
        sizes: list[int] = []
        while len(sizes) < 4:
            batch = [len(delivery.body) for delivery in await listener.receive(10, 100, WITHIN_S)]
            assert sum(batch) <= 100 or len(batch) == 1
            sizes += batch
        assert sizes == [40, 40, 40, 400]

    async def test_cancelled_receive_loses_nothing(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """What arrives around the cancellation comes with the next call, in order."""
        sent = [str(number).encode() for number in range(30)]
        got: list[bytes] = []
        for body in sent:
            await source.send(body)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.001):
                    got += [one.body for one in await listener.receive(2, MEGABYTE, WITHIN_S)]
        got += [one.body for one in await take(listener, len(sent) - len(got))]
        assert got == sent

    async def test_close_may_come_twice_or_without_open(self, source: Source) -> None:
        """It frees what there is."""
        never_opened = source.listener()
        await never_opened.close()
        listener = await opened(source.listener())
        await listener.close()
        await listener.close()


class ListenerContract(ReceivingContract):
    """What a listener does whose source keeps what is not settled.

    Attributes:
        tells_redelivered: the source marks what it may have delivered before.
        remembers_gaps: it remembers each settled delivery, not only how far all are settled.
        mends_itself: its library connects again unasked, so that an outage shows in `backlog`
            only, which the supervisor asks for.
        narrow: options that let it take but a few messages at a time.
        nobody: an address that nobody listens at; the error shall name it.
    """

    tells_redelivered = True
    remembers_gaps = True
    mends_itself = False
    narrow: ClassVar[dict[str, int]] = {"max_batch_count": 1, "max_buffered_bytes": 10_000}
    nobody = "127.0.0.1:1"

    @pytest.mark.parametrize("fate", [STORED, REJECTED], ids=["stored", "dead"])
    async def test_settled_never_comes_again(
        self, source: Source, listener: Listener[Any], fate: Fate
    ) -> None:
        """Not to the next listener either."""
        await send_many(source, 10)
        await settle(listener, await take(listener, 10), fate)
        await listener.close()
        await eventually(source.remaining_is(0), what="an empty source")
        assert await bodies_left(source) == []

    async def test_unsettled_comes_to_the_next_listener(self, source: Source) -> None:
        """Marked as redelivered where the source can tell."""
        await source.send(b"again")
        first = await opened(source.listener())
        await take(first, 1)
        await first.close()
        second = await opened(source.listener())
        (delivery,) = await take(second, 1)
        await second.close()
        assert delivery.body == b"again"
        assert delivery.redelivered or not self.tells_redelivered

    async def test_settling_in_any_order_is_safe(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """Exactly what was not settled remains, whatever came before or after it."""
        sent = await send_many(source, 20)
        taken = await take(listener, 20)
        for delivery in reversed(taken[:15]):
            await settle(listener, [delivery])
        await listener.close()
        await eventually(source.remaining_is(5), what="five left")
        assert sorted(await bodies_left(source)) == sorted(sent[15:])

    async def test_gap_is_never_jumped(self, source: Source, listener: Listener[Any]) -> None:
        """What is settled behind something unsettled may come again, the latter must."""
        sent = await send_many(source, 20)
        taken = await take(listener, 20)
        await settle(listener, [*taken[:5], *taken[6:10], *taken[11:]])
        await listener.close()
        open_bodies = [sent[5], sent[10]]
        if self.remembers_gaps:
            await eventually(source.remaining_is(len(open_bodies)), what="two left")
        left = await bodies_left(source)
        # Sorted: what comes again may have overtaken another on its way back.
        assert sorted(left) == sorted(open_bodies if self.remembers_gaps else sent[5:])

    async def test_keeping_changes_nothing(self, source: Source, listener: Listener[Any]) -> None:
        """Neither for what is held nor for what comes after it."""
        await source.send(b"held")
        taken = await take(listener, 1)
        await listener.keep(taken)
        await settle(listener, taken)
        await listener.keep([])
        await source.send(b"next")
        (delivery,) = await take(listener, 1)
        assert delivery.body == b"next"

    async def test_cut_connection_is_reported(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """To a `receive` that is waiting already, and to each call after it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(until_lost(listener, ask=self.mends_itself))
            await asyncio.sleep(0)
            source.cut()
        with pytest.raises(ListenerUnavailable):
            await listener.backlog()
        if not self.mends_itself:
            with pytest.raises(ListenerUnavailable):
                await listener.receive(1, MEGABYTE, 0.1)

    async def test_cut_connection_loses_nothing(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """What was in hand comes to the next listener, and closing the broken one is quick."""
        await source.send(b"in hand")
        await take(listener, 1)
        source.cut()
        await until_lost(listener, ask=self.mends_itself)
        with at_most(ANSWER_S):
            await listener.close()
        await eventually(source.remaining_is(1), what="one left")
        assert await bodies_left(source) == [b"in hand"]

    async def test_settling_after_a_cut_is_harmless(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """It is refused, or reaches the source, or comes to nothing; other errors are bugs."""
        await send_many(source, 2)
        first, _ = await take(listener, 2)
        source.cut()
        with contextlib.suppress(ListenerUnavailable):
            await settle(listener, [first])
            await listener.keep([])
        await listener.close()
        assert b"1" in await bodies_left(source)

    async def test_backlog_counts_what_waits(self, source: Source) -> None:
        """At the source, not in this process, and nothing once all has arrived."""
        await send_many(source, MANY, padding="x" * 1000)
        listener = await opened(source.listener(**self.narrow))
        await settle(listener, await take(listener, 1))
        waiting = await listener.backlog()
        assert waiting is not None
        assert 0 < waiting < MANY
        for _ in range(MANY - 1):
            await settle(listener, await take(listener, 1))
        assert await listener.backlog() == 0
        await listener.close()

    async def test_look_takes_nothing(self, source: Source) -> None:
        """What waited before the look waits after it, and comes to the next listener."""
        await send_many(source, 3)
        looking = source.listener()
        with at_most(OPEN_S):
            await looking.look()
            await looking.close()
        assert await source.remaining() == 3
        listener = await opened(source.listener())
        taken = await take(listener, 3)
        assert not any(delivery.redelivered for delivery in taken)
        await listener.close()

    async def test_unreachable_source_is_told_in_time(self, source: Source) -> None:
        """With an error that the supervisor understands, and an operator too."""
        listener = self.unreachable(source)
        with (
            at_most(OPEN_S),
            pytest.raises(ListenerUnavailable, match=re.escape(self.nobody)),
        ):
            await listener.open()
        await listener.close()

    async def test_closed_listener_leaves_no_task(self, source: Source) -> None:
        """Nor does one that is closed while deliveries arrive."""
        await send_many(source, MANY)
        before = asyncio.all_tasks()
        listener = await opened(source.listener())
        await take(listener, 1)
        await listener.close()
        await eventually(lambda: asyncio.all_tasks() <= before, within_s=2, what="no task left")

    async def test_origin_survives_hostile_headers(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """And names where the delivery was."""
        await source.send(b"{}", headers={"Nats-Msg-Id": "x", "x-long": "y" * 5000, "x-odd": "é\t"})
        (delivery,) = await take(listener, 1)
        origin = listener.origin(delivery)
        assert origin.coordinates
        assert "Nats-Msg-Id" in origin.headers

    def unreachable(self, source: Source) -> Listener[Any]:
        """Return a listener for an address where nobody answers."""
        raise NotImplementedError
