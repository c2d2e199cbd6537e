"""Content encodings: everything a sender may write, and no more than the limit ever in memory."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, strategies as st

from consumer.deliveries.decompress import MEMBERS_MAX_COUNT, decompress
from consumer.errors import Reason, Rejected
from consumer.pipeline.batch import Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import sent
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1024 * 1024
LIMIT = 16 * MEGABYTE


def bare(body: bytes) -> bytes:
    """Compress as many senders understand `deflate`."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def zstd_streamed(body: bytes) -> bytes:
    """Compress without a size in the header, but with a checksum."""
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return stream.compress(body) + stream.flush()


def gzip_bomb() -> bytes:
    """Make one stream of 1 GiB of zeros: a flushed block stands for itself wherever it is put."""
    stream = zlib.compressobj(wbits=31)
    head = stream.compress(bytes(MEGABYTE)) + stream.flush(zlib.Z_FULL_FLUSH)
    block = stream.compress(bytes(MEGABYTE)) + stream.flush(zlib.Z_FULL_FLUSH)
    return head + block * 1023


def zstd_bomb() -> bytes:
    """Make one frame of 1 GiB of zeros, 4 bytes for each 128 KiB, that states no size."""
    one_byte_repeated = (1 << 1 | (128 * 1024) << 3).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\x00\x38" + one_byte_repeated * 8192


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", bare),
    ("zstd", zstandard.compress),
    ("zstd", zstd_streamed),
]
every_encoder = pytest.mark.parametrize(("name", "encode"), ENCODERS)


def reason(body: bytes, name: str, limit_bytes: int = LIMIT) -> Reason:
    """Return why a body is refused."""
    with pytest.raises(Rejected) as rejected:
        decompress(body, name, limit_bytes)
    return rejected.value.reason


@every_encoder
@given(body=st.binary(max_size=5000))
def test_body_comes_back(name: str, encode: Callable[[bytes], bytes], body: bytes) -> None:
    """Whatever it holds; the empty one too."""
    assert decompress(encode(body), name, LIMIT) == body


@every_encoder
def test_large_body_comes_back(name: str, encode: Callable[[bytes], bytes]) -> None:
    """Many pieces of it."""
    body = b"".join(number.to_bytes(4, "big") for number in range(MEGABYTE // 8))
    assert decompress(encode(body), name, LIMIT) == body


@every_encoder
def test_limit_is_exact(name: str, encode: Callable[[bytes], bytes]) -> None:
    """So many bytes pass, and one more does not."""
    body = bytes(100_000)
    assert decompress(encode(body), name, 100_001) == body
    assert decompress(encode(body), name, 100_000) == body
    assert reason(encode(body), name, 99_999) is Reason.TOO_LARGE


@every_encoder
def test_cut_off_body_is_malformed(name: str, encode: Callable[[bytes], bytes]) -> None:
    """Wherever it is cut, its checksum included."""
    body = encode(casino())
    assert {reason(body[:end], name) for end in range(len(body))} == {Reason.MALFORMED}


@every_encoder
@pytest.mark.parametrize("garbage", [b"\0", b"garbage behind the end"])
def test_garbage_behind_the_end_is_malformed(
    name: str, encode: Callable[[bytes], bytes], garbage: bytes
) -> None:
    """Somebody sent something else than they think."""
    assert reason(encode(casino()) + garbage, name) is Reason.MALFORMED


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    """Nothing but `Rejected` comes out."""
    with contextlib.suppress(Rejected):
        assert len(decompress(body, name, 1000)) <= 1000


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_plain_json_is_malformed(name: str) -> None:
    """A sender who only set the header."""
    assert reason(casino(), name) is Reason.MALFORMED


@pytest.mark.parametrize(("name", "encode"), [("gzip", gzip.compress), ("zstd", zstd_streamed)])
def test_members_are_joined(name: str, encode: Callable[[bytes], bytes]) -> None:
    """Both formats allow several, one behind another; the limit is that of all together."""
    body = encode(b"a" * 40_000) + encode(b"") + encode(b"b")
    assert decompress(body, name, 40_001) == b"a" * 40_000 + b"b"
    assert reason(body, name, 40_000) is Reason.TOO_LARGE
    assert reason(encode(b"") * (MEMBERS_MAX_COUNT + 1), name) is Reason.MALFORMED


def test_skippable_frame_is_skipped() -> None:
    """Zstd's own place for notes."""
    note = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"
    assert decompress(note + zstandard.compress(b"body"), "zstd", 10) == b"body"


@pytest.mark.parametrize("bomb", [gzip_bomb, zstd_bomb], ids=["gzip", "zstd"])
def test_bomb_is_given_up_at_the_limit(bomb: Callable[[], bytes]) -> None:
    """1 GiB of zeros never takes more memory than the limit and some pieces."""
    body = bomb()
    tracemalloc.start()
    try:
        assert reason(body, bomb.__name__.partition("_")[0], MEGABYTE) is Reason.TOO_LARGE
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 32 * MEGABYTE


def test_frame_that_states_too_large_a_size_is_not_read() -> None:
    """The size in the header is enough."""
    assert reason(zstandard.compress(bytes(20 * MEGABYTE)), "zstd") is Reason.TOO_LARGE


def test_window_of_the_limit_is_accepted() -> None:
    """Strong levels ask for more than the 8 MiB that everybody may."""
    strong = zstandard.ZstdCompressionParameters.from_level(1, window_log=24)
    stream = zstandard.ZstdCompressor(compression_params=strong).compressobj()
    body = stream.compress(casino()) + stream.flush()
    assert decompress(body, "zstd", LIMIT) == casino()


def test_window_beyond_the_limit_is_refused() -> None:
    """A header of six bytes must not take 2 GiB."""
    assert reason(b"\x28\xb5\x2f\xfd\x00\xa8" + b"\1\0\0", "zstd") is Reason.MALFORMED


@pytest.mark.parametrize("name", ["br", "gzip, zstd", "gzip,gzip", "compress", "\u0660"])
def test_other_encodings_are_named(name: str) -> None:
    """With what would have been right."""
    with pytest.raises(Rejected, match="expected none, identity, gzip, deflate or zstd") as error:
        decompress(b"", name, LIMIT)
    assert error.value.reason is Reason.UNSUPPORTED_ENCODING


@pytest.mark.parametrize("name", ["", " ", "identity", "Identity"])
def test_identity_changes_nothing(name: str) -> None:
    """Not even the size of it counts."""
    body = bytes(100)
    assert decompress(body, name, 10) is body


async def test_encoded_and_plain_event_are_one() -> None:
    """The identity is that of the event, not of its bytes."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    await pipeline.source.send(gzip.compress(casino()), content_encoding=" GZip ")
    await pipeline.source.send(casino())
    await pipeline.drain()
    assert [message.subject for message in pipeline.sink.stored] == ["game.bet"]
    assert (pipeline.count("forwarded"), pipeline.count("duplicates")) == (1, 1)


async def test_letter_keeps_the_body_as_it_arrived() -> None:
    """With its encoding, so that a replay reads it as the first time."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    sent = zstandard.compress(casino(amount="abc"))
    await pipeline.source.send(sent, content_encoding="zstd")
    await pipeline.drain()
    (letter,) = pipeline.letters.stored
    assert letter.body == sent
    assert letter.headers["Dead-Content-Encoding"] == "zstd"
    assert letter.headers["Dead-Reason"] == "invalid"


async def test_small_bodies_do_not_become_gigabytes() -> None:
    """What is held of a batch is bounded, whatever the sender's compression ratio is."""
    small = zstd_streamed(casino(meta={"a": "x" * 9_000_000}))
    works = [Work(sent(small, "CASINO", content_encoding="zstd")) for _ in range(6)]
    batches = Decoder(limit_bytes=lambda: 10_000_000).batches(works, 0.0, 0.0)
    first = await anext(batches)
    assert len(first.works) == 1
    assert works[1].event is None
    assert [len(batch.works) async for batch in batches] == [1] * 5


async def test_bodies_that_take_long_are_several_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other tasks run between them: heartbeats, other lanes, the health port."""
    now_s = iter(range(1000))
    monkeypatch.setattr("consumer.turn.time.perf_counter", lambda: float(next(now_s)))
    works = [Work(sent(b"{", "CASINO")) for _ in range(3)]
    works += [Work(sent(casino(), "CASINO")) for _ in range(3)]
    batches = [len(batch.works) async for batch in Decoder().batches(works, 0.0, 0.0)]
    assert batches == [1] * 6


async def test_deliveries_of_several_batches_are_all_booked() -> None:
    """Taken in together, delivered apart, and in order."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    for number in range(5):
        body = casino(activity_id=f"e{number}", meta={"a": "x" * 900_000})
        await pipeline.source.send(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consumer.pipeline.decode.HELD_BYTES", 1_000_000)
        await pipeline.drain()
    assert [b"e%d" % n in one.body for n, one in enumerate(pipeline.sink.stored)] == [True] * 5
    assert pipeline.count("forwarded") == 5
    assert pipeline.balanced()
