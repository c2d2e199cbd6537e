"""Remembers the answers to writes for a day, in a JetStream KV bucket that all processes share.

A process first reserves the record of a write. The reservation keeps other processes from doing the
same write at the same time. Then the process replaces the reservation by the answer. A reservation
holds for `RESERVED_S` only, so that a process that dies does not keep the client waiting for a day.
Each change compares the revision that was read.

Not responsible for what two requests must have in common to be the same write (`idempotency.py`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
import nats.js.errors
import structlog
from nats.js.api import KeyValueConfig, StorageType

from consumer.access.record import stream_of
from consumer.errors import SinkUnavailable
from consumer.http.answer import Answer
from consumer.nats.explain import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nats.aio.client import Client
    from nats.js.kv import KeyValue

    from consumer.clock import Clock

ENDING: Final = "_ANSWERS"
"""The end of the bucket's name, behind the name of the bucket of keys."""
KEPT_S: Final = 86_400.0
RESERVED_S: Final = 60.0
"""More than a write may take: see `idempotency.RUN_MAX_S`."""
ANSWER_MAX_BYTES: Final = 32 * 1024
"""A larger answer is not kept. The record says that the write was carried out."""
VALUE_MAX_BYTES: Final = 64 * 1024
BUCKET_MAX_BYTES: Final = 256 * 1024 * 1024
"""So a key that writes without a pause cannot fill the disk of the server, which events need too.
When the bucket is full, writes with an `Idempotency-Key` get 503 until the oldest records end."""
TRIES_MAX_COUNT: Final = 3
GONE: Final = "was the bucket deleted just now?"

log = structlog.get_logger()


class WriteRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of one write.

    Attributes:
        request: A hash of the request.
        until_s: Until when the reservation holds, in seconds since 1970. None once the write was
            carried out.
        answer: The answer. None while the reservation holds, or if the answer was too large.
    """

    request: str
    until_s: float | None = None
    answer: Answer | None = None


class Reservation(msgspec.Struct, frozen=True):
    """The right to carry out a write.

    Attributes:
        name: The name of the record.
        request: A hash of the request.
        revision_number: The revision of the reservation.
    """

    name: str
    request: str
    revision_number: int


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(WriteRecord).decode


class RememberedWrites:
    """The records of writes in the bucket.

    Args:
        client_of: Returns the open connection to the server, or raises `SinkUnavailable`.
        keys_bucket: The name of the bucket of keys.
        replicas_count: The number of servers that keep a new bucket.
        clock: The clock.
    """

    def __init__(
        self,
        client_of: Callable[[], Client],
        keys_bucket: str,
        replicas_count: int,
        clock: Clock,
    ) -> None:
        self._client_of = client_of
        self._name = keys_bucket + ENDING
        self._stream = stream_of(self._name)
        self._replicas_count = replicas_count
        self._clock = clock
        self._opened: tuple[Client, KeyValue] | None = None

    async def reserve(self, name: str, request: str) -> Reservation | WriteRecord:
        """Reserve a write.

        Args:
            name: The name of the record.
            request: A hash of the request.

        Returns:
            The reservation; or the record of an earlier write. The earlier write may be another
            request, or may still be running.

        Raises:
            SinkUnavailable: The server is away, or this user may not use the bucket.
        """
        bucket = await self._bucket()
        for _ in range(TRIES_MAX_COUNT):
            record, revision_number = await self._find(bucket, name)
            now_s = self._clock.now_s()
            if record is not None and (record.until_s is None or record.until_s > now_s):
                return record
            reserved = WriteRecord(request, until_s=now_s + RESERVED_S)
            made_number = await self._put(bucket, name, reserved, revision_number)
            if made_number is not None:
                return Reservation(name, request, made_number)
        raise SinkUnavailable(f"the record {name} changes all the time")

    async def keep(self, reservation: Reservation, answer: Answer) -> None:
        """Replace a reservation by the answer. If this is not possible, this is logged.

        The write was carried out, so its client gets the answer in any case.
        """
        is_small = len(answer.body) <= ANSWER_MAX_BYTES
        record = WriteRecord(reservation.request, answer=answer if is_small else None)
        try:
            bucket = await self._bucket()
            kept = await self._put(bucket, reservation.name, record, reservation.revision_number)
            why = "" if kept is not None else "another process has reserved the write meanwhile"
        except SinkUnavailable as error:
            why = str(error)
        if why:
            log.warning("answer to a write not kept", record=reservation.name, why=why)

    async def release(self, reservation: Reservation) -> None:
        """Give a reservation back, because nothing was carried out.

        If this fails, the reservation still ends after `RESERVED_S`.
        """
        try:
            bucket = await self._bucket()
            with self._explained():
                await bucket.delete(reservation.name, last=reservation.revision_number)
        except SinkUnavailable as error:
            log.warning(
                "reservation of a write not released", record=reservation.name, why=str(error)
            )

    async def _bucket(self) -> KeyValue:
        """Return the bucket. If it is missing, create it."""
        client = self._client_of()
        if self._opened is not None and self._opened[0] is client:
            return self._opened[1]
        jetstream = client.jetstream()
        request = f"$JS.API.STREAM.*.{self._stream}"
        with explained(self._stream, missing=GONE, request=request, client=client):
            try:
                bucket = await jetstream.key_value(self._name)
            except nats.js.errors.BucketNotFoundError:
                wanted = KeyValueConfig(
                    bucket=self._name,
                    description="answers of consumer to writes, by their Idempotency-Key",
                    history=1,
                    ttl=KEPT_S,
                    storage=StorageType.FILE,
                    replicas=self._replicas_count,
                    max_value_size=VALUE_MAX_BYTES,
                    max_bytes=BUCKET_MAX_BYTES,
                )
                bucket = await jetstream.create_key_value(wanted)
                log.info("bucket of answers created", bucket=self._name)
        self._opened = client, bucket
        return bucket

    async def _find(self, bucket: KeyValue, name: str) -> tuple[WriteRecord | None, int]:
        """Return a record and its revision.

        Returns:
            None as the record if there is none. The revision is then that of the deletion, or 0.
        """
        with self._explained(f"$JS.API.STREAM.MSG.GET.{self._stream}"):
            try:
                entry = await bucket.get(name)
            except nats.js.errors.KeyNotFoundError as error:
                return None, 0 if error.entry is None else error.entry.revision
        try:
            return _decode(entry.value or b""), entry.revision or 0
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SinkUnavailable(f"the record {name} is not understood") from error

    async def _put(
        self, bucket: KeyValue, name: str, record: WriteRecord, revision_number: int
    ) -> int | None:
        """Store a record if it still has this revision. Return its new revision, or None."""
        with self._explained(f"$KV.{self._name}.>"):
            try:
                made_number: int = await bucket.update(name, _encode(record), last=revision_number)
            except nats.js.errors.KeyWrongLastSequenceError:
                return None
            return made_number

    @contextlib.contextmanager
    def _explained(self, request: str = "") -> Iterator[None]:
        try:
            with explained(self._stream, missing=GONE, request=request):
                yield
        except SinkUnavailable:
            self._opened = None  # the bucket may be gone: the next write looks for it again
            raise
