"""The options of the table `[stream_api]`."""

from __future__ import annotations

import msgspec

from consumer.options.values import Bytes, Seconds


class StreamApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[stream_api]`: reading events over the public port. Without it, nobody can.

    Attributes:
        max_buffered_bytes: The largest size of what waits to be sent to one reader, in bytes. A
            reader for which more waits is let go.
        max_buffered_total_bytes: The largest size of what waits to be sent to all readers together,
            in bytes.
        heartbeat_s: The time without an event after which a reader gets a heartbeat, in seconds.
    """

    max_buffered_bytes: Bytes = 1024 * 1024
    max_buffered_total_bytes: Bytes = 64 * 1024 * 1024
    heartbeat_s: Seconds = 20.0
