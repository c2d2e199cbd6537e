"""Tests acknowledgements against a model of the broker that is as strict as RabbitMQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, strategies as st
from pamqp import frame
from pamqp.commands import Basic

from consumer.listeners.rabbitmq.frames import KeptFrames
from consumer.listeners.rabbitmq.settle import Settlement
from tests.support.fates import sent

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery


class Broker:
    """Remembers of a channel what RabbitMQ remembers."""

    def __init__(self, count: int) -> None:
        self.open = set(range(1, count + 1))
        self.acked: set[int] = set()

    def take(self, data: bytes) -> list[Basic.Ack]:
        """Apply the frames. To name a settled tag is an error, as it is in RabbitMQ."""
        methods = []
        while data:
            used, channel, method = frame.unmarshal(data)
            data = data[used:]
            assert channel == 1
            assert isinstance(method, Basic.Ack)
            assert method.delivery_tag in self.open, "unknown delivery tag"
            self._settle(method)
            methods.append(method)
        return methods

    def _settle(self, method: Basic.Ack) -> None:
        tag = method.delivery_tag or 0
        tags = {other for other in self.open if other <= tag} if method.multiple else {tag}
        self.open -= tags
        self.acked |= tags


def delivery(tag: int) -> Delivery:
    """Return a delivery that has a tag, which is all that settling needs."""
    return sent(token=KeptFrames(tag, b"", b""))


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[list[Delivery]]]:
    """Draw how many deliveries there are, and batches of those that are settled, in any order."""
    count = draw(st.integers(1, 30))
    order = draw(st.permutations(range(1, count + 1)))
    settled = order[: draw(st.integers(0, count))]
    deliveries = [delivery(tag) for tag in settled]
    size = draw(st.integers(1, 10))
    return count, [deliveries[at : at + size] for at in range(0, len(deliveries), size)]


@given(histories())
def test_the_broker_hears_of_each_delivery_once_and_of_nothing_else(
    history: tuple[int, list[list[Delivery]]],
) -> None:
    """After every call: no `multiple` has settled too much, and no tag was named twice."""
    count, batches = history
    broker, settlement = Broker(count), Settlement()
    acked: set[int] = set()
    for batch in batches:
        broker.take(settlement.frames(batch))
        for one in batch:
            assert isinstance(one.token, KeptFrames)
            acked.add(one.token.tag)
        assert broker.acked == acked


def test_a_batch_in_order_is_one_frame() -> None:
    """In the usual case a message costs no frame of its own."""
    batch = [delivery(tag) for tag in range(1, 501)]
    methods = Broker(500).take(Settlement().frames(batch))
    assert [(m.delivery_tag, m.multiple) for m in methods] == [(500, True)]


def test_nothing_to_settle_is_nothing_to_say() -> None:
    """A call without deliveries writes no frame."""
    assert Settlement().frames([]) == b""
