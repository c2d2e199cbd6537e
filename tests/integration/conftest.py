"""Streams on the shared brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.letters import Letters
from tests.support.scene import Scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def letters(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[Letters]:
    """Return streams that are empty."""
    async with Scene(tmp_path, {}, redis_url, nats_url) as scene:
        scene.tables["listeners"] = {"casino": {"kind": "rabbitmq", "queue": "unused"}}
        prefix = scene.dead_letter_settings.subject_prefix
        jetstream = await scene.sink.make_dead_letter_stream(prefix)
        yield Letters(scene, jetstream, tmp_path / "consumer.toml")
