"""Finds out how large an event has to be for the sink to refuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import nats.errors
from nats.js.errors import NotFoundError

from consumer.errors import Unavailable
from consumer.nats.connection import connected

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.config.load import Config

HEADERS_BYTES: Final = 128
"""The size of the body is this much below the limit. The message that brings the body to us has
headers, and a NATS source on the same server has the same limit. The envelope adds more bytes than
this to the event, so the event is still over the limit."""


async def too_large_bytes(config: Config) -> int:
    """Ask the sink's server, and its stream, for the largest message that they take.

    Returns:
        The size in bytes of a body whose event is too large for them.

    Raises:
        Unavailable: The server is away.
    """
    async with connected(config.sink, name="consumer send") as client:
        limit_bytes = client.max_payload
        of_stream_bytes = await _limit_of_stream_bytes(client, config)
    if of_stream_bytes > 0:
        limit_bytes = min(limit_bytes, of_stream_bytes)
    return limit_bytes - HEADERS_BYTES


async def _limit_of_stream_bytes(client: Client, config: Config) -> int:
    """Ask the sink's stream for the largest message that it takes. 0 or less means no limit."""
    if config.sink.kind != "jetstream":
        return 0
    try:
        info = await client.jetstream().stream_info(config.sink.stream)
    except NotFoundError:
        return 0  # the daemon will create a stream that has no limit
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise Unavailable(f"the sink does not tell its largest message: {error}") from error
    return info.config.max_msg_size or 0
