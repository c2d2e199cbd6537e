"""Publishes to a JetStream stream, the sink for everything that must not be lost.

Responsible for sending a batch in one go and for matching each confirmation (PubAck) to its
message. Not responsible for the settings of the stream (`nats/stream.py`), nor for trying again
(`publish.py`).

All confirmations come to one subscription. The last token of the subject to which the server
replies is a counter of this process. nats-py's own `publish_async` does the same, but it costs
more: it uses a random token, a semaphore and a callback for each message.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
import nats.errors
import structlog

from consumer.errors import SinkUnavailable
from consumer.nats.explain import PERMISSION_MISSING, explained
from consumer.nats.message import stored_message
from consumer.nats.stream import SeenStream, StreamPlan, prepare_stream, see_stream
from consumer.parts.nats_part import CHECK_TIMEOUT_S
from consumer.sinks.base import Message, Receipt
from consumer.sinks.connected import ConnectedSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js.api import RawStreamMsg

    from consumer.nats.connection import NatsSettings
    from consumer.operations.caveat import Caveat

IN_PROCESS: Final = 10158
"""The server's error code while it is storing another message with the same id. It does not store
this message, and does not know yet whether it is a duplicate. The next try gets the answer:
https://github.com/nats-io/nats-server/pull/6486"""


TOO_LARGE: Final = 10054
"""The server's error code for a message that is larger than the stream's `max_msg_size`."""
NO_NUMBER: Final = 2**63 - 1
"""A sequence that no message of a stream has."""

log = structlog.get_logger()


class _PubAckError(msgspec.Struct):
    code: int
    err_code: int = 0
    description: str = ""


class _PubAck(msgspec.Struct):
    """The server's answer: https://docs.nats.io/reference/reference-protocols/nats_api_reference."""

    error: _PubAckError | None = None
    stream: str = ""
    seq: int = 0
    duplicate: bool = False


_decode_puback = msgspec.json.Decoder(_PubAck).decode


class _OverLimitError(SinkUnavailable):
    """The stream has a lower limit than we know."""


class _Flight:
    """The messages of one `publish` call, and the answer to each of them.

    Attributes:
        answers: The answers in the order of the messages. None means that there is no answer yet.
        open_count: The number of messages that have no answer yet.
        landed: The future that is done once every message has its answer.
    """

    __slots__ = ("answers", "landed", "open_count")

    def __init__(self, count: int) -> None:
        self.answers: list[Receipt | SinkUnavailable | None] = [None] * count
        self.open_count = count
        self.landed = asyncio.get_running_loop().create_future()

    def land(self, index: int, answer: Receipt | SinkUnavailable) -> None:
        if self.answers[index] is None:
            self.answers[index] = answer
            self.open_count -= 1
            if not self.open_count and not self.landed.done():
                self.landed.set_result(None)


class JetStreamSink(ConnectedSink):
    """Publishes to a stream and waits for its confirmations.

    Args:
        connection: How to reach the server.
        plan: The stream that is wanted.
        name: The connection's name, for the server's monitoring.
        publish_timeout_s: How long a confirmation may take, in seconds.
    """

    def __init__(
        self, connection: NatsSettings, plan: StreamPlan, *, name: str, publish_timeout_s: float
    ) -> None:
        super().__init__(connection, name=name)
        self._plan = plan
        self._publish_timeout_s = publish_timeout_s
        self._inbox = ""
        self._seen: SeenStream | None = None
        self._changed = ""
        self._sent_count = 0
        self._flights: dict[str, tuple[_Flight, int]] = {}

    async def prepare(self, client: Client, /) -> list[Caveat]:
        """See `ConnectedSink.prepare`. Prepares the stream and subscribes to confirmations."""
        stream = await prepare_stream(client, self._plan)
        if self._plan.looks:
            # A missing permission shows now, and not when the first duplicate would hold its lane.
            await self._get(client, NO_NUMBER)
        inbox = client.new_inbox()
        await client.subscribe(f"{inbox}.*", cb=self._on_puback)
        self._inbox = f"{inbox}."
        await super().prepare(client)
        self._report_another(stream.seen)
        self._seen = stream.seen
        self._changed = ""
        limits_bytes = [client.max_payload, stream.seen.config.max_msg_size or -1]
        self._max_message_bytes = min(limit for limit in limits_bytes if limit > 0)
        return stream.caveats

    def _report_another(self, seen: SeenStream) -> None:
        """Report that the stream is not the stream that stored our messages before."""
        if self._seen is not None and self._seen.created != seen.created:
            log.error(
                "stream was deleted and made anew",
                stream=self._plan.name,
                why="the messages that it held are gone",
            )

    async def check(self) -> None:
        """See `Part.check`. Looks also whether the stream is still the stream that was prepared.

        If the stream has changed, the sink gives up its connection. From this moment on, the sink
        sends nothing until the next opening has judged the stream as at the start.
        """
        await super().check()
        name = self._plan.name
        seen = await see_stream(self.client, name, CHECK_TIMEOUT_S)
        if seen == self._seen:
            return
        if seen is None:
            why = f"stream {name} was deleted"
        elif self._seen is not None and seen.created != self._seen.created:
            why = f"stream {name} was made anew"
        else:
            why = f"the settings of stream {name} were changed"
        self._changed = why
        await self._land_all()
        await self.give_up(why)
        raise SinkUnavailable(why)

    async def _land_all(self) -> None:
        """Wait for the confirmations that are under way, up to their deadline.

        What is stored and not confirmed would be sent again, and a stream that was changed may have
        forgotten the message ids.
        """
        landings = {flight.landed for flight, _ in self._flights.values()}
        if landings:
            await asyncio.wait(landings, timeout=self._publish_timeout_s)

    def abandon(self, why: str) -> None:
        """See `ConnectedSink.abandon`. No confirmation can come any more."""
        flights, self._flights = self._flights, {}
        for flight, index in flights.values():
            flight.land(index, SinkUnavailable(why))

    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """See `Sink.publish`.

        If a message is refused as too large, somebody must have changed the stream. Then the stream
        is checked at once.
        """
        if not messages:
            return []
        try:
            client = self.client
        except SinkUnavailable as away:
            return [away for _ in messages]
        if self._changed:
            return [SinkUnavailable(self._changed) for _ in messages]
        flight = await self._fly(client, messages)
        if any(isinstance(answer, _OverLimitError) for answer in flight.answers):
            with contextlib.suppress(SinkUnavailable):
                await self.check()
        return [answer for answer in flight.answers if answer is not None]

    async def _fly(self, client: Client, messages: Sequence[Message]) -> _Flight:
        """Send messages, and wait until each has an answer or the deadline is over."""
        flight = _Flight(len(messages))
        tokens: list[str] = []
        try:
            for index, message in enumerate(messages):
                token = self._take_off(flight, index)
                tokens.append(token)
                await self._send(client, flight, index, message, token)
            async with asyncio.timeout(self._publish_timeout_s):
                await flight.landed
        except TimeoutError:
            refused = PERMISSION_MISSING in self.complaint.lower()
            late = SinkUnavailable(self._why_late(), refused=refused)
            for index in range(len(messages)):
                flight.land(index, late)
        finally:
            for token in tokens:
                self._flights.pop(token, None)
        return flight

    async def keeps(self, number: int, message_id: str, /) -> bool:
        """See `Sink.keeps`. The server sends the whole message."""
        message = await self._get(self.client, number)
        return message is not None and (message.headers or {}).get("Nats-Msg-Id") == message_id

    async def _get(self, client: Client, number: int) -> RawStreamMsg | None:
        stream = self._plan.name
        with explained(
            stream,
            missing="was it deleted just now?",
            request=f"$JS.API.STREAM.MSG.GET.{stream}",
            client=client,
        ):
            jetstream = client.jetstream(timeout=self._publish_timeout_s)
            return await stored_message(jetstream, stream, number)

    def _take_off(self, flight: _Flight, index: int) -> str:
        """Return the token with which the server's answer to a message comes back."""
        self._sent_count += 1
        token = str(self._sent_count)
        self._flights[token] = (flight, index)
        return token

    async def _send(
        self, client: Client, flight: _Flight, index: int, message: Message, token: str
    ) -> None:
        try:
            await client.publish(
                message.subject,
                message.body,
                reply=self._inbox + token,
                headers={"Nats-Msg-Id": message.message_id, **message.headers},
            )
        except (nats.errors.Error, OSError) as error:
            flight.land(index, SinkUnavailable(str(error) or type(error).__name__))

    async def _on_puback(self, msg: Msg) -> None:
        token = msg.subject.rpartition(".")[2]
        flight, index = self._flights.get(token, (None, 0))
        if flight is None:  # its deadline is over; the message is sent again under the same id
            return
        answer = _answer(msg.data, self._plan)
        if isinstance(answer, str):
            # It is not from our stream, whose own answer may still come.
            self.complaint = answer
            return
        del self._flights[token]
        flight.land(index, answer)

    def _why_late(self) -> str:
        why = (
            f"no confirmation within {self._publish_timeout_s:g} s: is the server frozen, or its "
            "disk full? Its log tells"
        )
        return f"{why}; the server said: {self.complaint}" if self.complaint else why


def _answer(data: bytes, plan: StreamPlan) -> Receipt | SinkUnavailable | str:
    """Read an answer to a message.

    Returns:
        The sink's answer. If it is not an answer of our stream, a text that says what it is.
    """
    stream = plan.name
    if not data:  # the server's "no responders" status: no stream takes this subject
        return SinkUnavailable(f"no stream stores this subject: was {stream} deleted or changed?")
    try:
        ack = _decode_puback(data)
    except msgspec.DecodeError as error:
        return f"not a confirmation: {error}"
    if ack.error is None:
        if ack.stream != stream or not ack.seq:
            # Either a subscriber answers every message that has a reply subject, or the answer
            # is from another stream, whose retention and window were never checked.
            who = f"stream {ack.stream}" if ack.stream else "a subscriber"
            return f"answered by {who}, not by stream {stream}: was it changed?"
        return _receipt(ack, plan)
    return _refusal(ack.error)


def _refusal(error: _PubAckError) -> SinkUnavailable:
    if error.err_code == IN_PROCESS:
        return SinkUnavailable("a copy is being stored at this moment")
    kind = _OverLimitError if error.err_code == TOO_LARGE else SinkUnavailable
    return kind(f"{error.description} (error {error.err_code})")


def _receipt(ack: _PubAck, plan: StreamPlan) -> Receipt:
    if ack.duplicate:
        return Receipt(earlier_number=ack.seq)
    return Receipt(number=ack.seq) if plan.looks else Receipt.STORED
