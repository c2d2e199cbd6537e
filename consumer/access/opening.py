"""Opens the bucket of the keys, and creates it if it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import nats.js.errors
import structlog
from nats.js.api import KeyValueConfig, StorageType

from consumer.access.record import stream_of
from consumer.errors import SinkUnavailable
from consumer.nats.explain import explained

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js.kv import KeyValue

    from consumer.access.settings import KeysSettings

MAX_KEY_BYTES: Final = 64 * 1024
DELETED: Final = (
    "the bucket {} was deleted: bring it back with `consumer keys restore`; "
    "known keys go on working"
)
"""A process that has read the bucket does not create it again. While the bucket is missing, known
keys work, and unknown keys get 503. With a new empty bucket, every key would get 401, and senders
would stop."""
GONE: Final = "was the bucket deleted just now?"

log = structlog.get_logger()


async def open_bucket(
    client: Client, settings: KeysSettings, replicas_count: int, *, create: bool = True
) -> KeyValue:
    """Return the bucket of the keys. If it is missing, create it.

    Args:
        client: The connection.
        settings: The name of the bucket.
        replicas_count: The number of servers that keep a new bucket.
        create: If false, a missing bucket is not created.

    Raises:
        SinkUnavailable: The server does not answer, this user may not open or create the bucket, or
            the bucket is missing and must not be created.
    """
    stream = stream_of(settings.bucket)
    jetstream = client.jetstream()
    request = f"$JS.API.STREAM.*.{stream}"
    with explained(stream, missing=GONE, request=request, client=client):
        try:
            return await jetstream.key_value(settings.bucket)
        except nats.js.errors.BucketNotFoundError:
            if not create:
                raise SinkUnavailable(DELETED.format(settings.bucket)) from None
            wanted = KeyValueConfig(
                bucket=settings.bucket,
                description="access keys of consumer: hashes, never secrets",
                # With one message a record, their number tells whether a record is gone (`_look`).
                history=1,
                storage=StorageType.FILE,
                replicas=replicas_count,
                max_value_size=MAX_KEY_BYTES,
            )
            made = await jetstream.create_key_value(wanted)
            log.info("bucket of keys created", bucket=settings.bucket)
            return made
