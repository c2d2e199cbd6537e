"""Makes the durable consumer of a JetStream listener, refuses an unfit one, and looks after it.

The options of a consumer are explained at
https://docs.nats.io/nats-concepts/jetstream/consumers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import nats.errors
import structlog
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from consumer.errors import ListenerUnavailable
from consumer.listeners.nats.progress import DurableProgress, Look
from consumer.nats.subjects import overlap

if TYPE_CHECKING:
    from nats.js.api import ConsumerInfo, StreamConfig, StreamInfo
    from nats.js.client import JetStreamContext

    from consumer.listeners.base import PassedOver
    from consumer.listeners.nats.settings import NatsListenerSettings

STREAM_NOT_FOUND: Final = 10059
"""The server's error code for a missing stream. A missing consumer has the same status, 404."""
DEFAULT_ACK_WAIT_S: Final = 30.0
"""The server's own default, in seconds."""
EVICTED: Final = "the stream deleted them before they were read: a limit of it, a purge, or by hand"
ANEW: Final = "the stream was deleted and made anew. It is read from its beginning"

log = structlog.get_logger()


class Durable:
    """The durable consumer of one listener, over one connection.

    Args:
        name: The listener's name, for the log.
        settings: The options of the listener.
        jetstream: The connection's JetStream context.
        passed: Where lost messages are counted.

    Attributes:
        ack_wait_s: The time for which the consumer waits for an acknowledgement before it delivers
            a message again, in seconds.
        withheld: See `Listener.withheld`.
        never: Why no message can come: the stream does not store the subject. Empty if it does.
    """

    def __init__(
        self,
        name: str,
        settings: NatsListenerSettings,
        jetstream: JetStreamContext,
        passed: PassedOver,
    ) -> None:
        self._settings = settings
        self._jetstream = jetstream
        self._passed = passed
        self._stream = settings.stream or ""
        self._progress = DurableProgress.of(name, settings.url, self._stream, settings.durable)
        self._log = log.bind(listener=name, stream=self._stream, durable=settings.durable)
        self._config = ConsumerConfig()
        self.ack_wait_s = DEFAULT_ACK_WAIT_S
        self.withheld: str | None = None
        self.never = ""

    async def open(self) -> None:
        """Check the consumer that exists, or make it.

        Raises:
            ListenerUnavailable: The consumer is not fit, or cannot be made (`reason="refused"`), or
                the server does not answer (`reason="lost"`). The text says what to do.
        """
        try:
            stream = await self._jetstream.stream_info(self._stream)
            consumer = await self._find() or await self._make(stream)
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise _explain(self._stream, error) from error
        config = self._config = consumer.config
        self._refuse_unfit(config)
        self.never = _never(stream.config, self._settings.subject)
        self.ack_wait_s = min([config.ack_wait or DEFAULT_ACK_WAIT_S, *(config.backoff or [])])
        self._note(stream, consumer)

    async def foresee(self) -> int | None:
        """Return how many messages wait for the consumer. None means that `open` would make it.

        Raises:
            ListenerUnavailable: See `open`. Also if the stream never carries the subject.
        """
        settings = self._settings
        try:
            stream = await self._jetstream.stream_info(self._stream)
            consumer = await self._find()
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise _explain(self._stream, error) from error
        never = _never(stream.config, settings.subject)
        if never:
            raise ListenerUnavailable(never, reason="refused")
        if consumer is None:
            self._refuse_missing()
            return None
        self._refuse_unfit(consumer.config)
        return consumer.num_pending or 0

    async def look(self) -> int:
        """Return how many messages the consumer has for us. Set `withheld`, and tell what is lost.

        Raises:
            ListenerUnavailable: Somebody has changed the consumer. It has to be opened again.
            nats.errors.Error: The server does not answer, or the stream or the consumer is gone.
        """
        # In this order, a message that is delivered between the two answers is never called lost.
        stream = await self._jetstream.stream_info(self._stream)
        consumer = await self.info()
        if consumer.config != self._config:
            raise ListenerUnavailable(
                f"the settings of consumer {self._settings.durable} were changed"
            )
        self._note(stream, consumer)
        self.withheld = _why_withheld(consumer)
        return consumer.num_pending or 0

    async def info(self) -> ConsumerInfo:
        """Ask the server about the consumer.

        Raises:
            nats.errors.Error: The server does not answer, or the consumer is gone.
        """
        found: ConsumerInfo = await self._jetstream.consumer_info(
            self._stream, self._settings.durable
        )
        return found

    def _note(self, stream: StreamInfo, consumer: ConsumerInfo) -> None:
        now = Look.at(stream, consumer, self._settings.subject)
        before = self._progress.seen
        lost_count = self._progress.note(now)
        if self._progress.jumped_count:
            self._log.warning(
                "durable consumer was made anew by somebody else, further on",
                perhaps_not_delivered_count=self._progress.jumped_count,
                begins_behind=now.passed_sequence - now.deliveries_count,
            )
        if not lost_count:
            return
        self._passed.lost_count += lost_count
        anew = before is not None and before.stream_made != now.stream_made
        self._log.error(
            "messages lost at the source",
            why=ANEW if anew else EVICTED,
            messages_count=lost_count,
        )

    async def _find(self) -> ConsumerInfo | None:
        try:
            return await self.info()
        except NotFoundError as error:
            if error.err_code == STREAM_NOT_FOUND:
                raise
        return None

    async def _make(self, stream: StreamInfo) -> ConsumerInfo:
        settings = self._settings
        self._refuse_missing()
        first = self._first_unsettled(stream)
        wanted = ConsumerConfig(
            name=settings.durable,
            durable_name=settings.durable,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE if first else DeliverPolicy.ALL,
            opt_start_seq=first,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=settings.ack_wait_s,
            # A lane holds up to five batches. With room for less than two batches, it would wait
            # for messages that the server only sends after those in the lane are acknowledged.
            max_ack_pending=max(settings.max_ack_pending_count, 2 * settings.max_batch_count),
            # There is no limit. After the last delivery that a limit allows, the server would never
            # deliver the message again, and the message would be lost.
            max_deliver=-1,
            filter_subject=settings.subject,
        )
        made = await self._jetstream.add_consumer(self._stream, wanted)
        if first:
            self._log.warning("durable consumer was deleted, and is made anew", begins_at=first)
        elif stream.state.messages:
            self._log.warning(
                "durable consumer made: it begins with the first message of the stream",
                messages_count=stream.state.messages,
            )
        return made

    def _refuse_missing(self) -> None:
        if not self._settings.create_durable:
            raise ListenerUnavailable(
                f"stream {self._stream} has no consumer {self._settings.durable}: create it, or "
                "set create_durable = true",
                reason="refused",
            )

    def _refuse_unfit(self, config: ConsumerConfig) -> None:
        problems = _problems(config, self._settings)
        if problems:
            raise ListenerUnavailable(
                f"consumer {self._settings.durable} of stream {self._stream} is not fit: "
                f"{'; '.join(problems)}",
                reason="refused",
            )

    def _first_unsettled(self, stream: StreamInfo) -> int | None:
        """Return the sequence at which a consumer goes on that was deleted while we ran.

        Everything before it is settled, by us or by another process. None means the beginning: the
        stream was made anew or restored from an older copy, or this process has not seen the
        consumer.
        """
        seen = self._progress.seen
        if seen is None or seen.stream_made != stream.created:
            return None
        if stream.state.last_seq < seen.settled_sequence:
            return None
        return seen.settled_sequence + 1


def _never(config: StreamConfig, subject: str) -> str:
    """Say that a stream stores no message with a subject. Empty if it may store such a message.

    A stream that copies other streams has messages with subjects of theirs.
    """
    stored = config.subjects or []
    copies = config.mirror is not None or bool(config.sources)
    if copies or any(overlap(its, subject) for its in stored):
        return ""
    what = ", ".join(stored) or "nothing"
    return (
        f"stream {config.name} stores {what}, so no message with subject {subject} can come: "
        "correct the listener's subject or its stream"
    )


def _why_withheld(consumer: ConsumerInfo) -> str | None:
    if consumer.paused:
        return "the consumer is paused"
    if (consumer.num_ack_pending or 0) >= (consumer.config.max_ack_pending or math.inf):
        return "as many messages as max_ack_pending allows are not acknowledged"
    return None


def _problems(config: ConsumerConfig, settings: NatsListenerSettings) -> list[str]:
    filters = config.filter_subjects or [config.filter_subject or ">"]
    found = [
        (
            config.ack_policy != AckPolicy.EXPLICIT,
            f"its ack policy is {config.ack_policy}, and must be explicit: make it anew",
        ),
        (
            (config.max_deliver or -1) != -1,
            f"its MaxDeliver is {config.max_deliver}, and must be -1, or messages get lost: edit",
        ),
        (
            bool(config.headers_only),
            "it delivers headers without bodies (headers_only): edit, or make it anew",
        ),
        (
            bool(config.inactive_threshold),
            "it has an inactive_threshold, so the server deletes it while we are away: edit",
        ),
        (
            bool(config.mem_storage),
            "its state is in memory (mem_storage), and is gone after a restart: make it anew",
        ),
        (bool(config.deliver_subject), "it is a push consumer, and must be pull: make it anew"),
        (
            filters != [settings.subject],
            f"it takes {', '.join(filters)}, and subject is {settings.subject}: change either",
        ),
    ]
    return [problem for is_so, problem in found if is_so]


def _explain(stream: str, error: Exception) -> ListenerUnavailable:
    if isinstance(error, NotFoundError):
        return ListenerUnavailable(
            f"stream {stream} does not exist: create it, or correct the listener's stream",
            reason="refused",
        )
    if isinstance(error, ServiceUnavailableError):
        return ListenerUnavailable(
            f"stream {stream}: JetStream is off on that server, or has no leader now"
        )
    if isinstance(error, APIError):
        text = f"stream {stream}: {error.description} (error {error.err_code})"
        return ListenerUnavailable(text, reason="refused")
    return ListenerUnavailable(f"stream {stream}: {str(error) or 'no answer in time'}")
