"""The durable consumer of a JetStream listener: made when missing, refused when unfit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from nats.js.client import JetStreamContext

    from consumer.listeners.nats import NatsListenerSettings


async def prepare_consumer(jetstream: JetStreamContext, settings: NatsListenerSettings) -> None:
    """Make the consumer, or check the one that is there.

    Raises:
        ListenerUnavailable: `refused`, with what to do.
    """
    stream, durable = settings.stream or "", settings.durable
    try:
        config = await _find(jetstream, stream, durable)
        if config is None:
            await jetstream.add_consumer(stream, _wanted(settings))
            return
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise ListenerUnavailable(_advice(stream, durable, error), reason="refused") from error
    problems = _problems(config)
    if problems:
        raise ListenerUnavailable(
            f"consumer {durable} of stream {stream} is not fit: {'; '.join(problems)}",
            reason="refused",
        )


async def _find(jetstream: JetStreamContext, stream: str, durable: str) -> ConsumerConfig | None:
    await jetstream.stream_info(stream)  # else a missing stream looks like a missing consumer
    try:
        return (await jetstream.consumer_info(stream, durable)).config
    except NotFoundError:
        return None


def _wanted(settings: NatsListenerSettings) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=settings.durable,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=settings.ack_wait_s,
        max_ack_pending=settings.max_ack_pending_count,
        # Any other number would leave a message undelivered for ever once it is used up.
        max_deliver=-1,
        filter_subject=settings.subject,
    )


def _problems(config: ConsumerConfig | None) -> list[str]:
    if config is None:
        return ["the server does not show its configuration"]
    found = [
        (
            config.ack_policy != AckPolicy.EXPLICIT,
            f"ack policy is {config.ack_policy}, must be explicit",
        ),
        (
            (config.max_deliver or -1) != -1,
            f"MaxDeliver is {config.max_deliver}, must be -1: after it a message is lost",
        ),
        (bool(config.deliver_subject), "it is a push consumer, must be pull"),
    ]
    return [problem for is_so, problem in found if is_so]


def _advice(stream: str, durable: str, error: Exception) -> str:
    if isinstance(error, NotFoundError):
        return f"stream {stream} does not exist: create it, or correct the listener's stream"
    if isinstance(error, TimeoutError):
        return (
            f"no answer about stream {stream}: is JetStream on, and may this user publish to "
            f"$JS.API.STREAM.INFO.{stream}, $JS.API.CONSUMER.INFO.{stream}.{durable} and "
            f"$JS.API.CONSUMER.CREATE.{stream}.>?"
        )
    if isinstance(error, APIError):
        return f"stream {stream}: {error.description} (error {error.err_code})"
    return f"stream {stream}: {error}"
