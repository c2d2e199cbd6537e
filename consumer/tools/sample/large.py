"""How large an event has to be for the sink to refuse it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import nats.errors
from nats.js.errors import NotFoundError

from consumer.errors import Unavailable
from consumer.nats.connection import close, connect

if TYPE_CHECKING:
    from consumer.config.load import Config

HEADERS_BYTES: Final = 128
"""Left free for the headers of the message that brings it here: a NATS source on the same server
has the same limit. The envelope makes the event larger by more than this."""


async def too_large_bytes(config: Config) -> int:
    """Ask the sink's server, and the stream there, for the largest message.

    Returns:
        The size of a body whose event is over it.

    Raises:
        Unavailable: the server is away.
    """
    client = await connect(
        config.sink, name="consumer send", on_lost=lambda _: None, on_error=lambda _: None
    )
    try:
        limit = client.max_payload
        if config.sink.kind == "jetstream":
            info = await client.jetstream().stream_info(config.sink.stream)
            largest = info.config.max_msg_size or -1
            limit = min(limit, largest) if largest > 0 else limit
    except NotFoundError:
        limit = client.max_payload  # the daemon will create it without a limit of its own
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise Unavailable(f"the sink does not tell its largest message: {error}") from error
    finally:
        await close(client)
    return limit - HEADERS_BYTES
