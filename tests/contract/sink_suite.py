"""What every sink does, and what those that recognise copies do besides."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from consumer.errors import SinkUnavailable
from consumer.sinks.base import Message, Receipt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.sinks.base import Sink

WITHIN_S = 15.0
PUBLISH_TIMEOUT_S = 2.0


class Place(ABC):
    """Where one test's messages go: subjects of its own, and a look at what is stored there.

    Attributes:
        prefix: first token of every subject that is stored.
    """

    prefix: str

    @abstractmethod
    def sink(self) -> Sink:
        """Make a new, unopened sink that stores here, through the proxy where there is one."""

    @abstractmethod
    async def stored(self, count: int) -> list[Message]:
        """Return what is stored, oldest first, once it is so many."""

    async def drop(self, number: int) -> None:
        """Delete a message that is stored here. The number counts from 1."""
        raise NotImplementedError

    @abstractmethod
    def cut(self) -> None:
        """Break the sinks' connections."""

    def message(self, body: bytes = b"{}", message_id: str | None = None) -> Message:
        """Return a message that is stored here, by default with an id of its own."""
        headers = {"Content-Type": "application/cloudevents+json"}
        return Message(f"{self.prefix}.bet", body, message_id or secrets.token_hex(16), headers)


def elsewhere(message: Message) -> Message:
    """Return it under a subject that nothing stores."""
    return Message("nowhere.bet", message.body, message.message_id, message.headers)


class SinkContract:
    """The suite. A subclass provides `place`."""

    @pytest.fixture
    async def sink(self, place: Place) -> AsyncIterator[Sink]:
        """Return an open sink."""
        sink = place.sink()
        await sink.open()
        yield sink
        await sink.close()

    async def test_messages_are_stored_in_order(self, place: Place, sink: Sink) -> None:
        """Over many calls."""
        sent = [place.message(str(number).encode()) for number in range(100)]
        for start in range(0, 100, 10):
            assert await sink.publish(sent[start : start + 10]) == [Receipt.STORED] * 10
        assert [message.body for message in await place.stored(100)] == [m.body for m in sent]

    @pytest.mark.parametrize("body", [b"", b"{}", b"\xff\x00\r\n", b"x" * 500_000])
    async def test_body_and_headers_are_stored_untouched(
        self, place: Place, sink: Sink, body: bytes
    ) -> None:
        """With subject and id."""
        sent = Message(f"{place.prefix}.win", body, "id-1", {"A": "b: c", "Dead-Error": "%0A ~"})
        await sink.publish([sent])
        assert await place.stored(1) == [sent]

    async def test_thousand_messages_pass_in_one_call(self, place: Place, sink: Sink) -> None:
        """All of them confirmed and in order."""
        sent = [place.message(str(number).encode()) for number in range(1000)]
        assert await sink.publish(sent) == [Receipt.STORED] * 1000
        assert [message.body for message in await place.stored(1000)] == [m.body for m in sent]

    async def test_publishers_at_the_same_time_get_their_own_answers(
        self, place: Place, sink: Sink
    ) -> None:
        """Lanes share one sink; each keeps its own order."""
        first, second = (
            [place.message(f"{lane}{number:03}".encode()) for number in range(100)] for lane in "ab"
        )
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(sink.publish(sent)) for sent in (first, second)]
        assert all(call.result() == [Receipt.STORED] * 100 for call in calls)
        bodies = [message.body for message in await place.stored(200)]
        assert [body for body in bodies if body[:1] == b"a"] == [m.body for m in first]
        assert [body for body in bodies if body[:1] == b"b"] == [m.body for m in second]

    async def test_nothing_to_publish_is_answered_empty(self, sink: Sink) -> None:
        """A batch of known duplicates, at once."""
        async with asyncio.timeout(PUBLISH_TIMEOUT_S / 2):
            assert await sink.publish([]) == []

    async def test_unopened_sink_confirms_nothing(self, place: Place) -> None:
        """And says so for each message; it knows no limit yet, and has no connection to lose."""
        sink = place.sink()
        answers = await sink.publish([place.message(), place.message()])
        assert [type(answer) for answer in answers] == [SinkUnavailable] * 2
        assert sink.max_message_bytes == 0
        assert "not connected" in await sink.wait_lost()
        with pytest.raises(SinkUnavailable):
            await sink.check()

    async def test_limit_is_known_once_open(self, sink: Sink) -> None:
        """What is larger becomes a dead letter without being tried."""
        assert sink.max_message_bytes >= 1024 * 1024

    async def test_lost_connection_is_noticed_and_made_again(
        self, place: Place, sink: Sink
    ) -> None:
        """Meanwhile nothing is confirmed; afterwards everything works."""
        await sink.publish([place.message(b"before")])
        place.cut()
        async with asyncio.timeout(WITHIN_S):
            assert await sink.wait_lost()
        (answer,) = await sink.publish([place.message(b"meanwhile")])
        assert isinstance(answer, SinkUnavailable)
        await sink.open()
        assert await sink.publish([place.message(b"after")]) == [Receipt.STORED]
        assert [message.body for message in await place.stored(2)] == [b"before", b"after"]

    async def test_open_sink_can_be_opened_again(self, place: Place, sink: Sink) -> None:
        """The old connection is closed for the new one."""
        await sink.open()
        assert await sink.publish([place.message()]) == [Receipt.STORED]

    async def test_waiting_for_the_loss_goes_on_while_it_is_open(self, sink: Sink) -> None:
        """It returns for a reason only."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await sink.wait_lost()

    async def test_check_passes_while_it_is_open(self, sink: Sink) -> None:
        """As often as asked."""
        await sink.check()
        await sink.check()

    async def test_close_may_be_called_twice(self, place: Place, sink: Sink) -> None:
        """Whoever waited for the loss hears of it, and nothing is confirmed any more."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(sink.wait_lost())
            await sink.close()
            await sink.close()
        assert waiting.result() == "closed"
        (answer,) = await sink.publish([place.message()])
        assert isinstance(answer, SinkUnavailable)
        await place.sink().close()


class StoringSinkContract(SinkContract):
    """What a sink does that confirms what it stored, and recognises what it has."""

    async def test_known_id_is_answered_duplicate(self, place: Place, sink: Sink) -> None:
        """And nothing is stored again, whatever the body."""
        await sink.publish([place.message(b"1", "same")])
        both = [place.message(b"2", "same"), place.message(b"3")]
        assert await sink.publish(both) == [Receipt(earlier_number=1), Receipt.STORED]
        assert [message.body for message in await place.stored(2)] == [b"1", b"3"]

    async def test_known_id_is_recognised_over_another_connection(
        self, place: Place, sink: Sink
    ) -> None:
        """Another process's, or ours after a restart."""
        await sink.publish([place.message(b"1", "same")])
        second = place.sink()
        await second.open()
        assert await second.publish([place.message(b"2", "same")]) == [Receipt(earlier_number=1)]
        await second.close()

    async def test_message_is_kept_until_it_is_dropped(self, place: Place, sink: Sink) -> None:
        """The number of a duplicate finds it, and only together with its own id."""
        await sink.publish([place.message(message_id="other")])
        message = place.message(message_id="same")
        await sink.publish([message])
        assert await sink.publish([message]) == [Receipt(earlier_number=2)]
        kept = [await sink.keeps(number, "same") for number in (1, 2, 3)]
        assert kept == [False, True, False]
        await place.drop(2)
        assert not await sink.keeps(2, "same")
        assert await sink.publish([message]) == [Receipt(earlier_number=2)]

    async def test_unopened_sink_cannot_tell_what_is_kept(self, place: Place) -> None:
        """It does not say that a message is gone."""
        with pytest.raises(SinkUnavailable, match="not connected"):
            await place.sink().keeps(1, "same")

    async def test_subject_that_nothing_stores_is_refused_alone(
        self, place: Place, sink: Sink
    ) -> None:
        """Before any deadline; its neighbours are stored."""
        one, two, three = (place.message(str(number).encode()) for number in range(3))
        async with asyncio.timeout(PUBLISH_TIMEOUT_S / 2):
            answers = await sink.publish([one, elsewhere(two), three])
        assert answers[::2] == [Receipt.STORED] * 2
        assert "stores this subject" in str(answers[1])
        assert [message.body for message in await place.stored(2)] == [b"0", b"2"]

    async def test_copies_in_one_call_are_stored_once(self, place: Place, sink: Sink) -> None:
        """The later ones are told to be duplicates, or to come again."""
        answers = await sink.publish([place.message(b"1", "same") for _ in range(5)])
        assert answers[0] is Receipt.STORED
        assert Receipt.STORED not in answers[1:]
        assert len(await place.stored(1)) == 1
