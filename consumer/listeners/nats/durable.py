"""Makes the durable consumer of a JetStream listener, or refuses one that is not fit.

Also responsible for telling which right a NATS user lacks. The options of a consumer are explained
at https://docs.nats.io/nats-concepts/jetstream/consumers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from nats.js.client import JetStreamContext

    from consumer.listeners.nats.settings import NatsListenerSettings

STREAM_NOT_FOUND: Final = 10059
"""The server's error code. The status 404 alone means a missing stream or a missing consumer."""
DEFAULT_ACK_WAIT_S: Final = 30.0
"""The server's own default, in seconds."""


async def prepare_consumer(jetstream: JetStreamContext, settings: NatsListenerSettings) -> float:
    """Make the consumer, or check the consumer that exists.

    Returns:
        The time for which the consumer waits for an acknowledgement before it delivers a message
        again, in seconds.

    Raises:
        ListenerUnavailable: The consumer is not fit, or cannot be made (`reason="refused"`), or
            the server does not answer (`reason="lost"`). The text says what to do.
    """
    stream, durable = settings.stream or "", settings.durable
    try:
        config = await _find_or_make(jetstream, settings)
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise _explain(stream, error) from error
    problems = _problems(config, settings)
    if problems:
        raise ListenerUnavailable(
            f"consumer {durable} of stream {stream} is not fit: {'; '.join(problems)}",
            reason="refused",
        )
    return min([config.ack_wait or DEFAULT_ACK_WAIT_S, *(config.backoff or [])])


async def _find_or_make(
    jetstream: JetStreamContext, settings: NatsListenerSettings
) -> ConsumerConfig:
    stream = settings.stream or ""
    try:
        found: ConsumerConfig = (await jetstream.consumer_info(stream, settings.durable)).config
    except NotFoundError as error:
        if error.err_code == STREAM_NOT_FOUND:
            raise
    else:
        return found
    wanted = ConsumerConfig(
        name=settings.durable,
        durable_name=settings.durable,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=settings.ack_wait_s,
        # A lane holds up to five batches. With room for less than two batches, it would wait for
        # messages that the server only sends after the messages in the lane are acknowledged.
        max_ack_pending=max(settings.max_ack_pending_count, 2 * settings.max_batch_count),
        # There is no limit. After the last delivery that a limit allows, the server would never
        # deliver the message again, and the message would be lost.
        max_deliver=-1,
        filter_subject=settings.subject,
    )
    made: ConsumerConfig = (await jetstream.add_consumer(stream, wanted)).config
    return made


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


def missing_right(settings: NatsListenerSettings, complaint: str) -> str:
    """Say which right is missing, from the text of the server's "permissions violation".

    nats-py turns the server's text into lower case, but subjects have upper case too. So the
    subject is looked up among the subjects that a listener uses.

    Args:
        settings: The options of the listener.
        complaint: The server's text.
    """
    stream, durable = settings.stream or "", settings.durable
    used = [
        (f"$JS.API.CONSUMER.INFO.{stream}.", durable),
        (f"$JS.API.CONSUMER.CREATE.{stream}.{durable}.", ">"),
        (f"$JS.API.CONSUMER.MSG.NEXT.{stream}.", durable),
        (f"$JS.ACK.{stream}.{durable}.", ">"),
        (f"{settings.inbox_prefix}.", ">"),
        (settings.subject, ""),
    ]
    said = complaint.lower()
    subject = next((head + tail for head, tail in used if head.lower() in said), complaint)
    verb = "publish" if "publish" in said else "subscribe"
    return f"permission is missing: allow this NATS user to {verb} to {subject}"
