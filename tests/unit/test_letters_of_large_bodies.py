"""Tests what the letter of a large body costs: a Kafka batch can hold a record of 16 MiB."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Final

import pytest

from consumer.dead_letters import record
from consumer.dead_letters.stream import HASHED_HERE_BYTES
from consumer.events.identity import dead_letter_id
from tests.support.memory_sink import MemoryPipeline

LARGE_BYTES: Final = 8 * 1024 * 1024


def test_hash_copies_no_body() -> None:
    """To copy 16 MiB takes as long as to hash it."""
    body = bytes(LARGE_BYTES)
    tracemalloc.start()
    try:
        dead_letter_id(body, "brand")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < LARGE_BYTES // 1000


@pytest.mark.parametrize("size_bytes", [HASHED_HERE_BYTES, HASHED_HERE_BYTES + 1])
async def test_only_a_large_body_is_hashed_in_a_thread(
    size_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a small body, the way to the thread takes longer than the hash."""
    threads: list[threading.Thread] = []

    def noted(body: bytes, *meant: str) -> str:
        threads.append(threading.current_thread())
        return dead_letter_id(body, *meant)

    monkeypatch.setattr(record, "dead_letter_id", noted)
    pipeline = MemoryPipeline()
    await pipeline.open()
    await pipeline.source.send(b"x" * size_bytes)
    await pipeline.drain()
    (thread,) = threads
    assert (thread is threading.main_thread()) == (size_bytes <= HASHED_HERE_BYTES)
