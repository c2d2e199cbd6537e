"""What every listener does, whatever its broker: the list that a new one has to pass."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Delivery, Outcome
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.listeners.base import Listener
    from tests.support.sources import Source

MANY = 100
MEGABYTE = 1024 * 1024
WITHIN_S = 15.0


async def take(listener: Listener[Any], count: int) -> list[Delivery]:
    """Receive exactly so many."""
    taken: list[Delivery] = []
    deadline_s = time.monotonic() + WITHIN_S
    while len(taken) < count:
        assert time.monotonic() < deadline_s, f"{len(taken)} of {count} arrived"
        taken += await listener.receive(count - len(taken), 100 * MEGABYTE, 0.2)
    return taken


async def settle(listener: Listener[Any], deliveries: list[Delivery], outcome: Outcome) -> None:
    """Settle all with one outcome."""
    for delivery in deliveries:
        delivery.outcome = outcome
    await listener.settle(deliveries)


async def until_lost(listener: Listener[Any]) -> None:
    """Do what lane and supervisor do, until either notices that the connection is gone."""
    async with asyncio.timeout(WITHIN_S):
        try:
            while True:
                await listener.receive(1, MEGABYTE, 0.1)
                await listener.backlog()
        except ListenerUnavailable:
            return


async def bodies_left(source: Source) -> list[bytes]:
    """Return what a new listener still gets, after the source has said how much it is."""
    count = await source.remaining()
    listener = source.listener()
    await listener.open()
    try:
        left = await take(listener, count)
        assert await listener.receive(1, MEGABYTE, 0.3) == []
        await settle(listener, left, Outcome.ACK)
    finally:
        await listener.close()
    return [delivery.body for delivery in left]


class ListenerContract:
    """The suite. A subclass provides `source`.

    Attributes:
        tells_redelivered: the source marks what it may have delivered before.
    """

    tells_redelivered = True

    @pytest.fixture
    async def listener(self, source: Source) -> AsyncIterator[Listener[Any]]:
        """Return an open listener."""
        listener = source.listener()
        await listener.open()
        yield listener
        await listener.close()

    @pytest.mark.parametrize("body", [b"{}", b"", b"\xff\x00\r\n", b"x" * (MEGABYTE - 1024)])
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
        sent = [str(number).encode() for number in range(MANY)]
        for body in sent:
            await source.send(body)
        assert [delivery.body for delivery in await take(listener, MANY)] == sent

    async def test_receive_ends_empty_after_its_timeout(self, listener: Listener[Any]) -> None:
        """And not much later."""
        started_s = time.monotonic()
        assert await listener.receive(10, MEGABYTE, 0.2) == []
        assert time.monotonic() - started_s < 2

    async def test_single_message_is_returned_at_once(
        self, source: Source, listener: Listener[Any]
    ) -> None:
        """Batches form only from what is there already."""
        await source.send(b"one")
        started_s = time.monotonic()
        assert len(await listener.receive(500, MEGABYTE, WITHIN_S)) == 1
        assert time.monotonic() - started_s < WITHIN_S / 2

    async def test_max_count_is_respected(self, source: Source, listener: Listener[Any]) -> None:
        """The rest waits for the next call."""
        for _ in range(10):
            await source.send(b"{}")
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
        """What arrives around the cancellation comes with the next call."""
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await listener.receive(10, MEGABYTE, WITHIN_S)
        await source.send(b"after")
        (delivery,) = await take(listener, 1)
        assert delivery.body == b"after"

    @pytest.mark.parametrize("outcome", [Outcome.ACK, Outcome.REJECT])
    async def test_settled_never_comes_again(self, source: Source, outcome: Outcome) -> None:
        """Not to the next listener either."""
        for number in range(10):
            await source.send(str(number).encode())
        listener = source.listener()
        await listener.open()
        await settle(listener, await take(listener, 10), outcome)
        await listener.close()
        await eventually(source.remaining_is(0), what="an empty source")
        assert await bodies_left(source) == []

    @pytest.mark.parametrize("settled", [True, False], ids=["RETRY", "not settled"])
    async def test_given_back_comes_to_the_next_listener(
        self, source: Source, *, settled: bool
    ) -> None:
        """Marked as redelivered where the source can tell."""
        await source.send(b"again")
        first = source.listener()
        await first.open()
        taken = await take(first, 1)
        if settled:
            await settle(first, taken, Outcome.RETRY)
        await first.close()
        second = source.listener()
        await second.open()
        (delivery,) = await take(second, 1)
        await second.close()
        assert delivery.body == b"again"
        assert delivery.redelivered or not self.tells_redelivered

    async def test_settling_in_any_order_is_safe(self, source: Source) -> None:
        """Exactly what was not settled remains, whatever came before or after it."""
        sent = [str(number).encode() for number in range(20)]
        for body in sent:
            await source.send(body)
        listener = source.listener()
        await listener.open()
        taken = await take(listener, 20)
        for delivery in reversed(taken[:15]):
            await settle(listener, [delivery], Outcome.ACK)
        await listener.close()
        await eventually(source.remaining_is(5), what="five left")
        assert sorted(await bodies_left(source)) == sorted(sent[15:])

    async def test_cut_connection_is_reported(self, source: Source) -> None:
        """By `receive`, or at the latest when the source is asked for its backlog."""
        listener = source.listener()
        await listener.open()
        source.cut()
        await until_lost(listener)
        await listener.close()

    async def test_cut_connection_loses_nothing(self, source: Source) -> None:
        """What was in hand comes to the next listener; settling it late harms nobody."""
        await source.send(b"in hand")
        listener = source.listener()
        await listener.open()
        taken = await take(listener, 1)
        source.cut()
        await until_lost(listener)
        with contextlib.suppress(ListenerUnavailable):
            await settle(listener, taken, Outcome.RETRY)
        started_s = time.monotonic()
        await listener.close()
        assert time.monotonic() - started_s < 6
        await eventually(source.remaining_is(1), what="one left")
        assert await bodies_left(source) == [b"in hand"]

    async def test_backlog_counts_what_waits(self, source: Source) -> None:
        """At the source, not in this process."""
        for _ in range(5):
            await source.send(b"{}")
        listener = source.listener()
        await listener.open()
        await settle(listener, await take(listener, 5), Outcome.ACK)
        assert await listener.backlog() == 0
        await listener.close()

    async def test_unreachable_source_is_told_in_time(self, source: Source) -> None:
        """With an error that the supervisor understands."""
        listener = self.unreachable(source)
        started_s = time.monotonic()
        with pytest.raises(ListenerUnavailable, match=r".{10}"):
            await listener.open()
        await listener.close()
        assert time.monotonic() - started_s < 20

    async def test_close_may_come_twice_or_without_open(self, source: Source) -> None:
        """It frees what there is."""
        never_opened = source.listener()
        await never_opened.close()
        listener = source.listener()
        await listener.open()
        await listener.close()
        await listener.close()

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
