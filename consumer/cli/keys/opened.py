"""Opens the keys of a configuration for a verb, and logs the changes to standard error."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from consumer.access.edit import opened_keys
from consumer.operations.log import LogSettings, configure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.access.edit import Keys
    from consumer.config.load import Config


@contextlib.asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Keys]:
    """Open the bucket of keys for the time of the block.

    The log has the form of the configuration. Its level is `info`, because a change of a key is
    logged in any case.

    Raises:
        Unavailable: The server is away, or this user may not use the bucket.
    """
    configure(LogSettings(format=config.log.format))
    async with opened_keys(config.sink, config.keys, config.sink.replicas) as keys:
        yield keys
