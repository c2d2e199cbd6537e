"""What aiokafka does not promise to keep and we rely on: if a new version changes it, this fails.

Each text says what in consumer/listeners/kafka relies on the part, and what goes wrong without it.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import CorruptRecordException, KafkaConnectionError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.admin import ApiVersionRequest
from aiokafka.record.default_records import (
    DefaultRecordBatch,
    _DefaultRecordBatchBuilderPy,
    _DefaultRecordBatchPy,
)
from aiokafka.record.memory_records import MemoryRecords

from consumer.listeners.kafka.batches import Records, tolerate
from consumer.listeners.kafka.connection import make_consumer
from consumer.listeners.kafka.internals import (
    TASKS,
    FetchedRecords,
    hand_out_bounded,
    notice_closed_sockets,
)
from consumer.listeners.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARTITION: Final = TopicPartition("topic", 0)
NO_PRODUCER: Final = -1
OWNERS: Final = {"_coordinator": GroupCoordinator, "_fetcher": Fetcher, "_client": AIOKafkaClient}
"""The parts of a consumer that `abort` looks into, and what each of them is."""
CODECS: Final = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


class OddName(str):
    """A header name that is written as bytes which are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        """Return the bytes."""
        return b"ty\xffpe"


def written(
    codec: int = 0, names: tuple[str, ...] = (OddName(), "type"), *, offset: int = 0
) -> bytes:
    """Return a batch of one record with headers of these names, as a broker sends it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, NO_PRODUCER, NO_PRODUCER, NO_PRODUCER, 1000)
    headers = [(name, b"CASINO") for name in names]
    builder.append(0, timestamp=0, key=None, value=b"{}", headers=headers)
    return offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def read(records: object) -> list[list[str]]:
    """Read what a broker sent as aiokafka does; returns the header names of each record."""
    unpacked = PartitionRecords(PARTITION, records, [], 0, None, None, True, READ_COMMITTED)
    return [[name for name, _ in record.headers] for record in unpacked]


def names_in(function: Callable[..., object]) -> tuple[str, ...]:
    """Return the names of the attributes and globals that a function uses."""
    return function.__code__.co_names


def task_names(kind: type) -> Iterator[str]:
    """Yield the attributes of a class of aiokafka that hold tasks."""
    for method in filter(inspect.isfunction, vars(kind).values()):
        for name in names_in(method):
            if name.endswith("_task") and name != "create_task" and name not in vars(kind):
                yield name


@pytest.fixture
def _untouched() -> Iterator[None]:
    """Put aiokafka's own class back after the test."""
    before = fetcher.MemoryRecords
    yield
    fetcher.MemoryRecords = before


def test_odd_header_name_raises_in_aiokafka_only() -> None:
    """Else `tolerate` can go, and all of `Records` with it."""
    with pytest.raises(UnicodeDecodeError):
        read(MemoryRecords(written()))
    assert read(Records(written())) == [["ty\\xffpe", "type"]]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_odd_header_name_is_read_from_any_compression(codec: int) -> None:
    """`_TolerantBatch` sees the bytes only once aiokafka's slow batch has decompressed them."""
    batches = written(codec) + written(codec, ("type",), offset=1)
    assert read(Records(batches)) == [["ty\\xffpe", "type"], ["type"]]


@pytest.mark.usefixtures("_untouched")
def test_class_that_reads_answers_can_be_replaced() -> None:
    """Else `tolerate` replaces what nobody looks up, and one header name blocks a partition."""
    tolerate()
    assert fetcher.MemoryRecords is Records
    assert "MemoryRecords" in names_in(Fetcher._proc_fetch_request)


def test_class_of_fetched_records_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else `hand_out_bounded` replaces what nobody looks up."""
    monkeypatch.setattr(fetcher, "FetchResult", fetcher.FetchResult)
    hand_out_bounded()
    assert fetcher.FetchResult is FetchedRecords
    for method in (Fetcher._proc_fetch_request, Fetcher.fetched_records):
        assert "FetchResult" in names_in(method)


def test_records_offer_what_aiokafka_asks_them_for() -> None:
    """`Records` and its batches stand in for classes whose other parts nobody asks for."""
    offered = dir(MemoryRecords)
    asked = names_in(PartitionRecords._unpack_records) + names_in(Fetcher._proc_fetch_request)
    assert {name for name in asked if name in offered} <= set(dir(Records(written())))


def damaged(batch: bytes) -> bytes:
    """Return a batch that claims to end at an offset far behind it, as a broken disk makes it."""
    return batch[:23] + bytes([batch[23] ^ 0x40]) + batch[24:]


@pytest.mark.parametrize(
    ("batches", "wanted", "left"),
    [
        ((damaged(written()), written(offset=1)), 1, [1]),
        ((damaged(written()), written(offset=1), written(offset=2)), 2, [2]),
        ((damaged(written()), written(offset=5)), 1, [0, 5]),
        ((damaged(written()), written(offset=1)[:40]), 1, [0]),
        ((damaged(written()),), 1, [0]),
        ((written(), written(offset=1)), 0, [0, 1]),
        # The first offset of a batch is not under its checksum.
        ((written(offset=1), written(offset=0)), 1, [1, 0]),
    ],
    ids=["behind", "two", "gap", "cut off", "alone", "ordinary", "wrong first offset"],
)
def test_batches_before_an_offset_are_left_out(
    batches: tuple[bytes, ...], wanted: int, left: list[int]
) -> None:
    """Brokers before 4.1 send a corrupt batch again to a reader that is behind it."""
    records = Records(b"".join(batches))
    records.leave_out_before(wanted)
    found = []
    while records.has_next():
        found.append(records.next_batch().base_offset)
    assert found == left


def test_batch_that_is_too_short_to_be_one_states_nothing() -> None:
    """Else the advice for the operator comes from the batch before it."""
    short = bytes(8) + (5).to_bytes(4, "big") + bytes(5)
    records = Records(written() + short)
    records.next_batch()
    with pytest.raises(CorruptRecordException):
        records.next_batch()
    assert records.latest is None
    assert records.following_offset is None


def test_fetched_records_know_where_they_begin() -> None:
    """`FetchedRecords` leaves out what is before this, and `PartitionRecords` reads later."""
    records = Records(damaged(written()) + written(offset=1))
    fetched = FetchedRecords(
        PARTITION,
        assignment=None,
        partition_records=PartitionRecords(
            PARTITION, records, [], 1, None, None, True, READ_COMMITTED
        ),
        backoff=0.0,
    )
    assert [record.offset for record in fetched._partition_records] == [1]


@pytest.mark.parametrize("kind", [DefaultRecordBatch, _DefaultRecordBatchPy])
def test_batch_begins_with_offset_and_length(kind: Callable[[bytes], Any]) -> None:
    """`Records.next_batch` finds the end of a batch by them."""
    data = written()
    records = Records(data + data)
    ends = []
    while records.has_next():
        records.next_batch()
        ends.append(records._at)
    assert ends == [len(data), 2 * len(data)]
    assert kind(data).next_offset == 1


def test_slow_batch_decodes_what_is_in_its_buffer() -> None:
    """`_TolerantBatch` replaces that buffer by one whose parts decode without errors."""
    assert "_buffer" in names_in(_DefaultRecordBatchPy._read_msg), "_TolerantBatch: no _buffer"
    assert "decode" in names_in(_DefaultRecordBatchPy._read_msg), "_Escaping.decode: not called"
    assert "_maybe_uncompress" in names_in(_DefaultRecordBatchPy.__iter__), "_TolerantBatch"


@pytest.mark.parametrize("part", OWNERS)
def test_consumer_has_the_part_that_abort_looks_into(part: str) -> None:
    """Else `abort` leaves tasks behind that go on asking a frozen broker for ever."""
    made_in = AIOKafkaConsumer.__init__ if part == "_client" else AIOKafkaConsumer.start
    assert {part, OWNERS[part].__name__} <= set(names_in(made_in)), f"abort: no {part}"


@pytest.mark.parametrize("part", OWNERS)
def test_abort_knows_every_task(part: str) -> None:
    """A task that it does not know goes on asking a frozen broker for ever."""
    known = {task for owner, task in TASKS if owner == part}
    assert set(task_names(OWNERS[part])) == known, f"abort: the tasks of {part} are others"


def test_abort_knows_pending_fetches_and_connections() -> None:
    """They are in collections, not in attributes of their own."""
    assert "_pending_tasks" in names_in(Fetcher.__init__), "abort: fetches go on"
    assert "_conns" in names_in(AIOKafkaClient.__init__), "abort: connections stay open"
    assert "reason" in inspect.signature(AIOKafkaConnection.close).parameters


def test_topics_can_be_learned_without_a_subscription() -> None:
    """`know_topics` relies on it. Without it, a look finds no partitions and no backlog."""
    assert list(inspect.signature(AIOKafkaClient.set_topics).parameters) == ["self", "topics"]
    assert "force_metadata_update" in names_in(AIOKafkaClient.set_topics)


async def test_consumer_that_was_never_started_has_no_parts_yet() -> None:
    """`abort` is called after an `open` that failed, too."""
    settings = KafkaSettings(bootstrap_servers=["127.0.0.1:1"], topics=["topic"])
    made = make_consumer(settings, "name")
    assert (made._fetcher, made._coordinator, made._client._conns) == (None, None, {})
    assert made._client._sync_task is None
    await made.stop()


def test_one_connection_can_be_made_alone() -> None:
    """`probe` learns by it why no server can be reached; aiokafka's own start only logs it."""
    options = {name for name in inspect.signature(create_conn).parameters if "sasl" in name}
    assert options == {
        "sasl_mechanism",
        "sasl_plain_username",
        "sasl_plain_password",
        "sasl_kerberos_service_name",
        "sasl_kerberos_domain_name",
        "sasl_oauth_token_provider",
    }
    assert collect_hosts(["[::1]:9093"])[0][:2] == ("::1", 9093)


def test_parts_that_the_tests_use_are_there() -> None:
    """A proxy needs the brokers' addresses, and a hostile producer the bytes of its batch."""
    assert inspect.isfunction(ClusterMetadata.broker_metadata), "tests/support/source_kafka.py"
    assert "cluster" in names_in(AIOKafkaClient.__init__), "tests/support/source_kafka.py"
    assert inspect.isfunction(BatchBuilder._build), "tests/integration/test_kafka_listener.py"


class ClosedWriter:
    """Writes as uvloop's transport does once its socket is closed."""

    closed = False

    def write(self, _: bytes) -> None:
        """Refuse."""
        raise RuntimeError("unable to perform operation; the handler is closed")

    def close(self) -> None:
        """Close once more."""
        self.closed = True


async def test_write_to_a_closed_socket_of_uvloop_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else aiokafka's fetching task ends with it, and the consumer is silent for ever."""
    notice_closed_sockets()
    connection, writer = AIOKafkaConnection("127.0.0.1", 1), ClosedWriter()
    reading = asyncio.get_running_loop().create_future()
    for name, value in (("_reader", object()), ("_writer", writer), ("_read_task", reading)):
        monkeypatch.setattr(connection, name, value)
    with pytest.raises(KafkaConnectionError, match="handler is closed"):
        connection.send(ApiVersionRequest())
    assert writer.closed
    assert reading.cancelled()


def test_sending_takes_what_we_pass_on() -> None:
    """`notice_closed_sockets` replaces this method and passes its arguments on."""
    parameters = list(inspect.signature(AIOKafkaConnection.send).parameters)
    assert parameters[1:] == ["request", "expect_response"]
