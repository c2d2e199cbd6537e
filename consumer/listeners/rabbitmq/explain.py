"""Says what an error of the connection to RabbitMQ means, and what an operator can do about it.

Not responsible for where the error comes from: `connection.py` catches what the libraries raise.
"""

from __future__ import annotations

import asyncio

from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelNotFoundEntity,
    ProbableAuthenticationError,
)

# aio-pika raises these two as well, and does not export them.
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource

from consumer.errors import ConfigError
from consumer.options.unreachable import why_unreachable

_REFUSALS: dict[type[BaseException], str] = {
    ProbableAuthenticationError: "login refused, check user and password",
    AuthenticationError: "the broker offers no such login, check auth",
    ChannelNotFoundEntity: "no queue {queue!r}, create it or set declare = true",
    ChannelAccessRefused: "the user needs the permission read on queue {queue!r}, and "
    "configure to declare it",
    ChannelLockedResource: "another connection has queue {queue!r} exclusively",
    ConfigError: "check the options",
    # Behind the others, because a certificate's error is a ValueError as well.
    ValueError: "check the queue, and the URL's host and vhost",
}
"""What to do about an error, by its class. The first class that fits is used."""
_EXACT_WORDS = {
    "rabbit_stream_queue": "queue {queue!r} is a stream, which keeps no progress of its readers: "
    "bind a quorum queue to the same exchange, and listen to it",
    "in exclusive use": "another consumer has queue {queue!r} exclusively, end it or use another "
    "queue",
    "connection limit": "the limit of connections is reached, raise it or end other connections",
}
"""What to do about an error, by words in the broker's reply that leave no doubt."""
_REFUSAL_WORDS = {
    "ACCESS_REFUSED": "login refused, check user and password",
    "NOT_ALLOWED": "create the vhost, or give the user access to it",
}
"""What to do about an error, by a word in the broker's reply.

The class of the error is not enough here: while aiormq logs in, it raises the same class for every
frame that it did not expect.
"""
_LOSSES: dict[type[BaseException], str] = {
    # aiormq's heartbeat watch ends a connection by cancelling the task that reads from it.
    asyncio.CancelledError: "silent for three heartbeats: is RabbitMQ frozen, or the network gone?",
}
_LOSS_WORDS = {
    "unexpectedly closed": "the connection was cut: did RabbitMQ stop, or does this port want TLS?",
}


def explain(
    error: BaseException | None, said: str, queue: str, *, tls: bool = False
) -> tuple[str, str]:
    """Return a text for the operator, and the reason for `ListenerUnavailable`.

    The reason is `refused` if another try fails again until somebody changes something. It is
    `held_too_long` if the broker's consumer timeout ended the channel. Otherwise it is `lost`.

    Args:
        error: The error that was raised, or that ended the connection. None means that the
            connection ended without an error.
        said: The last text of the broker, or the text of the error if there is none.
        queue: The name of the queue, for the text.
        tls: True if we speak TLS.
    """
    unreachable = None
    if isinstance(error, OSError) and not isinstance(error, AMQPError):
        unreachable = why_unreachable(error, "RabbitMQ", tls=tls)
        if unreachable is not None and unreachable.refused:
            return unreachable.text, "refused"
    advices = [advice for words, advice in _EXACT_WORDS.items() if words in said]
    advices += [advice for cause, advice in _REFUSALS.items() if isinstance(error, cause)]
    advices += [advice for word, advice in _REFUSAL_WORDS.items() if word in said]
    if advices:
        return f"{advices[0].format(queue=queue)}: {said}", "refused"
    if "acknowledgement" in said and "timed out" in said:
        return f"held for longer than the broker's consumer timeout: {said}", "held_too_long"
    if unreachable is not None:
        return unreachable.text, "lost"
    losses = [text for cause, text in _LOSSES.items() if isinstance(error, cause)]
    losses += [text for word, text in _LOSS_WORDS.items() if word in said]
    return (losses or [said or "the connection was lost"])[0], "lost"
